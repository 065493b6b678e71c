#!/usr/bin/env python3
"""A server that misbehaves on request: raw sockets, so that every byte and every
reset is where a test put it. The tests say what to send (helper/server.lua):

  /play/ID   does the steps of DIR/ID.json and notes what it saw in DIR/ID.log
  /echo      answers with the request as JSON
  /file/...  a body with Range, ETag and hash; see helper/answers.py

  server.py [--dir DIR] [--certs DIR] [--follow]

Prints its addresses as one line of JSON. Ends with its stdin, or, with --follow,
goes to the background and ends with the process that started it.
"""
import json
import os
import select
import socket
import ssl
import sys
import threading

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "helper"))

import answers
import proxy
from exchange import Connection, Gone

BACKLOG = 4096


def option(name):
    return sys.argv[sys.argv.index(name) + 1] if name in sys.argv else None


def listen(family=socket.AF_INET, address=("127.0.0.1", 0), backlog=BACKLOG):
    sock = socket.socket(family, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind(address)
    if backlog is not None:
        sock.listen(backlog)
    return sock


def accept_for_ever(sock, serve, *args):
    while True:
        peer, _ = sock.accept()
        threading.Thread(target=run, args=(serve, peer) + args, daemon=True).start()


def run(serve, peer, *args):
    try:
        serve(peer, *args)
    except (Gone, OSError):  # the client went; an ssl.SSLError is an OSError too
        pass
    finally:
        peer.close()


def start(sock, serve, *args):
    threading.Thread(target=accept_for_ever, args=(sock, serve) + args, daemon=True).start()


def shake_hands(peer, context):
    peer = context.wrap_socket(peer, server_side=True, do_handshake_on_connect=False)
    try:
        peer.do_handshake()
    except ssl.SSLError:  # a RST must not overtake the alert
        plain = socket.socket(fileno=peer.detach())
        plain.shutdown(socket.SHUT_WR)
        plain.settimeout(5)
        while plain.recv(65536):
            pass
        raise
    return peer


def serve_http(peer, folder, scheme, context=None):
    if peer.family != socket.AF_UNIX:
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if context:
        peer = shake_hands(peer, context)
    connection = Connection(peer, folder, scheme)
    try:
        while True:
            request = connection.read_request()
            if request is None or not answers.answer(connection, request):
                break
            if request.header("connection", "").lower() == "close":
                break
    finally:
        peer.close()


def serve_silence(peer):
    """Accepts, and says nothing: a TLS handshake waits for ever."""
    while peer.recv(65536):
        pass


def serve_reset(peer):
    peer.recv(1)
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")


def tls_context(certs, name):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(f"{certs}/{name}.pem", f"{certs}/{name}.key")
    return context


def clients_only(certs):
    context = tls_context(certs, "good")
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(f"{certs}/ca.pem")
    return context


def full_port():
    """A port whose queue is full: the kernel drops each SYN, connecting hangs."""
    sock = listen(backlog=0)
    fillers = [socket.socket() for _ in range(4)]
    for filler in fillers:
        filler.setblocking(False)
        filler.connect_ex(sock.getsockname())
    return sock, fillers


def open_all(folder, certs):
    """Everything that listens; the sockets that only have to stay open come second."""
    ports, kept = {}, []

    def add(name, serve, *args, sock=None):
        sock = sock or listen()
        ports[name] = sock.getsockname()[1]
        start(sock, serve, *args)

    if certs:
        for name in ("good", "expired", "selfsigned", "wronghost", "stranger"):
            add(name, serve_http, folder, "https", tls_context(certs, name))
        add("clients", serve_http, folder, "https", clients_only(certs))
        return ports, kept
    add("http", serve_http, folder, "http")
    add("other", serve_http, folder, "http")
    add("silent", serve_silence)
    add("reset", serve_reset)
    add("proxy", proxy.serve, folder)
    if socket.has_ipv6:
        try:
            ports["ipv6"] = None
            sock = listen(socket.AF_INET6, ("::1", 0))
            add("ipv6", serve_http, folder, "http", sock=sock)
        except OSError:
            del ports["ipv6"]
    refusing = listen(backlog=None)  # bound, so nobody else gets the port
    full, fillers = full_port()
    ports["refused"], ports["full"] = refusing.getsockname()[1], full.getsockname()[1]
    kept += [refusing, full, fillers]
    if folder:
        ports["unix"] = f"{folder}/socket"
        start(listen(socket.AF_UNIX, ports["unix"]), serve_http, folder, "http")
    return ports, kept


def answer_the_caller(text):
    """Prints, and lets the caller go on while we stay."""
    sys.stdout.write(text)
    sys.stdout.flush()
    os._exit(0 if text else 1)


def go_to_background():
    """Forks, before there are threads. The parent prints what is written into the
    pipe; the rest of this program runs in the child."""
    caller = os.pidfd_open(os.getppid())
    reader, writer = os.pipe()
    if os.fork():
        os.close(writer)
        with os.fdopen(reader) as pipe:
            answer_the_caller(pipe.read())
    os.setsid()
    os.dup2(writer, 1)
    os.close(writer)
    return caller


def let_go():
    """Nobody waits for the end of our output any more."""
    nothing = os.open("/dev/null", os.O_RDWR)
    for fd in range(3):
        os.dup2(nothing, fd)


def main():
    caller = "--follow" in sys.argv and go_to_background()
    ports, kept = open_all(option("--dir"), option("--certs"))
    os.write(1, (json.dumps(ports) + "\n").encode())
    if caller:
        let_go()
        select.select([caller], [], [])
    else:
        sys.stdin.buffer.read()
    os._exit(0)


main()
