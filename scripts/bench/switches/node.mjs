// 1,000 async functions that give way to each other 1,000 times.
const TASKS = 1000, SWITCHES = 1000

async function work(n) {
  for (let i = 0; i < n; i++) await null
}

async function run(n) {
  await Promise.all(Array.from({ length: TASKS }, () => work(n)))
}

await run(100)
const start = performance.now()
await run(SWITCHES)
console.log('rate', TASKS * SWITCHES / (performance.now() - start) * 1000)
