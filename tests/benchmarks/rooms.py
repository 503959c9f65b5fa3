"""One room with 2,000 sockets on one worker: what one says, to all; by Moothall, and by `websockets.broadcast`.

And what 10,000 sockets hold of memory on which nothing happens.
"""

import asyncio
import json
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import psutil
import uvloop

from .crowd import Crowd, allow_sockets
from .machine import wait_for_quiet
from .measures import Idle, Measure, Plan, Said, Turn
from .moothall_peer import Installation
from .servers import free_port, running
from .workspace import PEERS, Workspace

LISTENERS = 2_000
IDLE, FEWER_IDLE = 10_000, 2_000
_MESSAGES_A_SECOND = 10  # of the plan
_WARM_UPS = 3
_TEXT = "A sentence as people write it in a room, neither long nor short: about a hundred characters, all in all."
_ROOM = "bench"
_LIVE = "/api/v1/live"
_BCRYPT_COST = 4


@dataclass(frozen=True)
class Rooms:
    """Moothall's, as it is shipped: each message is stored, numbered, and checked against the limit, which is high."""

    installation: Installation

    @property
    def name(self) -> str:
        return f"room-{self.installation.name}"

    def concerned(self, plan: Plan) -> bool:
        return Measure.ROOMS in plan.measures

    def prepare(self) -> None:
        _prepare(self.installation)

    def take(self, plan: Plan) -> Turn:
        disturbance = wait_for_quiet()
        with _listening(self.installation) as (pid, openings):
            said = uvloop.run(_talk(self.installation.port, _LIVE, openings, pid, plan))
        return Turn(disturbance, said=said)


@dataclass(frozen=True)
class RoomsByHand:
    workspace: Workspace

    @property
    def name(self) -> str:
        return "room-by-hand"

    def concerned(self, plan: Plan) -> bool:
        return Measure.ROOMS in plan.measures

    def prepare(self) -> None:
        allow_sockets(LISTENERS)

    def take(self, plan: Plan) -> Turn:
        disturbance, port = wait_for_quiet(), free_port()
        command = [sys.executable, PEERS / "websockets_broadcast.py", port]
        log, folder = self.workspace.log(self.name), self.workspace.folder(self.name)
        with running(command, port=port, ready_path="/ready", log=log, cwd=folder) as pid:
            said = uvloop.run(_talk(port, "/", [()] * LISTENERS, pid, plan))
        return Turn(disturbance, said=said)


@dataclass(frozen=True)
class IdleSockets:
    installation: Installation
    count: int

    @property
    def name(self) -> str:
        return f"idle-{self.installation.name}"

    def concerned(self, plan: Plan) -> bool:
        return Measure.SOCKETS in plan.measures

    def prepare(self) -> None:
        allow_sockets(self.count)
        _prepare(self.installation)

    def take(self, plan: Plan) -> Turn:
        disturbance = wait_for_quiet()
        with _listening(self.installation, self.count, joined=False) as (pid, openings):
            idle = uvloop.run(_wait(self.installation.port, openings, pid))
        return Turn(disturbance, idle=idle)


def _prepare(installation: Installation) -> None:
    allow_sockets(LISTENERS)
    installation.settings.update(
        MOOTHALL_RATE_LIMIT_LIVE="1000000/minute",
        MOOTHALL_LIVE_CONNECTIONS="20000",
        MOOTHALL_LIVE_CONNECTIONS_PER_ADDRESS="20000",
    )
    installation.seed()
    if not installation.has_room:
        installation.has_room = True
        installation.moothall("rooms", "create", _ROOM, "--title", "Bench")


@contextmanager
def _listening(
    installation: Installation, count: int = LISTENERS, *, joined: bool = True
) -> Iterator[tuple[int, Sequence[Sequence[str]]]]:
    """The server's process id, and what each socket has to say first: a thousand members share them."""
    tokens = installation.tokens
    join = json.dumps({"type": "join", "room": _ROOM})
    openings = []
    for number in range(count):
        auth = json.dumps({"type": "auth", "token": tokens[number % len(tokens)]})
        openings.append((auth, join) if joined else (auth,))
    with installation.listening(1, _BCRYPT_COST) as pid:
        yield pid, openings


async def _talk(port: int, path: str, openings: Sequence[Sequence[str]], pid: int, plan: Plan) -> Said:
    """Messages one after the other, each once all have got the one before."""
    crowd, process = Crowd(), psutil.Process(pid)
    say = json.dumps(
        {"type": "say" if path == _LIVE else "message", "room": _ROOM, "text": _TEXT}, separators=(",", ":")
    )
    await crowd.open(port, path, openings)
    try:
        count = plan.seconds * _MESSAGES_A_SECOND
        for number in range(-_WARM_UPS, count):
            if number == 0:
                cpu, began = _cpu(process), time.perf_counter()
            wanted = crowd.said + len(openings)
            crowd.members[0].say(say)
            await crowd.wait_for(lambda wanted=wanted: crowd.said >= wanted)  # type: ignore[misc]
        took, used = time.perf_counter() - began, _cpu(process) - cpu
    finally:
        crowd.close()
    copies = count * len(openings)
    return Said(len(openings), copies / took, used / copies * 1e6)


async def _wait(port: int, openings: Sequence[Sequence[str]], pid: int) -> Idle:
    crowd, process = Crowd(is_in=b'"ready"'), psutil.Process(pid)
    before = process.memory_info().rss
    await crowd.open(port, _LIVE, openings)
    try:
        await asyncio.sleep(5)
        cpu = _cpu(process)
        await asyncio.sleep(10)
        used = (_cpu(process) - cpu) / 10
        held = process.memory_info().rss - before
    finally:
        crowd.close()
    return Idle(len(openings), held / len(openings) / 1024, used)


def _cpu(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)
