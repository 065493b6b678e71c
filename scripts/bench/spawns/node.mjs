// 200 batches of 1,000 async functions, called and then awaited. The body
// waits once, as a task that is spawned and runs later does.
const BATCHES = 200, TASKS = 1000

async function work(i) {
  await null
  return i
}

async function run(batches) {
  for (let b = 0; b < batches; b++) {
    const tasks = []
    for (let i = 0; i < TASKS; i++) tasks.push(work(i))
    for (let i = 0; i < TASKS; i++) {
      if (await tasks[i] !== i) throw new Error('wrong result')
    }
  }
}

await run(20)
const start = performance.now()
await run(BATCHES)
console.log('rate', BATCHES * TASKS / (performance.now() - start) * 1000)
