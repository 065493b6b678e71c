# The common way: asyncio, each statement on a thread of its default pool ("each"), or
# executemany on one ("many").
import asyncio
import os
import sqlite3
import sys
import time

PATH, HOW = sys.argv[1], sys.argv[2]
N = 10000
INSERT = "INSERT INTO player VALUES (?, ?, ?)"


async def main():
    for end in "", "-wal", "-shm":
        if os.path.exists(PATH + end):
            os.remove(PATH + end)
    db = sqlite3.connect(PATH, check_same_thread=False, isolation_level=None)
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = NORMAL")
    db.execute("CREATE TABLE player (id INTEGER PRIMARY KEY, name TEXT, score REAL)")
    rows = [(i, f"player {i}", i * 0.5) for i in range(1, N + 1)]
    started = time.perf_counter()
    await asyncio.to_thread(db.execute, "BEGIN IMMEDIATE")
    if HOW == "many":
        await asyncio.to_thread(db.executemany, INSERT, rows)
    else:
        for row in rows:
            await asyncio.to_thread(db.execute, INSERT, row)
    await asyncio.to_thread(db.execute, "COMMIT")
    print("seconds", time.perf_counter() - started)
    print("answer", db.execute("SELECT count(*) || ' ' || sum(score) FROM player").fetchone()[0])


asyncio.run(main())
