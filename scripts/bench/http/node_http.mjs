// GETs a URL many times, 100 at a time, with the module under everything else in
// node: node_http.mjs URL COUNT
import http from 'node:http'
import https from 'node:https'

const [url, count] = [process.argv[2], Number(process.argv[3])]
const { get, Agent } = url.startsWith('https:') ? https : http
const agent = new Agent({ keepAlive: true, maxSockets: 100 })
const target = new URL(url)
const options = {
  hostname: target.hostname, port: target.port, path: target.pathname, agent,
}

function getOne() {
  return new Promise((resolve, reject) => {
    get(options, response => {
      if (response.statusCode !== 200) reject(new Error(`status ${response.statusCode}`))
      const chunks = []
      response.on('data', chunk => chunks.push(chunk))
      response.on('end', () => resolve(Buffer.concat(chunks).length))
      response.on('error', reject)
    }).on('error', reject)
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
agent.destroy()
