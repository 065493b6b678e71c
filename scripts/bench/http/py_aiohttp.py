"""GETs a URL many times, 100 at a time: py_aiohttp.py LOOP URL COUNT [CA].

LOOP is asyncio or uvloop.
"""
import asyncio
import ssl
import sys
import time

import aiohttp

LOOP, URL, COUNT = sys.argv[1], sys.argv[2], int(sys.argv[3])
TLS = ssl.create_default_context(cafile=sys.argv[4]) if sys.argv[4:] else None


async def get_all(session, count):
    total = 0
    left = iter(range(count))

    async def worker():
        nonlocal total
        for _ in left:
            async with session.get(URL) as response:
                total += len(await response.read())

    await asyncio.gather(*(worker() for _ in range(100)))
    return total


async def main():
    connector = aiohttp.TCPConnector(limit=100, ssl=TLS)
    async with aiohttp.ClientSession(
            connector=connector, raise_for_status=True) as session:
        await get_all(session, 2_000)
        start = time.perf_counter()
        total = await get_all(session, COUNT)
        print("rate", COUNT / (time.perf_counter() - start))
        print("answer", total)


if LOOP == "uvloop":
    import uvloop
    uvloop.install()
asyncio.run(main())
