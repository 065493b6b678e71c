"""Between a client and a PostgreSQL: postgres_proxy.py PORT

As a proxy that shares connections it names a server process of its own. A request to cancel is
never answered, and ends all other connections. Prints its port; ends with its stdin.
"""
import asyncio
import struct
import sys

KEY = b"K\0\0\0\x0c"
SSL_REQUEST, CANCEL_REQUEST = 80877103, 80877102
target, writers = int(sys.argv[1]), set()


async def pump(reader, writer, own_process=b""):
    while data := await reader.read(1 << 16):
        at = data.find(KEY)
        if own_process and at >= 0:
            at += len(KEY)
            data, own_process = data[:at] + own_process + data[at + 4:], b""
        writer.write(data)
        await writer.drain()
    writer.close()


async def first_words(reader):
    head = await reader.readexactly(8)
    length, code = struct.unpack("!II", head)
    return code, head + await reader.readexactly(length - 8)


async def serve(reader, writer):
    try:
        code, head = await first_words(reader)
        if code == SSL_REQUEST:
            writer.write(b"N")
            code, head = await first_words(reader)
        if code == CANCEL_REQUEST:
            for other in writers:
                other.transport.abort()
            await asyncio.sleep(3600)
        writers.add(writer)
        server_reader, server_writer = await asyncio.open_connection("127.0.0.1", target)
        server_writer.write(head)
        await asyncio.gather(pump(reader, server_writer), 
                             pump(server_reader, writer, b"\0\1\2\3"))
    except (OSError, asyncio.IncompleteReadError):
        pass


async def main():
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


asyncio.run(main())
