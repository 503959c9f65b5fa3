"""Redis frozen, killed and emptied under load: it costs some time, and nothing else (S34)."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.drills.load import MEMBERS, Load, p99
from tests.drills.processes import Outcome
from tests.drills.redis_server import RedisServer
from tests.drills.servers import ROOT, TWO_SERVERS_AND_REDIS, Pair, a_member, pair_of

HIGH = {f"MOOTHALL_RATE_LIMIT_{name}": "1000000/minute" for name in ("DEFAULT", "LOGIN", "REGISTER", "MAIL")}
"""Limits that are counted, and that nobody reaches: not even when they are stricter because Redis is away."""
UNDISTURBED = 5.0
AFTERWARDS = 1.0
MILLISECONDS_MORE = 50


async def _freeze(redis: RedisServer) -> None:
    redis.freeze()
    await asyncio.sleep(5)
    redis.thaw()


async def _kill(redis: RedisServer) -> None:
    await asyncio.to_thread(redis.kill)
    await asyncio.sleep(3)
    await asyncio.to_thread(redis.start)


async def _empty(redis: RedisServer) -> None:
    for _ in range(5):
        await asyncio.to_thread(redis.empty)
        await asyncio.sleep(1)


KINDS: Mapping[str, Callable[[RedisServer], Awaitable[None]]] = {"frozen": _freeze, "killed": _kill, "emptied": _empty}


def drill(kind: str, rounds: int, seed: int) -> list[Outcome]:
    """`tried` are the requests; then how much slower the slowest reads were, which is one try."""
    with TemporaryDirectory() as folder, pair_of(TWO_SERVERS_AND_REDIS, Path(folder), limits=HIGH) as pair:
        return asyncio.run(_drill(pair, kind, rounds, random.Random(seed)))


async def _drill(pair: Pair, kind: str, rounds: int, chance: random.Random) -> list[Outcome]:
    assert pair.redis is not None
    admin = await pair.signed_in(ROOT)
    load = Load([pair.one, pair.other], [await a_member(pair, admin) for _ in range(MEMBERS)], chance)
    windows: list[tuple[float, float]] = []
    async with load.going_on():
        await asyncio.sleep(2)
        warm = time.monotonic()
        for _ in range(rounds):
            await asyncio.sleep(UNDISTURBED)
            began = time.monotonic()
            await KINDS[kind](pair.redis)
            await asyncio.sleep(AFTERWARDS)
            windows.append((began, time.monotonic()))
    pair.close()
    disturbed = [one for one in load.sent if any(began <= one.began < ended for began, ended in windows)]
    calm = [one for one in load.sent if one.began >= warm and one not in set(disturbed)]
    more = p99(disturbed) - p99(calm)
    slower = [f"p99 of reads is {more:.0f} ms higher"] if more > MILLISECONDS_MORE else []
    figures = f"p99 {p99(disturbed):.0f} ms, {p99(calm):.0f} ms undisturbed"
    return [
        Outcome(f"requests while Redis is {kind}", len(load.sent), [one.flaw for one in load.sent if one.flaw]),
        Outcome(f"reads hardly slower while Redis is {kind}", 1, slower, figures),
    ]
