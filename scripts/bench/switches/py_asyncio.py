"""1,000 tasks that give way to each other 1,000 times."""
import asyncio
import time

TASKS, SWITCHES = 1000, 1000


async def work(n):
    sleep = asyncio.sleep
    for _ in range(n):
        await sleep(0)


async def run(n):
    await asyncio.gather(*(work(n) for _ in range(TASKS)))


async def main():
    await run(100)
    start = time.perf_counter()
    await run(SWITCHES)
    print("rate", TASKS * SWITCHES / (time.perf_counter() - start))


asyncio.run(main())
