// Three calls of a second at once: node_calls.mjs URL. What they take beyond the second.
const url = process.argv[2]

async function call() {
  const response = await fetch(url)
  if (!response.ok) throw new Error(`status ${response.status}`)
  return await response.text()
}

const start = performance.now()
const texts = await Promise.all([call(), call(), call()])
console.log('seconds', (performance.now() - start) / 1000 - 1)
console.log('answer', texts.join('').length)
