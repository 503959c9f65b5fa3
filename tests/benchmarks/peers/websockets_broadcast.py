"""The hand-written minimum of a room: whatever one says goes to all by `websockets.broadcast`, as it is.

Run: python websockets_broadcast.py PORT
"""

import sys

import uvloop
from websockets.asyncio.server import ServerConnection, broadcast, serve
from websockets.http11 import Request, Response

connected: set[ServerConnection] = set()


async def visit(connection: ServerConnection) -> None:
    connected.add(connection)
    try:
        await connection.send('{"type":"joined","here":[]}')
        async for text in connection:
            broadcast(connected, text)
    finally:
        connected.discard(connection)


def is_ready(connection: ServerConnection, request: Request) -> Response | None:
    return connection.respond(200, "ready") if request.path == "/ready" else None


async def main(port: int) -> None:
    async with serve(visit, "127.0.0.1", port, process_request=is_ready, compression=None, max_size=65_536) as server:
        await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1])))
