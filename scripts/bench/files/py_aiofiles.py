"""Reads 10,000 files of 4 KB, 64 at a time."""
import asyncio
import sys
import time

import aiofiles

FOLDER = sys.argv[1]
PATHS = [f"{FOLDER}/{i:05d}.txt" for i in range(1, 10_001)]


async def run():
    total = 0
    paths = iter(PATHS)

    async def worker():
        nonlocal total
        for path in paths:
            async with aiofiles.open(path, "rb") as file:
                data = await file.read()
            total += len(data)

    await asyncio.gather(*(worker() for _ in range(64)))
    return total


async def main():
    await run()
    start = time.perf_counter()
    total = await run()
    print("seconds", time.perf_counter() - start)
    print("answer", total)


asyncio.run(main())
