#!/usr/bin/env python3
"""Runs servers that users have on a port that the kernel chose, without a race and
without their services.

  real.py inetd MOST RATE COMMAND...
                              each connection is the stdin and stdout of a COMMAND
                              (vsftpd, sshd -i); more than MOST at a time are told
                              "421 Too many"; RATE, unless 0: bytes per second that
                              each gets from its client
  real.py nginx CONFIG        nginx with CONFIG, in which PORT1, PORT2, ... stand for ports

Prints the ports as one line of JSON. Ends, with all that it has started, when its stdin
does.
"""
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time


def listening():
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind(("127.0.0.1", 0))
    sock.listen(511)
    return sock


def tell(*socks):
    print(json.dumps([sock.getsockname()[1] for sock in socks]), flush=True)


children = []


def slowed(peer, rate):
    """What `peer` sends comes slowly out of another socket."""
    inside, outside = socket.socketpair()

    def relay(source, target, pause):
        try:
            while data := source.recv(rate // 50 if pause else 65536):
                target.sendall(data)
                time.sleep(len(data) / rate if pause else 0)
        except OSError:
            pass
        for sock in (source, target):
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    for source, target, pause in ((peer, outside, True), (outside, peer, False)):
        threading.Thread(target=relay, args=(source, target, pause), daemon=True).start()
    return inside


def serve_one(peer, command, most, rate):
    if rate:
        peer = slowed(peer, rate)
    with peer:
        if sum(child.poll() is None for child in children) >= most:
            peer.sendall(b"421 Too many connections from your address.\r\n")
            return
        child = subprocess.Popen(command, stdin=peer, stdout=peer,
                                 stderr=subprocess.DEVNULL, start_new_session=True)
    children.append(child)
    child.wait()


def kill_all():
    for child in children:
        try:
            os.killpg(child.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass


def inetd(command):
    most, rate, *command = int(command[0]), int(command[1]), *command[2:]
    sock = listening()
    tell(sock)

    def accept():
        while True:
            peer, _ = sock.accept()
            threading.Thread(target=serve_one, args=(peer, command, most, rate), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    sys.stdin.buffer.read()
    kill_all()


def end_with(child):
    child.wait()
    os._exit(1)


def nginx(config):
    """nginx takes over sockets that are named in NGINX, as it does at an upgrade."""
    with open(config) as file:
        text = file.read()
    socks = [listening() for _ in set(re.findall(r"PORT\d", text))]
    for i, sock in enumerate(socks, 1):
        sock.setblocking(False)  # nginx does so only with its own
        text = text.replace(f"PORT{i}", str(sock.getsockname()[1]))
    with open(config, "w") as file:
        file.write(text)
    numbers = [sock.fileno() for sock in socks]
    env = dict(os.environ, NGINX="".join(f"{number};" for number in numbers))
    child = subprocess.Popen(
        ["nginx", "-p", os.path.dirname(config), "-e", "error.log", "-c", config],
        env=env, pass_fds=numbers)
    tell(*socks)
    for sock in socks:
        sock.close()
    threading.Thread(target=end_with, args=(child,), daemon=True).start()
    sys.stdin.buffer.read()
    child.send_signal(signal.SIGTERM)
    child.wait()


if sys.argv[1] == "inetd":
    inetd(sys.argv[2:])
else:
    nginx(sys.argv[2])
os._exit(0)
