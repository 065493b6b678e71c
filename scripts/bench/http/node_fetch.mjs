// GETs a URL many times, 100 at a time: node_fetch.mjs URL COUNT
// Connections are kept by fetch's own pool, as many as there are requests at once.
const [url, count] = [process.argv[2], Number(process.argv[3])]

async function getAll(count) {
  let bytes = 0, next = 0
  async function worker() {
    while (next++ < count) {
      const response = await fetch(url)
      if (!response.ok) throw new Error(`status ${response.status}`)
      bytes += (await response.arrayBuffer()).byteLength
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
