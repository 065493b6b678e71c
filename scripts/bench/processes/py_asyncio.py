"""Runs /bin/true 1,000 times, 8 at a time."""
import asyncio


async def main():
    runs = iter(range(1000))

    async def worker():
        for _ in runs:
            child = await asyncio.create_subprocess_exec("/bin/true")
            assert await child.wait() == 0

    await asyncio.gather(*(worker() for _ in range(8)))


asyncio.run(main())
