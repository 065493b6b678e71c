"""A client that does exactly what it is told, one step an argument:
send=TEXT (with \\r \\n escapes), read=BYTES, until=TEXT, eof, close, shut, reset, sleep=S,
fill=BYTES (of a body), hold (until our stdin ends), times=N.
Everything that it received is printed, and "<reset>" where the server reset it.

With times=N as the first step, the steps before `hold` are done on N connections."""
import socket, struct, sys

port, steps = int(sys.argv[1]), sys.argv[2:]


class Client:
    def __init__(self):
        self.sock = socket.socket()
        if "small" in steps:  # so that little is on its way unread
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.sock.settimeout(20)
        self.sock.connect(("127.0.0.1", port))
        self.got = b""

    def more(self):
        data = self.sock.recv(65536)
        self.got += data
        return data

    def do(self, name, value):
        if name == "send":
            self.sock.sendall(value.encode().decode("unicode_escape").encode("latin-1"))
        elif name == "fill":
            left = int(value)
            while left > 0:
                left -= self.sock.send(b"x" * min(left, 65536))
        elif name == "read":
            want = len(self.got) + int(value)
            while len(self.got) < want and self.more():
                pass
        elif name == "until":
            while value.encode() not in self.got and self.more():
                pass
        elif name == "eof":
            while self.more():
                pass
        elif name == "shut":
            self.sock.shutdown(socket.SHUT_WR)
        elif name == "close":
            self.sock.close()
        elif name == "reset":
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.sock.close()
        elif name == "hold":
            print("holding", flush=True)
            sys.stdin.read()


def run(client):
    for step in steps:
        name, _, value = step.partition("=")
        client.do(name, value)


if steps[0].startswith("times="):
    clients = [Client() for _ in range(int(steps[0][6:]))]
    for step in steps[1:]:
        name, _, value = step.partition("=")
        for client in clients:
            client.do(name, value)
            if name == "hold":
                break
    print(sum(client.got.startswith(b"HTTP/1.1 200") for client in clients))
    sys.exit()

client = Client()
try:
    run(client)
except ConnectionResetError:
    client.got += b"<reset>"
except BrokenPipeError:
    client.got += b"<broken>"
sys.stdout.buffer.write(client.got)
