"""A server with two workers, restarted by SIGHUP and ended by SIGTERM under load: every request is answered."""

import asyncio
import os
import random
import signal
import time
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil

from tests.drills.client import Client
from tests.drills.load import MEMBERS, Load, Sent, p99
from tests.drills.processes import Outcome
from tests.drills.servers import ROOT, Pair, a_member, prepared, workers_of
from tests.project.server import Server, serving
from tests.services import query
from tests.stores import POSTGRESQL

RESTARTED_WITHIN = 30.0
ENDED_WITHIN = 10.0
BETWEEN = 0.5


def drill(restarts: int, seed: int) -> list[Outcome]:
    """`tried` are the requests that were sent while it was restarted, and those under way at its end."""
    with TemporaryDirectory() as name:
        env = prepared(POSTGRESQL, Path(name))
        with serving(Path(name), "--workers", "2", env=env) as server:
            return asyncio.run(_drill(server, env["MOOTHALL_DATABASE_URL"], restarts, random.Random(seed)))


async def _drill(server: Server, url: str, restarts: int, chance: random.Random) -> list[Outcome]:
    client = Client(server.port)
    pair = Pair(client, client, server)
    admin = await pair.signed_in(ROOT)
    load = Load([client], [await a_member(pair, admin) for _ in range(MEMBERS)], chance)
    flaws: list[str] = []
    async with load.going_on():
        await asyncio.sleep(1)
        began = time.monotonic()
        for number in range(restarts):
            flaws += await _restart(server, number + 1)
            await asyncio.sleep(BETWEEN)
        restarted = time.monotonic()
        await asyncio.sleep(1)
        os.kill(server.pid, signal.SIGTERM)
        ended_at = time.monotonic()
        took = await _end(server.pid)
    client.close()
    return [
        _while_restarted([sent for sent in load.sent if began <= sent.began < restarted], flaws, restarts),
        _at_the_end([sent for sent in load.sent if restarted <= sent.began], ended_at, took, await _lost(load, url)),
    ]


async def _restart(server: Server, number: int) -> list[str]:
    """Until all workers are others."""
    before = set(workers_of(server))
    os.kill(server.pid, signal.SIGHUP)
    limit = time.monotonic() + RESTARTED_WITHIN
    while time.monotonic() < limit:
        await asyncio.sleep(0.05)
        with suppress(psutil.NoSuchProcess):
            now = set(workers_of(server))
            if len(now) == len(before) and not now & before:
                return []
    return [f"restart {number} did not replace all workers within {RESTARTED_WITHIN} s"]


async def _end(pid: int) -> float:
    """How many seconds it takes to end; infinite where it is too many."""
    began = time.monotonic()
    process = psutil.Process(pid)
    while time.monotonic() - began < 2 * ENDED_WITHIN:
        with suppress(psutil.NoSuchProcess):
            if process.status() != psutil.STATUS_ZOMBIE:
                await asyncio.sleep(0.05)
                continue
        return time.monotonic() - began
    return float("inf")


def _while_restarted(sent: list[Sent], flaws: list[str], restarts: int) -> Outcome:
    broken = [*flaws, *(one.flaw for one in sent if one.flaw)]
    raced = sum(one.raced for one in sent)
    note = f"{raced} unanswered over an open connection, read p99 {p99(sent):.0f} ms"
    return Outcome(f"requests during {restarts} graceful restarts", len(sent), broken, note)


def _at_the_end(sent: list[Sent], ended_at: float, took: float, lost: list[str]) -> Outcome:
    """What began before SIGTERM is to be answered; later requests may find nobody, but get no wrong answer."""
    accepted = [one for one in sent if one.began < ended_at]
    broken = [one.flaw for one in accepted if one.flaw]
    if took > ENDED_WITHIN:
        broken.append(f"it took {took:.1f} s to end")
    under_way = sum(one.ended > ended_at for one in accepted)
    return Outcome("requests before SIGTERM", len(accepted), [*broken, *lost], f"{under_way} under way, {took:.1f} s")


async def _lost(load: Load, url: str) -> list[str]:
    """Writes that were acknowledged and are not there."""
    lost = []
    for member, names in load.names.items():
        stored = await query(url, f"SELECT first_name FROM users WHERE id = '{member}'")  # noqa: S608
        if stored not in names.may_show(time.monotonic(), time.monotonic()):
            lost.append(f"{stored} is stored, but {names.latest} was acknowledged")
    return lost
