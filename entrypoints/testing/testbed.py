"""What `moothall serve --memory` has: a house, and a new one in its place when a tester wants that."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from contextvars import Context
from dataclasses import dataclass

from application.app import Application
from entrypoints.settings import Settings
from entrypoints.testing.faults import spared
from entrypoints.testing.house import House, open_house

Serving = Callable[[Application], AbstractAsyncContextManager[None]]
"""While the block lasts this application answers, until another one takes its place."""


@dataclass(frozen=True)
class _Life:
    """Of a house, in a task of its own: what is begun there has to be ended there."""

    house: House
    task: "asyncio.Task[None]"
    stop: asyncio.Event

    async def end(self) -> None:
        self.stop.set()
        await self.task


class Testbed:
    """`furnish` brings in what shall be there at the beginning, each time."""

    __test__ = False  # or pytest takes it for a test

    def __init__(self, settings: Settings, furnish: Callable[[House], Awaitable[None]]) -> None:
        self._settings = settings
        self._furnish = furnish
        self._life: _Life | None = None
        self._resetting = asyncio.Lock()

    @property
    def house(self) -> House:
        """The one that answers. Raises LookupError before it is open."""
        if self._life is None:
            raise LookupError("Nothing is open.")
        return self._life.house

    @asynccontextmanager
    async def open(self, serving: Serving) -> AsyncIterator[None]:
        self._life = await self._begin(serving)
        self._serving = serving
        try:
            yield
        finally:
            await self._life.end()

    async def reset(self) -> None:
        """Begin anew. Until then the old house answers; live connections to it are closed."""
        async with self._resetting:
            old, self._life = self._life, await self._begin(self._serving)
            if old is not None:
                await old.end()

    async def _begin(self, serving: Serving) -> _Life:
        opened: asyncio.Future[House] = asyncio.get_running_loop().create_future()
        stop = asyncio.Event()
        life = self._live(serving, opened, stop)
        task = asyncio.create_task(life, context=Context())  # it is of no request, whoever asked for it
        task.add_done_callback(lambda _: opened.cancel())  # it failed to open: nobody waits for ever
        await asyncio.wait([opened])
        if opened.cancelled():
            await task
        return _Life(opened.result(), task, stop)

    async def _live(self, serving: Serving, opened: "asyncio.Future[House]", stop: asyncio.Event) -> None:
        async with open_house(self._settings) as house:
            await self._furnish(house)
            with spared():
                async with serving(house.application):
                    opened.set_result(house)
                    await stop.wait()
