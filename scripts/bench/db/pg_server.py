"""pg_server.py: a PostgreSQL of its own with pgbench's tables, 100,000 accounts.

Prints "ready url=URL host=FOLDER port=PORT"; ends with its stdin.
"""
import json
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
PGBENCH = "/usr/lib/postgresql/15/bin/pgbench"

server = subprocess.Popen(
    [sys.executable, HERE + "/../../../tests/helper/postgres.py", "trust", "secret"],
    stdout=subprocess.PIPE)
facts = json.loads(server.stdout.readline())
address = ["-h", facts["socket"], "-p", str(facts["port"]), "-U", facts["user"], "postgres"]
subprocess.run([PGBENCH, "-i", "-q", *address], check=True, stdout=subprocess.DEVNULL,
               stderr=subprocess.DEVNULL)
print("ready url=postgres://{user}@/postgres?host={socket}&port={port} host={socket} "
      "port={port} user={user}".format(**facts), flush=True)
server.wait()
