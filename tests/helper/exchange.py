"""One connection of the misbehaving server: requests in, exact bytes out."""
import hashlib
import itertools
import json
import socket
import struct
import threading
import urllib.parse

numbers = itertools.count(1)
log_lock = threading.Lock()


class Gone(Exception):
    """Nothing more can be said on this connection."""


class Request:
    def __init__(self, head):
        lines = head.decode("latin-1").split("\r\n")
        self.method, self.target, self.version = lines[0].split(" ", 2)
        self.headers = [tuple(part.strip() for part in line.split(":", 1))
                        for line in lines[1:] if line]
        url = urllib.parse.urlsplit(self.target)
        self.path = url.path
        self.query = dict(urllib.parse.parse_qsl(url.query, keep_blank_values=True))
        self.body = None  # not read yet

    def header(self, name, default=None):
        for key, value in self.headers:
            if key.lower() == name:
                return value
        return default


class Connection:
    def __init__(self, sock, folder, scheme):
        self.sock, self.folder, self.scheme = sock, folder, scheme
        self.number = next(numbers)
        self.turns = {}  # name of a play -> how often it was asked for here
        self.sent = 0
        self.buffer = b""

    def note(self, name, event, **fields):
        """A line in the log of what was played under this name."""
        line = json.dumps({"event": event, "connection": self.number, **fields})
        with log_lock, open(f"{self.folder}/{name}.log", "a") as log:
            log.write(line + "\n")

    # ---- reading ----

    def more(self):
        try:
            data = self.sock.recv(1 << 18)
        except ConnectionError as error:
            raise Gone("reset") from error
        if not data:
            raise Gone("eof")
        return data

    def until(self, mark):
        while mark not in self.buffer:
            self.buffer += self.more()
        head, _, self.buffer = self.buffer.partition(mark)
        return head

    def read_request(self):
        try:
            self.buffer = self.buffer or self.more()
            if self.buffer[0] == 0x16:  # TLS here; nginx, too, says so in plain text
                self.reply("400", [], b"plain HTTP was expected\n")
                return None
            head = self.until(b"\r\n\r\n")
        except Gone:
            return None
        return Request(head)

    def pieces(self, size):
        while size > 0:
            piece = self.buffer[:size] or self.more()
            self.buffer = self.buffer[len(piece):] if self.buffer else piece[size:]
            yield piece[:size]
            size -= len(piece[:size])

    def chunks(self):
        while size := int(self.until(b"\r\n").split(b";")[0], 16):
            yield from self.pieces(size)
            self.until(b"\r\n")
        while self.until(b"\r\n"):
            pass

    def read_body(self, request):
        """What the body was, without keeping it: uploads may be large."""
        if request.body is not None:
            return request.body
        if request.header("expect", "").lower() == "100-continue":
            self.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        if request.header("transfer-encoding", "").lower() == "chunked":
            source = self.chunks()
        else:
            source = self.pieces(int(request.header("content-length", "0")))
        size, digest, start = 0, hashlib.sha256(), b""
        for piece in source:
            size += len(piece)
            digest.update(piece)
            if len(start) < 4096:
                start = (start + piece)[:4096]
        request.body = {"size": size, "sha256": digest.hexdigest(),
                        "text": start.decode("latin-1")}
        return request.body

    # ---- writing ----

    def send(self, data):
        try:
            while data:
                count = self.sock.send(data)
                self.sent += count
                data = data[count:]
        except ConnectionError as error:
            raise Gone("reset") from error

    def reply(self, status, headers, body=b""):
        text = "".join(f"{key}: {value}\r\n" for key, value in headers)
        self.send(f"HTTP/1.1 {status} Said\r\n{text}"
                  f"Content-Length: {len(body)}\r\n\r\n".encode() + body)

    def reset(self):
        """The end with a RST, without a word of TLS."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        raise Gone("we")

    def close(self):
        """The end with a FIN. What was not read would make it a RST."""
        raise Gone("we")

    def wait_for_end(self):
        try:
            while True:
                self.more()
        except Gone as gone:
            return str(gone)

