"""10,000 requests that are open at once: py_open.py URL.

What each of those takes that were: the server tells how many.
"""
import asyncio
import sys

import aiohttp

URL, COUNT = sys.argv[1], 10_000


def peak():
    with open("/proc/self/status") as status:
        for line in status:
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024


async def main():
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(
            connector=connector, raise_for_status=True) as session:
        async def get_one(_):
            async with session.get(URL) as response:
                return await response.text()

        await get_one(0)  # everything is loaded
        before = peak()
        texts = await asyncio.gather(*map(get_one, range(COUNT)))
        most = max(map(int, texts))
        print("answer", len(texts))  # all have succeeded
        print("bytes", (peak() - before) / most)
        print("open at once", most)


asyncio.run(main())
