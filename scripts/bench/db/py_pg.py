"""SELECT by primary key with psycopg2 from asyncio, in 50 threads over its pool of 50
connections: py_pg.py block|autocommit HOST PORT USER COUNT

block: `with conn:`, as its documentation has it, which is a transaction for each query.
autocommit: the least that psycopg2 can do.
"""
import asyncio
import sys
import time
from concurrent.futures import ThreadPoolExecutor

from psycopg2.pool import ThreadedConnectionPool

MODE, HOST, PORT, USER, COUNT = *sys.argv[1:5], int(sys.argv[5])
connections = ThreadedConnectionPool(50, 50, host=HOST, port=PORT, user=USER,
                                     dbname="postgres")
SELECT = "SELECT abalance FROM pgbench_accounts WHERE aid = %s"


def select(conn, aid):
    with conn.cursor() as cursor:
        cursor.execute(SELECT, (aid,))
        return cursor.fetchone()[0] == 0


def ask(aid):
    conn = connections.getconn()
    try:
        if MODE == "autocommit":
            conn.autocommit = True
            return select(conn, aid)
        with conn:
            return select(conn, aid)
    finally:
        connections.putconn(conn)


async def main():
    loop = asyncio.get_running_loop()
    with ThreadPoolExecutor(50) as threads:
        async def ask_all(n):
            return sum(await asyncio.gather(*(
                loop.run_in_executor(threads, ask, i * 7919 % 100000 + 1)
                for i in range(1, n + 1))))

        await ask_all(500)
        start = time.monotonic()
        found = await ask_all(COUNT)
        print("rate", COUNT / (time.monotonic() - start))
        print("answer", found)


asyncio.run(main())
