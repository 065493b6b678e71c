"""GETs a URL many times over HTTP/2, 100 at a time: py_httpx.py URL COUNT CA"""
import asyncio
import ssl
import sys
import time

import httpx

URL, COUNT = sys.argv[1], int(sys.argv[2])
TLS = ssl.create_default_context(cafile=sys.argv[3])


async def get_all(client, count):
    total = 0
    left = iter(range(count))

    async def worker():
        nonlocal total
        for _ in left:
            response = await client.get(URL)
            response.raise_for_status()
            assert response.http_version == "HTTP/2"
            total += len(response.content)

    await asyncio.gather(*(worker() for _ in range(100)))
    return total


async def main():
    async with httpx.AsyncClient(http2=True, verify=TLS) as client:
        await get_all(client, 200)
        start = time.perf_counter()
        total = await get_all(client, COUNT)
        print("rate", COUNT / (time.perf_counter() - start))
        print("answer", total)


asyncio.run(main())
