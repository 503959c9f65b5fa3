"""How long an answer takes does not tell what it keeps to itself: whether there is such an account, and how it is (S2).

One connection; the classes are asked about in an order that chance made. Two classes are told apart by the AUC: how
often an answer of the one takes longer than one of the other, where 0.5 is a coin.
"""

import asyncio
import random
import socket
import sqlite3
import time
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, closing
from itertools import combinations
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from domain.access.actor import operator
from entrypoints.bootstrap import open_application
from entrypoints.settings import Settings
from tests.drills.client import read_head, request
from tests.drills.processes import Outcome
from tests.drills.servers import OFF, PASSWORD, SECRET, prepared
from tests.project.server import HOST, serving
from tests.stores import SQLITE

HIGHEST_AUC = 0.55
ACCOUNTS = 20
"""Of each class, so that no row of a table speaks for its class."""
WARM_UP = 20
"""Samples of each class that do not count."""
WRONG_PASSWORD = "amber-harbour-17-kite"
UNFINISHED = "SELECT count(*) FROM jobs WHERE event_id IS NOT NULL AND status IN ('queued', 'running')"

KNOWN: Mapping[str, Mapping[str, Any]] = {
    "verified": {"password": PASSWORD, "is_verified": True},
    "unverified": {"password": PASSWORD},
    "disabled": {"password": PASSWORD, "is_verified": True, "is_active": False},
    "invited": {},
}
UNKNOWN = "unknown"
TOLD_APART = "told apart"
"""A class that answers otherwise by design: if its times look like the others', the drill sees nothing."""

Form = Callable[[str, int], bytes]


def log_in(kind: str, number: int) -> bytes:
    """By e-mail address and by username, in turns."""
    if kind == TOLD_APART:
        return request("POST", "/auth/login", form={"username": _email("verified", number), "password": PASSWORD})
    login = _email(kind, number) if number % 2 else f"{kind}_{number}"
    return request("POST", "/auth/login", form={"username": login, "password": WRONG_PASSWORD})


def forgot_password(kind: str, number: int) -> bytes:
    return _mailed("/auth/forgot-password", kind, number)


def verify_email(kind: str, number: int) -> bytes:
    return _mailed("/auth/verify-email/request", kind, number)


FORMS: Mapping[str, tuple[Form, int]] = {
    "log in": (log_in, 401),
    "forgot password": (forgot_password, 202),
    "verify e-mail": (verify_email, 202),
}
"""And the status that all classes but the one get."""


def drill(store: str, samples: int, seed: int) -> list[Outcome]:
    """`tried` are the pairs of classes, for each form."""
    with TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        env = {**prepared(store, folder, more=OFF), "MOOTHALL_REQUIRE_VERIFIED_EMAIL": "true"}
        asyncio.run(_make_accounts(env, folder))
        server = stack.enter_context(serving(folder, env=env))
        idle = _idle_file(folder, stack) if store == SQLITE else None
        chance = random.Random(seed)
        return [_judged(form, store, _measured(server.port, *FORMS[form], samples, chance, idle)) for form in FORMS]


async def _make_accounts(env: Mapping[str, str], folder: Path) -> None:
    settings = Settings(
        bcrypt_cost=4, data_dir=folder / "data", database_url=env["MOOTHALL_DATABASE_URL"], secret_key=SECRET
    )
    async with open_application(settings) as application:
        for kind, fields in KNOWN.items():
            for number in range(ACCOUNTS):
                await application.identity.create_user(
                    operator("drill"), email=_email(kind, number), username=f"{kind}_{number}", **fields
                )
        await application.runner.drain()


def _measured(
    port: int, form: Form, status: int, samples: int, chance: random.Random, idle: Callable[[], None] | None
) -> dict[str, list[float]]:
    """Seconds, by class. What an answer sets off is waited for where the server does it, lest it disturb the next."""
    kinds = [UNKNOWN, *KNOWN, TOLD_APART]
    order = [kind for kind in kinds for _ in range(samples)]
    chance.shuffle(order)
    times: dict[str, list[float]] = {kind: [] for kind in kinds}
    with socket.create_connection((HOST, port)) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for number, kind in enumerate([*kinds * WARM_UP, *order]):
            took, seen = _timed(connection, form(kind, chance.randrange(ACCOUNTS)))
            assert (seen == status) is (kind != TOLD_APART), f"{kind}: {seen}"
            if number >= len(kinds) * WARM_UP:
                times[kind].append(took)
            if idle is not None:
                idle()
    return times


def _timed(connection: socket.socket, request: bytes) -> tuple[float, int]:
    began = time.perf_counter()
    connection.sendall(request)
    received = connection.recv(65536)
    took = time.perf_counter() - began
    while b"\r\n\r\n" not in received:
        received += connection.recv(65536)
    head, _, content = received.partition(b"\r\n\r\n")
    status, length, _ = read_head(head + b"\r\n\r\n")
    while len(content) < length:
        content += connection.recv(65536)
    return took, status


def _judged(form: str, store: str, times: Mapping[str, Sequence[float]]) -> Outcome:
    pairs = {(a, b): auc(times[a], times[b]) for a, b in combinations([UNKNOWN, *KNOWN], 2)}
    broken = [f"{a} or {b}: AUC {found:.3f}" for (a, b), found in pairs.items() if found > HIGHEST_AUC]
    (a, b), worst = max(pairs.items(), key=lambda pair: pair[1])
    control = max(auc(times[kind], times[TOLD_APART]) for kind in [UNKNOWN, *KNOWN])
    if control <= HIGHEST_AUC:
        broken.append(f"too much noise: what answers otherwise by design has an AUC of {control:.3f} only")
    note = f"worst {worst:.3f} ({a}, {b}), by design {control:.3f}, {len(times[UNKNOWN])} samples each"
    return Outcome(f"times of {form} ({store})", len(pairs), broken, note)


def auc(some: Sequence[float], others: Sequence[float]) -> float:
    """How often one of the one kind is larger than one of the other (Mann-Whitney's U by the number of pairs, equals
    count half), whichever kind that is: 0.5 to 1."""
    ranked = sorted(others)
    below = sum(bisect_left(ranked, value) + bisect_right(ranked, value) for value in some) / 2
    found = below / (len(some) * len(others))
    return max(found, 1 - found)


def _mailed(path: str, kind: str, number: int) -> bytes:
    email = "no address" if kind == TOLD_APART else _email(kind, number)
    return request("POST", path, body={"email": email})


def _email(kind: str, number: int) -> str:
    """All of one length."""
    return f"{kind:_<10}{number:02}@example.com"


def _idle_file(folder: Path, stack: ExitStack) -> Callable[[], None]:
    """Waits until a server on SQLite has done what follows from its answers."""
    connection = stack.enter_context(closing(sqlite3.connect(folder / "moothall.db", timeout=20)))

    def idle() -> None:
        limit = time.monotonic() + 30
        while connection.execute(UNFINISHED).fetchone()[0]:
            assert time.monotonic() < limit, "The server does not get its work done."
            time.sleep(0.002)

    return idle
