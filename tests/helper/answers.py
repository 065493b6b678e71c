"""What the misbehaving server does with a request. A step of a play is a piece of
bytes ({"hex": ...}) or an action; see `steps` below."""
import hashlib
import json
import time

from exchange import Gone

PATTERN = bytes(range(256)) * 256  # 64 KB; offset n holds the byte n % 256


# ---- plays ----

def send(connection, request, name, step):
    connection.send(bytes.fromhex(step["hex"]))


def fill(connection, request, name, step):
    """So many bytes, as fast as they are taken."""
    left, before = step["fill"], connection.sent
    try:
        while left > 0:
            connection.send(PATTERN[:left])
            left -= len(PATTERN[:left])
    finally:
        connection.note(name, "filled", bytes=connection.sent - before)


def drip(connection, request, name, step):
    """The same bytes again and again, with a pause before each."""
    data = bytes.fromhex(step["drip"])
    for _ in range(step.get("times", 1 << 30)):
        time.sleep(step["every"])
        connection.send(data)


def sleep(connection, request, name, step):
    time.sleep(step["sleep"])


def body(connection, request, name, step):
    connection.note(name, "body", **connection.read_body(request))


def hold(connection, request, name, step):
    """Nothing more, until the client closes."""
    connection.note(name, "holding")
    connection.note(name, "closed", how=connection.wait_for_end())


def reset(connection, request, name, step):
    connection.reset()


def close(connection, request, name, step):
    connection.close()


def drain(connection, request, name, step):
    """A FIN, and whatever the client still sends is read, so that it gets no RST."""
    connection.sock.shutdown(1)
    connection.wait_for_end()
    connection.close()


steps = {"hex": send, "fill": fill, "drip": drip, "sleep": sleep, "body": body,
         "hold": hold, "reset": reset, "close": close, "drain": drain}

turns_played = {}  # name -> how many, over all connections


def play(connection, request, name):
    with open(f"{connection.folder}/{name}.json") as file:
        plan = json.load(file)
    played = connection.turns if plan["per"] == "connection" else turns_played
    turn = played[name] = played.get(name, 0) + 1
    connection.note(name, "request", method=request.method, target=request.target,
                    headers=request.headers, turn=turn)
    turns = plan["turns"]
    try:
        for step in turns[min(turn, len(turns)) - 1]:
            action = next(steps[key] for key in steps if key in step)
            action(connection, request, name, step)
        connection.read_body(request)
    except (Gone, OSError) as error:
        connection.note(name, "gone", how=str(error))
        raise
    return True


# ---- the rest ----

def echo(connection, request, _):
    body = connection.read_body(request)
    connection.reply(request.query.get("status", "200"),
                     [("Content-Type", "application/json")],
                     b"" if request.method == "HEAD" else json.dumps({
                         "method": request.method, "target": request.target,
                         "headers": request.headers, "body": body,
                         "connection": connection.number, "scheme": connection.scheme,
                     }).encode())
    return True


def piece_of(first, count):
    start = first % 256
    whole = PATTERN * (count // len(PATTERN) + 2)
    return whole[start:start + count]


def file(connection, request, name):
    """/file/SIZE: bytes with an ETag and ranges. ?cut=N breaks off after so many,
    ?etag= is another version of it, ?ranges=no does not know them."""
    size, query = int(name), request.query
    etag = '"%s"' % query.get("etag", "v1")
    first, status = 0, "200"
    wanted = request.header("range", "")
    if wanted and query.get("ranges") != "no" and request.header("if-range", etag) == etag:
        first, status = int(wanted.removeprefix("bytes=").rstrip("-")), "206"
    if first >= size > 0:
        connection.reply("416", [("Content-Range", f"bytes */{size}")])
        return True
    head = [f"HTTP/1.1 {status} Said", f"ETag: {etag}", f"Content-Length: {size - first}"]
    if status == "206":
        head.append(f"Content-Range: bytes {first}-{size - 1}/{size}")
    connection.send("\r\n".join(head + ["", ""]).encode())
    if request.method == "HEAD":
        return True
    end = min(size, int(query["cut"])) if "cut" in query else size
    while first < end:
        count = min(len(PATTERN), end - first)
        connection.send(piece_of(first, count))
        first += count
    if end < size:
        connection.close()
    return True


def digest(connection, request, name):
    """The SHA-256 of what /file/SIZE gives."""
    size, sha = int(name), hashlib.sha256()
    for first in range(0, size, len(PATTERN)):
        sha.update(PATTERN[:min(len(PATTERN), size - first)])
    connection.reply("200", [], sha.hexdigest().encode())
    return True


routes = {"play": play, "echo": echo, "file": file, "digest": digest}


def answer(connection, request):
    """True: the connection may be used again."""
    _, route, name = (request.path + "//").split("/", 2)
    handler = routes.get(route)
    if not handler:
        connection.reply("404", [], b"no such thing\n")
        return True
    return handler(connection, request, name.rstrip("/"))
