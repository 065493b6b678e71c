"""A small HTTP proxy: CONNECT, and requests with a whole URL. What passes is noted
in DIR/proxy.log; the user name "refuse" is refused."""
import base64
import socket
import threading
import urllib.parse

from exchange import Connection, Gone


def copy(source, target):
    try:
        while data := source.recv(1 << 16):
            target.sendall(data)
    except OSError:
        pass
    finally:
        for sock in (source, target):
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


def user_of(request):
    scheme, _, value = request.header("proxy-authorization", "").partition(" ")
    return base64.b64decode(value).decode() if scheme == "Basic" else None


def reach(connection, host, port):
    try:
        return socket.create_connection((host.strip("[]"), int(port)), 5)
    except OSError:
        connection.reply("502", [], b"the proxy cannot reach it\n")
        raise Gone("unreachable") from None


def serve(peer, folder):
    connection = Connection(peer, folder, "proxy")
    request = connection.read_request()
    if request is None:
        return
    connection.note("proxy", "request", method=request.method, target=request.target,
                    headers=request.headers, user=user_of(request))
    if (user_of(request) or "").startswith("refuse:"):
        connection.reply("407", [("Proxy-Authenticate", 'Basic realm="proxy"')])
        return
    if request.method == "CONNECT":
        host, _, port = request.target.rpartition(":")
        far = reach(connection, host, port)
        connection.send(b"HTTP/1.1 200 Connected\r\n\r\n")
    else:
        url = urllib.parse.urlsplit(request.target)
        far = reach(connection, url.hostname, url.port or 80)
        lines = [f"{request.method} {url.path or '/'}{'?' + url.query if url.query else ''} HTTP/1.1",
                 "Via: 1.1 helper", "Connection: close"]  # so each request is noted
        lines += [f"{key}: {value}" for key, value in request.headers
                  if not key.lower().startswith(("proxy-", "connection"))]
        far.sendall("\r\n".join(lines + ["", ""]).encode())
    far.settimeout(None)
    far.sendall(connection.buffer)
    back = threading.Thread(target=copy, args=(far, peer), daemon=True)
    back.start()
    copy(peer, far)
    back.join()
    far.close()
