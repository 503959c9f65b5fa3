"""Members who read, write, sign in and out all the time, and check every answer that they get."""

import asyncio
import itertools
import random
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.drills.client import Answer, Client, Unanswered
from tests.drills.history import Register
from tests.drills.servers import PASSWORD, Member

EVERYWHERE_WITHIN = 1.0
PAUSE = 0.02
"""Seconds between two requests of one client, on average."""
READERS = 6
NEWCOMERS = 2
WRITERS = 2


@dataclass(frozen=True, slots=True)
class Sent:
    """A request, and what was wrong with what became of it. `raced`: it got no answer on a connection that had carried
    others, and that the server may have closed just then."""

    what: str
    began: float
    ended: float
    flaw: str | None = None
    raced: bool = False


@dataclass
class Load:
    """`members` are one for each client."""

    places: Sequence[Client]
    members: Sequence[Member]
    chance: random.Random
    sent: list[Sent] = field(default_factory=list)
    names: dict[str, Register[str | None]] = field(default_factory=dict)
    _ended: list[tuple[float, str]] = field(default_factory=list)
    _stopping: bool = False

    @asynccontextmanager
    async def going_on(self) -> AsyncIterator[None]:
        """While the block lasts; what was sent last is waited for."""
        self.names = {member.id: Register(None) for member in self.members}
        members = iter(self.members)
        clients = [
            *(self._read(next(members), anew=False) for _ in range(READERS)),
            *(self._read(next(members), anew=True) for _ in range(NEWCOMERS)),
            *(self._write(next(members)) for _ in range(WRITERS)),
            self._come_and_go(next(members)),
            self._try_what_has_ended(),
        ]
        async with asyncio.TaskGroup() as tasks:
            for client in clients:
                tasks.create_task(client)
            try:
                yield
            finally:
                self._stopping = True

    async def _read(self, member: Member, *, anew: bool) -> None:
        async for place in self._turns():
            await self._see(place, member, "read over a new connection" if anew else "read", anew=anew)

    async def _write(self, member: Member) -> None:
        counting = itertools.count()
        async for place in self._turns():
            name = f"n{next(counting)}"
            write = await self._ask(
                place,
                "write",
                "PATCH",
                "/users/me",
                _shows(200, member, {name}),
                member.token,
                register=self.names[member.id],
                value=name,
                body={"first_name": name},
            )
            if write is not None:
                await self._see(self.chance.choice(self.places), member, "read what was written")

    async def _come_and_go(self, member: Member) -> None:
        async for place in self._turns():
            form = {"username": member.email, "password": PASSWORD}
            answer = await self._ask(place, "sign in", "POST", "/auth/login", _has(200), form=form)
            if answer is None or answer.status != 200:
                continue
            token = answer.body["access_token"]
            await self._ask(self.chance.choice(self.places), "read", "GET", "/users/me", _shows(200, member), token)
            if await self._ask(place, "sign out", "POST", "/auth/logout", _has(204), token) is not None:
                self._ended.append((time.monotonic(), token))

    async def _try_what_has_ended(self) -> None:
        async for place in self._turns():
            over = [token for at, token in self._ended if time.monotonic() - at > EVERYWHERE_WITHIN]
            if over:
                token = self.chance.choice(over[-20:])
                await self._ask(place, "try what has ended", "GET", "/users/me", _has(401), token)

    async def _see(self, place: Client, member: Member, what: str, *, anew: bool = False) -> None:
        names = self.names[member.id]

        def check(answer: Answer) -> str | None:
            return _shows(200, member, names.may_show(answer.began - EVERYWHERE_WITHIN, answer.ended))(answer)

        await self._ask(place, what, "GET", "/users/me", check, member.token, anew=anew)

    async def _turns(self) -> AsyncIterator[Client]:
        while not self._stopping:
            yield self.chance.choice(self.places)
            await asyncio.sleep(self.chance.uniform(0, 2 * PAUSE))

    async def _ask(
        self,
        place: Client,
        what: str,
        method: str,
        path: str,
        check: Callable[[Answer], str | None],
        token: str | None = None,
        *,
        register: Register[str | None] | None = None,
        value: str | None = None,
        **parts: Any,
    ) -> Answer | None:
        """None where no answer came. `register` is written with that `value` once there is a good one."""
        began = time.monotonic()
        try:
            if register is None:
                answer = await place.ask(method, path, token=token, **parts)
            else:
                with register.written(value):
                    answer = await place.ask(method, path, token=token, **parts)
        except Unanswered as error:
            self.sent.append(Sent(what, error.began, time.monotonic(), f"{what}: {error}", raced=error.was_open))
        except OSError as error:
            self.sent.append(Sent(what, began, time.monotonic(), f"{what}: {error!r}"))
        else:
            flaw = check(answer)
            self.sent.append(Sent(what, answer.began, answer.ended, flaw and f"{what}: {flaw}"))
            return answer
        return None


def p99(sent: Sequence[Sent]) -> float:
    """Of the time that reads took, in milliseconds."""
    took = sorted(one.ended - one.began for one in sent if one.what == "read")
    return took[min(len(took) - 1, round(len(took) * 0.99))] * 1000


def _has(status: int) -> Callable[[Answer], str | None]:
    return lambda answer: None if answer.status == status else f"{answer.status} {answer.content[:200]!r}"


def _shows(status: int, member: Member, names: set[Any] | None = None) -> Callable[[Answer], str | None]:
    """That it is this member's account, by one of these first names."""

    def check(answer: Answer) -> str | None:
        if answer.status != status:
            return f"{answer.status} {answer.content[:200]!r}"
        seen = answer.body
        if seen["id"] != member.id:
            return f"the data of {seen['id']}, for {member.id}"
        if names is not None and seen["first_name"] not in names:
            return f"{seen['first_name']}, where it could be {names}"
        return None

    return check


MEMBERS = READERS + NEWCOMERS + WRITERS + 1
