// Reads 10,000 files of 4 KB, 64 at a time.
import { readFile } from 'node:fs/promises'

const folder = process.argv[2]
const paths = Array.from({ length: 10000 },
  (_, i) => `${folder}/${String(i + 1).padStart(5, '0')}.txt`)

async function run() {
  let bytes = 0, next = 0
  async function worker() {
    while (next < paths.length) {
      const data = await readFile(paths[next++])
      bytes += data.length
    }
  }
  await Promise.all(Array.from({ length: 64 }, worker))
  return bytes
}

await run()
const start = performance.now()
const bytes = await run()
console.log('seconds', (performance.now() - start) / 1000)
console.log('answer', bytes)
