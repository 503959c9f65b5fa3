"""Live connections of who may not stay any more are closed within a second, on every worker and machine (S36)."""

import asyncio
import json
import random
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from tests.drills.client import Client
from tests.drills.processes import Outcome
from tests.drills.servers import PASSWORD, ROOT, Member, Pair, a_member, a_role, pair_of
from tests.project.server import HOST

WITHIN = 1.0
"""Seconds from the acknowledgement to the close."""
PATIENCE = 10.0
AT_ONCE = 8
SOCKETS = 4
"""Of one member: with several workers on one port, chance spreads them."""
SIGNED_OUT, NOT_ALLOWED = 4401, 4403
NEW_PASSWORD = "amber-harbour-17-kite"


@dataclass(frozen=True)
class Someone:
    """Who is to be shown out, and with which code."""

    member: Member
    role: str
    code: int = SIGNED_OUT


End = Callable[[Client, str, Someone], Awaitable[None]]


async def _asked(client: Client, method: str, path: str, token: str, body: object = None) -> None:
    answer = await client.ask(method, path, token=token, body=body)
    assert answer.status in (200, 204), f"{method} {path}: {answer.status} {answer.content!r}"


async def _log_out(here: Client, admin: str, who: Someone) -> None:
    await _asked(here, "POST", "/auth/logout", who.member.token)


async def _end_session(here: Client, admin: str, who: Someone) -> None:
    await _asked(here, "DELETE", f"/auth/sessions/{who.member.session_id}", admin)


async def _deactivate(here: Client, admin: str, who: Someone) -> None:
    await _asked(here, "PATCH", f"/users/{who.member.id}", admin, {"is_active": False})


async def _delete(here: Client, admin: str, who: Someone) -> None:
    await _asked(here, "DELETE", f"/users/{who.member.id}", admin)


async def _demote(here: Client, admin: str, who: Someone) -> None:
    await _asked(here, "PUT", f"/users/{who.member.id}/roles", admin, {"roles": ["member"]})


async def _edit_role(here: Client, admin: str, who: Someone) -> None:
    await _asked(here, "PATCH", f"/roles/{who.role}", admin, {"permissions": []})


async def _change_password(here: Client, admin: str, who: Someone) -> None:
    """From another session."""
    form = {"username": who.member.email, "password": PASSWORD}
    other = (await here.post("/auth/login", status=200, form=form))["access_token"]
    body = {"current_password": PASSWORD, "new_password": NEW_PASSWORD}
    await _asked(here, "PUT", "/users/me/password", other, body)


ENDS: Mapping[str, tuple[End, int]] = {
    "log out": (_log_out, SIGNED_OUT),
    "end session": (_end_session, SIGNED_OUT),
    "deactivate": (_deactivate, SIGNED_OUT),
    "delete": (_delete, SIGNED_OUT),
    "demote": (_demote, NOT_ALLOWED),
    "edit role": (_edit_role, NOT_ALLOWED),
    "change password": (_change_password, SIGNED_OUT),
}


def drill(arrangement: str, trials: int, seed: int, *, within: float = WITHIN) -> Outcome:
    """`tried` are the connections."""
    with TemporaryDirectory() as folder, pair_of(arrangement, Path(folder)) as pair:
        return asyncio.run(_drill(arrangement, pair, trials, random.Random(seed), within))


async def _drill(arrangement: str, pair: Pair, trials: int, chance: random.Random, within: float) -> Outcome:
    admin = await pair.signed_in(ROOT)
    plan = iter(chance.choices(list(ENDS), k=trials))
    late: list[float] = []
    flaws: list[str] = []

    async def go_on() -> None:
        for kind in plan:
            for seconds, code in await _try(pair, admin, kind, chance.choice((pair.one, pair.other))):
                late.append(seconds)
                if seconds > within or code != ENDS[kind][1]:
                    flaws.append(f"{kind}: closed with {code} after {seconds * 1000:.0f} ms")

    await asyncio.gather(*(go_on() for _ in range(AT_ONCE)))
    pair.close()
    late.sort()
    figures = f"closed after p50 {late[len(late) // 2] * 1000:.0f}, max {late[-1] * 1000:.0f} ms"
    return Outcome(f"live connections closed ({arrangement})", len(late), flaws, figures)


async def _try(pair: Pair, admin: str, kind: str, here: Client) -> list[tuple[float, int | None]]:
    """How long after the acknowledgement each was closed, and with which code."""
    end, _ = ENDS[kind]
    role = await a_role(pair, admin)
    who = Someone(await a_member(pair, admin, role), role)
    ports = [pair.any_server.port, pair.other_port or pair.any_server.port]
    opened = [asyncio.Event() for _ in range(SOCKETS)]
    sockets = [
        asyncio.create_task(_stay(ports[number % 2], who.member.token, opened[number])) for number in range(SOCKETS)
    ]
    await asyncio.gather(*(event.wait() for event in opened))
    await end(here, admin, who)
    acknowledged = time.monotonic()
    return [(closed - acknowledged, code) for closed, code in await asyncio.gather(*sockets)]


async def _stay(port: int, token: str, opened: asyncio.Event) -> tuple[float, int | None]:
    async with connect(f"ws://{HOST}:{port}/api/v1/live", proxy=None) as socket:
        await socket.send(json.dumps({"type": "auth", "token": token}))
        await socket.recv()
        opened.set()
        try:
            async with asyncio.timeout(PATIENCE):
                while True:
                    await socket.recv()
        except ConnectionClosed as closed:
            return time.monotonic(), closed.rcvd.code if closed.rcvd else None
        except TimeoutError:
            return time.monotonic(), None
