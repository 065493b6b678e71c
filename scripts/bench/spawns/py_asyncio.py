"""200 batches of 1,000 empty tasks, spawned and then joined."""
import asyncio
import time

BATCHES, TASKS = 200, 1000


async def work(i):
    return i


async def run(batches):
    create_task = asyncio.create_task
    for _ in range(batches):
        tasks = [create_task(work(i)) for i in range(TASKS)]
        for i, task in enumerate(tasks):
            assert await task == i


async def main():
    await run(20)
    start = time.perf_counter()
    await run(BATCHES)
    print("rate", BATCHES * TASKS / (time.perf_counter() - start))


asyncio.run(main())
