"""Many more sign-ins than can be checked: some are refused at once, the others answered, the server stays well (S10).

How late the event loop is meanwhile, the server tells itself.
"""

import asyncio
import os
import random
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx

from tests.drills.processes import Outcome
from tests.entrypoints.http.metrics import read, value
from tests.project.server import serving

WITHIN = 60.0
LAG_ALLOWED = 0.05
"""Seconds; what `make drills` asks for."""
ANSWERS = {401, 503}
LAG = "moothall_event_loop_lag_worst_seconds"


def drill(
    clients: int, seconds: float, seed: int, *, lag_allowed: float | None = LAG_ALLOWED, most: int = 1000
) -> Outcome:
    """`tried` are sign-ins; one is broken that hung, or was answered with anything but yes-or-no and try-again.

    The clients yield to the server: in life they are other machines, and take no processor from it.
    """
    env = {"MOOTHALL_MAX_IN_FLIGHT": str(most), "MOOTHALL_BCRYPT_COST": "12"}
    with (
        TemporaryDirectory() as folder,
        serving(Path(folder), env=env) as server,
        ProcessPoolExecutor(1, get_context("spawn"), os.nice, (19,)) as elsewhere,
    ):
        return elsewhere.submit(_run, server.url, clients, seconds, lag_allowed, seed).result()


def _run(url: str, clients: int, seconds: float, lag_allowed: float | None, seed: int) -> Outcome:
    return asyncio.run(_drill(url, clients, seconds, lag_allowed, random.Random(seed)))


async def _drill(url: str, clients: int, seconds: float, lag_allowed: float | None, chance: random.Random) -> Outcome:
    found: Counter[int] = Counter()
    broken: list[str] = []
    limits = httpx.Limits(max_connections=clients + 1, max_keepalive_connections=clients + 1)
    async with httpx.AsyncClient(base_url=url, timeout=WITHIN, limits=limits) as client:

        async def hammer(n: int) -> None:
            while time.monotonic() < until:
                form = {"username": f"nobody{n}@example.com", "password": "violet-anchor-42-lamp"}
                try:
                    answer = await client.post("/api/v1/auth/login", data=form)
                except httpx.HTTPError as error:
                    broken.append(f"a sign-in got no answer: {error!r}")
                    return
                found[answer.status_code] += 1
                if answer.status_code not in ANSWERS or (
                    answer.status_code == 503 and not answer.headers["retry-after"]
                ):
                    broken.append(f"a sign-in was answered with {answer.status_code}: {answer.text[:200]}")
                if answer.status_code == 503:
                    await asyncio.sleep(float(answer.headers["retry-after"]) * chance.uniform(0.5, 1.5))

        await asyncio.sleep(min(seconds, 5.0))
        idle = value(read((await client.get("/metrics")).text), LAG)
        until = time.monotonic() + seconds
        hammering = [asyncio.create_task(hammer(n)) for n in range(clients)]
        worst = 0.0
        while time.monotonic() < until:
            await asyncio.sleep(0.5)
            told = read((await client.get("/metrics")).text)
            worst = max(worst, value(told, LAG))
        await asyncio.gather(*hammering)
        if (await client.get("/ready")).status_code != 200:
            broken.append("the server is not ready afterwards")
        if value(read((await client.get("/metrics")).text), "moothall_http_requests_in_flight") != 0:
            broken.append("some requests are still in flight afterwards")
    if not all(found[status] for status in ANSWERS):
        broken.append(f"the flood was none: {dict(found)}")
    if lag_allowed is not None and worst > lag_allowed:
        broken.append(f"the event loop was {worst * 1000:.0f} ms late")
    note = (
        f"{found[401]} checked, {found[503]} refused, event loop {worst * 1000:.0f} ms late, idle {idle * 1000:.0f} ms"
    )
    return Outcome("a flood of sign-ins", found.total(), broken, note)
