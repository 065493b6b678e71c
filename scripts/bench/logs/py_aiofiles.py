"""Counts the lines with errors and with warnings, caseless, in many logs."""
import asyncio
import re
import sys

import aiofiles

ERROR = re.compile(rb"error", re.IGNORECASE)
WARNING = re.compile(rb"warning", re.IGNORECASE)


async def analyse(path, gate):
    async with gate:
        async with aiofiles.open(path, "rb") as file:
            data = await file.read()
    errors = warnings = 0
    for line in data.splitlines():
        if ERROR.search(line):
            errors += 1
        if WARNING.search(line):
            warnings += 1
    return errors, warnings


async def main():
    gate = asyncio.Semaphore(16)
    counts = await asyncio.gather(*(analyse(p, gate) for p in sys.argv[1:]))
    errors = sum(c[0] for c in counts)
    warnings = sum(c[1] for c in counts)
    print("answer", f"{errors}/{warnings}")


asyncio.run(main())
