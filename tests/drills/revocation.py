"""What is taken away through one server is refused by the other, at once on one machine (S16).

Each trial asks one place for something on and on, has it ended at the other (or by the command line), and looks at
every answer to a request that began after the end was acknowledged.
"""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tests.drills.client import Answer, Client
from tests.drills.processes import Outcome
from tests.drills.servers import PASSWORD, ROOT, Member, Pair, a_member, a_role, pair_of

EVERYWHERE_WITHIN = 1.0
"""Seconds."""
TRIALS_AT_ONCE = 12
PROBERS = 2
NEW_PASSWORD = "amber-harbour-17-kite"


@dataclass(frozen=True)
class Club:
    """`here` is where something is ended, `there` where it is asked for."""

    pair: Pair
    here: Client
    there: Client
    admin: str

    async def member(self, *roles: str) -> Member:
        return await a_member(self.pair, self.admin, *roles)

    async def role(self) -> str:
        return await a_role(self.pair, self.admin)


@dataclass(frozen=True)
class Case:
    """What is asked for, how it is ended, and how an answer tells whether that is known."""

    ask: Callable[[], Awaitable[Answer]]
    end: Callable[[], Awaitable[Any]]
    status_after: int = 401
    name_after: str | None = None
    """Where not a refusal is waited for, but another first name."""

    def is_old(self, answer: Answer) -> bool:
        return answer.status == 200 and (self.name_after is None or answer.body["first_name"] is None)

    def is_new(self, answer: Answer) -> bool:
        if self.name_after is not None:
            return answer.status == 200 and answer.body["first_name"] == self.name_after
        return answer.status == self.status_after


async def _log_out(club: Club) -> Case:
    member = await club.member()
    return Case(_me(club, member), _acknowledged(club, "POST", "/auth/logout", token=member.token))


async def _end_session(club: Club) -> Case:
    member = await club.member()
    return Case(_me(club, member), _by_admin(club, "DELETE", f"/auth/sessions/{member.session_id}"))


async def _end_all_sessions(club: Club) -> Case:
    member = await club.member()
    return Case(_me(club, member), _by_admin(club, "DELETE", f"/users/{member.id}/sessions"))


async def _end_by_command_line(club: Club) -> Case:
    member = await club.member()
    words = ("--yes", "sessions", "end", member.session_id)
    return Case(_me(club, member), lambda: asyncio.to_thread(club.pair.any_server.moothall, *words))


async def _deactivate(club: Club) -> Case:
    member = await club.member()
    return Case(_me(club, member), _by_admin(club, "PATCH", f"/users/{member.id}", body={"is_active": False}))


async def _delete(club: Club) -> Case:
    member = await club.member()
    return Case(_me(club, member), _by_admin(club, "DELETE", f"/users/{member.id}"))


async def _demote(club: Club) -> Case:
    member = await club.member(await club.role())
    end = _by_admin(club, "PUT", f"/users/{member.id}/roles", body={"roles": ["member"]})
    return Case(_list(club, token=member.token), end, status_after=403)


async def _edit_role(club: Club) -> Case:
    role = await club.role()
    member = await club.member(role)
    end = _by_admin(club, "PATCH", f"/roles/{role}", body={"permissions": []})
    return Case(_list(club, token=member.token), end, status_after=403)


async def _change_password(club: Club) -> Case:
    """Ends the other sessions."""
    member = await club.member()
    other = replace(member, token=await club.pair.signed_in(member.email))
    body = {"current_password": PASSWORD, "new_password": NEW_PASSWORD}
    return Case(_me(club, other), _acknowledged(club, "PUT", "/users/me/password", token=member.token, body=body))


async def _revoke_key(club: Club) -> Case:
    member, key = await _with_key(club)
    return Case(
        _list(club, key=key["key"]), _acknowledged(club, "DELETE", f"/api-keys/{key['id']}", token=member.token)
    )


async def _deactivate_owner_of_key(club: Club) -> Case:
    member, key = await _with_key(club)
    end = _by_admin(club, "PATCH", f"/users/{member.id}", body={"is_active": False})
    return Case(_list(club, key=key["key"]), end)


async def _rename(club: Club) -> Case:
    member = await club.member()
    end = _acknowledged(club, "PATCH", "/users/me", token=member.token, body={"first_name": "Ada"})
    return Case(_me(club, member), end, name_after="Ada")


KINDS: Mapping[str, tuple[Callable[[Club], Awaitable[Case]], float]] = {
    "log out": (_log_out, 1),
    "end session": (_end_session, 1),
    "end all sessions": (_end_all_sessions, 1),
    "end by command line": (_end_by_command_line, 0.4),
    "deactivate": (_deactivate, 1),
    "delete": (_delete, 1),
    "demote": (_demote, 1),
    "edit role": (_edit_role, 1),
    "change password": (_change_password, 1),
    "revoke key": (_revoke_key, 1),
    "deactivate owner of key": (_deactivate_owner_of_key, 1),
    "rename": (_rename, 1),
}
"""And how often each is taken: a command line starts for a second."""


