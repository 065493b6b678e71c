#!/usr/bin/env python3
"""A PostgreSQL of one's own: made in a folder of its own, on loopback and a Unix socket,
as a user without rights where we are root.

  postgres.py AUTH PASSWORD [CERTIFICATE KEY CA] [-- NAME=VALUE...]

AUTH is trust or scram. Prints {"port":, "socket":, "user":} as JSON. Then each line of
stdin is a command: stop MODE (fast, immediate), start, kill; each answered with a line. It
ends, with the folder, when its stdin does; or, with --follow as the first word, goes to the
background, ends with the process that started it, and takes commands from

  postgres.py --tell SOCKET COMMAND
"""
import json
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

USER = "tester"
BIN = next((d for d in ("/usr/lib/postgresql/%d/bin" % v for v in range(20, 12, -1))
            if os.path.exists(d + "/initdb")), "")


def somebody():
    """Words in front of a command that give up our rights, and whose files these are."""
    ends = ["setpriv", "--pdeathsig", "SIGQUIT"]
    if os.getuid() != 0:
        return ends, None
    return ends + ["--reuid=65534", "--regid=65534", "--clear-groups"], 65534


def free_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


class Server:
    def __init__(self, auth, password, tls, settings):
        self.prefix, self.owner = somebody()
        self.dir = tempfile.mkdtemp(prefix="orch-pg-")
        self.data = self.dir + "/data"
        self.settings, self.child = settings, None
        self.own(self.dir)
        self.make(auth, password)
        self.use_tls(tls)
        self.first_start()

    def own(self, path):
        if self.owner is not None:
            os.chown(path, self.owner, self.owner)

    def make(self, auth, password):
        secret = self.dir + "/password"
        with open(secret, "w") as file:
            file.write(password + "\n")
        self.own(secret)
        subprocess.run(
            self.prefix[:1] + self.prefix[3:] +
            [BIN + "/initdb", "-D", self.data, "-U", USER, "--no-sync", "--encoding=UTF8",
             "--locale=C", "--no-instructions", "--pwfile=" + secret,
             "--auth=" + ("scram-sha-256" if auth == "scram" else auth)],
            check=True, stdout=subprocess.DEVNULL, cwd=self.dir, stdin=subprocess.DEVNULL)

    def use_tls(self, files):
        if not files:
            return
        for name, source in zip(("server.crt", "server.key", "ca.crt"), files):
            target = self.dir + "/" + name
            shutil.copyfile(source, target)
            os.chmod(target, 0o600)
            self.own(target)
        self.settings += ["ssl=on", "ssl_cert_file=" + self.dir + "/server.crt",
                          "ssl_key_file=" + self.dir + "/server.key"]

    def first_start(self):
        for _ in range(5):  # somebody may take the port first
            self.port = free_port()
            if self.start():
                return
        sys.exit("postgres did not start: " + open(self.dir + "/log").read()[-2000:])

    def start(self):
        settings = ["listen_addresses=127.0.0.1", f"port={self.port}", "fsync=off",
                    "full_page_writes=off", "max_connections=60",
                    "shared_buffers=32MB", "unix_socket_directories=" + self.dir,
                    ] + self.settings
        words = [word for setting in settings for word in ("-c", setting)]
        self.child = subprocess.Popen(
            self.prefix + [BIN + "/postgres", "-D", self.data] + words, cwd=self.dir,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=open(self.dir + "/log", "a"), start_new_session=True)
        while self.child.poll() is None:
            try:
                with open(self.data + "/postmaster.pid") as file:
                    lines = file.read().split("\n")
                    if len(lines) > 7 and lines[7].strip() == "ready" and (
                            int(lines[0]) == self.child.pid):
                        return True
            except FileNotFoundError:
                pass
            time.sleep(0.005)
        return False

    def obey(self, line):
        what = line.split()
        if what[0] == "stop":
            self.end(signal.SIGQUIT if what[1] == "immediate" else signal.SIGINT)
        elif what[0] == "kill":  # its children notice by themselves
            self.end(signal.SIGKILL)
            os.unlink(self.data + "/postmaster.pid")
            time.sleep(0.2)
        elif what[0] == "start":
            self.start()

    def end(self, number):
        self.child.send_signal(number)
        self.child.wait()


def follow():
    """Ends with our caller, of which a pidfd becomes readable then."""
    caller = os.pidfd_open(os.getppid())
    ready, done = os.pipe()
    if os.fork() > 0:
        os.close(done)
        os.write(1, os.read(ready, 4096))
        os._exit(0)
    os.setsid()
    return caller, done


def listen(server, caller):
    with socket.socket(socket.AF_UNIX) as ear:
        ear.bind(server.dir + "/control")
        ear.listen()
        while caller not in select.select([caller, ear], [], [])[0]:
            with ear.accept()[0] as teller:
                server.obey(teller.recv(4096).decode())


def tell(folder, line):
    with socket.socket(socket.AF_UNIX) as mouth:
        mouth.connect(folder + "/control")
        mouth.send(line.encode())
        mouth.recv(1)  # its end: it is done


def main():
    if sys.argv[1] == "--tell":
        tell(*sys.argv[2:])
        return
    words = sys.argv[1:]
    following = words[0] == "--follow"
    if following:
        words = words[1:]
        caller, done = follow()
    settings = words[words.index("--") + 1:] if "--" in words else []
    words = words[:words.index("--")] if "--" in words else words
    if not BIN:
        sys.exit("there is no initdb")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    server = None
    try:
        server = Server(words[0], words[1], words[2:], settings)
        facts = json.dumps({"port": server.port, "socket": server.dir, "user": USER}) + "\n"
        if following:
            os.write(done, facts.encode())
            os.close(done)
            nothing = os.open(os.devnull, os.O_RDWR)
            for number in range(3):
                os.dup2(nothing, number)
            listen(server, caller)
            return
        print(facts, end="", flush=True)
        for line in sys.stdin:
            server.obey(line)
            print("done", flush=True)
    finally:
        if server and server.child and server.child.poll() is None:
            server.end(signal.SIGQUIT)
        if server:
            shutil.rmtree(server.dir, ignore_errors=True)


main()
