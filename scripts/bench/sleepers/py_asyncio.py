"""100,000 tasks that sleep 0.1 s. `memory`: what each takes while all sleep."""
import asyncio
import os
import sys
import time

TASKS = 100_000


def rss():
    with open("/proc/self/status") as status:
        for line in status:
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024


async def memory():
    before = rss()
    # Held, as any task must be that should not be collected.
    tasks = [asyncio.create_task(asyncio.sleep(10)) for _ in range(TASKS)]
    await asyncio.sleep(2)  # every task has started and sleeps
    print("bytes", (rss() - before) / len(tasks), flush=True)
    os._exit(0)


async def main():
    start = time.perf_counter()
    await asyncio.gather(*(asyncio.sleep(0.1) for _ in range(TASKS)))
    print("seconds", time.perf_counter() - start)


asyncio.run(memory() if sys.argv[1:] == ["memory"] else main())