@dataclass(frozen=True)
class Trial:
    """When the last answer of the old state had come, in seconds after the acknowledgement (0: before it); and what was
    wrong with the answers to requests that began at once, and more than a second later."""

    kind: str
    late: float
    wrong_at_once: str | None
    wrong_later: str | None


def drill(arrangement: str, trials: int, seed: int) -> list[Outcome]:
    with TemporaryDirectory() as folder, pair_of(arrangement, Path(folder)) as pair:
        return _outcomes(arrangement, asyncio.run(_drill(pair, trials, random.Random(seed))))


async def _drill(pair: Pair, trials: int, chance: random.Random) -> list[Trial]:
    async with _signed_in(pair) as admin:
        names, weights = list(KINDS), [weight for _, weight in KINDS.values()]
        plan = iter(chance.choices(names, weights, k=trials))
        done: list[Trial] = []

        async def go_on() -> None:
            for kind in plan:
                here, there = chance.sample((pair.one, pair.other), 2)
                done.append(await _try(Club(pair, here, there, admin), kind, chance))

        await asyncio.gather(*(go_on() for _ in range(TRIALS_AT_ONCE)))
        return done


@asynccontextmanager
async def _signed_in(pair: Pair) -> Any:
    try:
        yield await pair.signed_in(ROOT)
    finally:
        pair.close()


async def _try(club: Club, kind: str, chance: random.Random) -> Trial:
    """Whether the other place has seen the caller before, or does so while the end comes, is left to chance."""
    case = await KINDS[kind][0](club)
    answers = [await case.ask() for _ in range(chance.randrange(3))]
    stop = asyncio.Event()
    acknowledged: list[float] = []

    async def watch() -> None:
        while not stop.is_set():
            answers.append(await case.ask())
            is_urgent = not acknowledged or time.monotonic() - acknowledged[0] < 0.05
            await asyncio.sleep(0.002 if is_urgent else 0.15)

    watchers = [asyncio.create_task(watch()) for _ in range(PROBERS)]
    await asyncio.sleep(chance.uniform(0, 0.02))
    began = time.monotonic()
    await case.end()
    acknowledged.append(time.monotonic())
    answers.append(await case.ask())
    await asyncio.sleep(EVERYWHERE_WITHIN)
    answers.append(await case.ask())
    stop.set()
    await asyncio.gather(*watchers)
    return _judged(kind, case, answers, began, acknowledged[0])


def _judged(kind: str, case: Case, answers: list[Answer], began: float, acknowledged: float) -> Trial:
    late, at_once, later = 0.0, None, None
    for answer in answers:
        after = answer.began - acknowledged
        if case.is_old(answer):
            late = max(late, answer.ended - acknowledged)
            if after > 0:
                at_once = f"{kind}: the old state, asked for {after * 1000:.1f} ms after"
            if after > EVERYWHERE_WITHIN:
                later = at_once
        elif not case.is_new(answer) or answer.ended < began:
            at_once = later = f"{kind}: {answer.status} {answer.content[:200]!r}, asked for {after * 1000:.1f} ms after"
    return Trial(kind, late, at_once, later)


def _outcomes(arrangement: str, trials: list[Trial]) -> list[Outcome]:
    late = sorted(trial.late * 1000 for trial in trials)
    p99 = late[min(len(late) - 1, round(len(late) * 0.99))]
    figures = f"last old answer p50 {late[len(late) // 2]:.1f}, p99 {p99:.1f}, max {late[-1]:.1f} ms"
    at_once = [trial.wrong_at_once for trial in trials if trial.wrong_at_once]
    later = [trial.wrong_later for trial in trials if trial.wrong_later]
    kinds = Counter(trial.kind for trial in trials if trial.wrong_at_once)
    return [
        Outcome(f"ended, and refused 1 s later ({arrangement})", len(trials), later, figures),
        Outcome(f"ended, and refused at once ({arrangement})", len(trials), at_once, str(dict(kinds)) if kinds else ""),
    ]


async def _with_key(club: Club) -> tuple[Member, Any]:
    member = await club.member(await club.role())
    body = {"name": "drill", "permissions": ["users:read"]}
    return member, await club.here.post("/api-keys", status=201, token=member.token, body=body)


def _me(club: Club, member: Member) -> Callable[[], Awaitable[Answer]]:
    return lambda: club.there.ask("GET", "/users/me", token=member.token)


def _list(club: Club, **credential: str) -> Callable[[], Awaitable[Answer]]:
    return lambda: club.there.ask("GET", "/users?page_size=1&cursor=", **credential)


def _by_admin(club: Club, method: str, path: str, **parts: Any) -> Callable[[], Awaitable[None]]:
    return _acknowledged(club, method, path, token=club.admin, **parts)


def _acknowledged(club: Club, method: str, path: str, **parts: Any) -> Callable[[], Awaitable[None]]:
    async def end() -> None:
        answer = await club.here.ask(method, path, **parts)
        assert answer.status in (200, 204), f"{method} {path}: {answer.status} {answer.content!r}"

    return end
