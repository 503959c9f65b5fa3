"""A network that can be cut: everything that goes over it goes through here."""

import asyncio
import random
from collections.abc import Callable

from tests.project.server import HOST

AT_ONCE = 65_536


class Network:
    """Forwards each connection to one of the ports, by chance."""

    def __init__(self, ports: list[int], chance: random.Random) -> None:
        self._ports = ports
        self._chance = chance
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._flows = asyncio.Event()
        self._flows.set()
        self._server: asyncio.Server | None = None
        self.cuts = 0

    @property
    def port(self) -> int:
        assert self._server is not None
        found: int = self._server.sockets[0].getsockname()[1]
        return found

    async def open(self) -> None:
        self._server = await asyncio.start_server(self._connect, HOST, 0)

    async def close(self) -> None:
        assert self._server is not None
        self._server.close()
        self.cut()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def cut(self) -> None:
        """Every connection is gone, whatever was on its way."""
        self.cuts += 1
        for writer in self._writers:
            writer.transport.abort()

    def cut_some(self) -> None:
        self.cuts += 1
        for writer in self._chance.sample(sorted(self._writers, key=id), len(self._writers) // 2):
            writer.transport.abort()

    def freeze(self) -> None:
        """Nothing comes through, and nobody is told."""
        self._flows.clear()

    def thaw(self) -> None:
        self._flows.set()

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            there, back = await asyncio.open_connection(HOST, self._chance.choice(self._ports))
        except OSError:
            self._drop(writer)
            return
        self._writers.add(back)
        for source, sink in ((reader, back), (there, writer)):
            task = asyncio.create_task(self._forward(source, sink, lambda: (self._drop(writer), self._drop(back))))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _forward(
        self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, over: Callable[[], object]
    ) -> None:
        try:
            while data := await source.read(AT_ONCE):
                await self._flows.wait()
                sink.write(data)
                await sink.drain()
        except OSError:
            return  # the other side is told below
        finally:
            over()

    def _drop(self, writer: asyncio.StreamWriter) -> None:
        self._writers.discard(writer)
        writer.transport.abort()
