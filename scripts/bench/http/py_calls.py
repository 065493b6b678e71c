"""Three calls of a second at once: py_calls.py URL. What they take beyond the second."""
import asyncio
import sys
import time

import aiohttp

URL = sys.argv[1]


async def main():
    async with aiohttp.ClientSession(raise_for_status=True) as session:
        async def call():
            async with session.get(URL) as response:
                return await response.text()

        start = time.perf_counter()
        texts = await asyncio.gather(call(), call(), call())
        print("seconds", time.perf_counter() - start - 1)
        print("answer", sum(map(len, texts)))


asyncio.run(main())
