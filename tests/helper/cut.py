"""Passes connections on to 127.0.0.1:PORT, and resets the first N that send more than BYTES in
the middle. Prints the port that it listens on, and a line for each
that it resets; ends with its standard input."""
import socket
import struct
import sys
import threading

target, limit, left = (int(word) for word in sys.argv[1:4])
lock = threading.Lock()


def reset(sock):
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


def take_a_cut():
    global left
    with lock:
        left -= 1
        return left >= 0


def back(server, client):
    try:
        while data := server.recv(1 << 16):
            client.sendall(data)
        client.shutdown(socket.SHUT_WR)
    except OSError:
        pass


def forth(client):
    server, sent = socket.create_connection(("127.0.0.1", target)), 0
    threading.Thread(target=back, args=(server, client), daemon=True).start()
    try:
        while data := client.recv(1 << 14):
            sent += len(data)
            if sent > limit and take_a_cut():
                print("cut", flush=True)
                reset(server)
                return reset(client)
            server.sendall(data)
        server.shutdown(socket.SHUT_WR)
    except OSError:
        pass


def accept(listener):
    while True:
        threading.Thread(target=forth, args=(listener.accept()[0],), daemon=True).start()


listener = socket.create_server(("127.0.0.1", 0), backlog=128)
print(listener.getsockname()[1], flush=True)
threading.Thread(target=accept, args=(listener,), daemon=True).start()
sys.stdin.read()
