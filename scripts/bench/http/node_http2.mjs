// GETs a URL many times over one HTTP/2 connection, 100 streams at a time:
// node_http2.mjs URL COUNT CA
import http2 from 'node:http2'
import { readFileSync } from 'node:fs'

const [url, count, ca] = [process.argv[2], Number(process.argv[3]), process.argv[4]]
const { origin, pathname } = new URL(url)
const session = http2.connect(origin, { ca: readFileSync(ca) })

function getOne() {
  return new Promise((resolve, reject) => {
    const stream = session.request({ ':path': pathname })
    const chunks = []
    stream.on('response', headers => {
      if (headers[':status'] !== 200) reject(new Error(`status ${headers[':status']}`))
    })
    stream.on('data', chunk => chunks.push(chunk))
    stream.on('end', () => resolve(Buffer.concat(chunks).length))
    stream.on('error', reject)
  })
}

async function getAll(count) {
  let bytes = 0, next = 0
  async function worker() {
    while (next++ < count) {
      const size = await getOne()
      bytes += size
    }
  }
  await Promise.all(Array.from({ length: 100 }, worker))
  return bytes
}

await getAll(2000)
const start = performance.now()
const bytes = await getAll(count)
console.log('rate', count / ((performance.now() - start) / 1000))
console.log('answer', bytes)
session.close()
