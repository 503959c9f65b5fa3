"""Members who write and read through two workers at once, in an order that chance made; no read that began after a
write was acknowledged may show what was before it.

tests/faults/test_two_workers.py lives such plans in one process, the drill with two.
"""

import asyncio
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Protocol
from uuid import uuid4

from tests.drills.client import Answer
from tests.drills.history import Register
from tests.drills.processes import Outcome
from tests.drills.servers import PASSWORD, ROOT, pair_of

MEMBERS = 3
READERS_OF_EACH = 2
WRITES_OF_EACH = 5
READS_OF_EACH = 12
LONGEST_PAUSE = 0.008


class Place(Protocol):
    """One of the workers."""

    async def ask(self, method: str, path: str, **parts: Any) -> Answer: ...


@dataclass(frozen=True)
class Step:
    """What to do at which of the two places, after a pause in seconds. `earlier`: with the credential that was good
    before the latest one."""

    what: str
    place: int
    pause: float
    earlier: bool


@dataclass(frozen=True)
class Plan:
    """For each member what is written and what each reader reads, and how the role that they may have is edited."""

    writers: Sequence[Sequence[Step]]
    readers: Sequence[Sequence[Sequence[Step]]]
    editor: Sequence[Step]


def planned(chance: random.Random) -> Plan:
    """The same chance, the same plan."""

    def steps(of: Sequence[str], count: int) -> list[Step]:
        return [
            Step(chance.choice(of), chance.randrange(2), chance.uniform(0, LONGEST_PAUSE), chance.random() < 0.25)
            for _ in range(count)
        ]

    return Plan(
        [steps(list(WRITES), WRITES_OF_EACH) for _ in range(MEMBERS)],
        [[steps(list(READS), READS_OF_EACH) for _ in range(READERS_OF_EACH)] for _ in range(MEMBERS)],
        steps(["edit"], WRITES_OF_EACH),
    )


@dataclass
class Credential:
    """An access token, or an API key."""

    parts: Mapping[str, str]
    lives: Register[bool] = field(default_factory=lambda: Register(True))


@dataclass
class Life:
    """A member, and what became of everything about them."""

    id: str
    email: str
    sessions: list[Credential] = field(default_factory=list)
    keys: list[tuple[str, Credential]] = field(default_factory=list)
    reading_key: Credential = field(init=False)
    """May list members, as long as its owner may."""
    name: Register[str | None] = field(default_factory=lambda: Register(None))
    has_role: Register[bool] = field(default_factory=lambda: Register(True))


class Episode:
    """One plan, lived by new members with a role of their own. `flaws` are the answers that no history explains."""

    def __init__(self, places: Sequence[Place], admin: str) -> None:
        self.reads = 0
        self.flaws: list[str] = []
        self._places = places
        self._admin = admin
        self._role = f"r{uuid4().hex}"
        self._role_allows = Register(True)

    async def live(self, plan: Plan) -> None:
        body = {"name": self._role, "permissions": ["users:read"]}
        await self._done(0, "POST", "/roles", token=self._admin, body=body)
        lives = [await self._born() for _ in plan.writers]
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._edit(plan.editor))
            for life, writes, readers in zip(lives, plan.writers, plan.readers, strict=True):
                tasks.create_task(self._each(life, writes, WRITES))
                for reads in readers:
                    tasks.create_task(self._each(life, reads, READS))

    async def _born(self) -> Life:
        email = f"{uuid4().hex}@example.com"
        body = {"email": email, "password": PASSWORD, "is_verified": True, "roles": ["member", self._role]}
        user = await self._done(0, "POST", "/users", token=self._admin, body=body)
        life = Life(user["id"], email)
        await self._sign_in(life, 0)
        _, life.reading_key = await self._make_key(life, 0, "users:read")
        life.keys.append(await self._make_key(life, 1))
        return life

    async def _each(self, life: Life, steps: Sequence[Step], how: Mapping[str, Callable[..., Any]]) -> None:
        for step in steps:
            await asyncio.sleep(step.pause)
            await how[step.what](self, life, step)

    async def _edit(self, steps: Sequence[Step]) -> None:
        for step in steps:
            await asyncio.sleep(step.pause)
            allows = not self._role_allows.latest
            body = {"permissions": ["users:read"] if allows else []}
            with self._role_allows.written(allows):
                await self._done(step.place, "PATCH", f"/roles/{self._role}", token=self._admin, body=body)

    async def rename(self, life: Life, step: Step) -> None:
        name = uuid4().hex
        with life.name.written(name):
            token = life.sessions[-1].parts["token"]
            await self._done(step.place, "PATCH", "/users/me", token=token, body={"first_name": name})

    async def change_roles(self, life: Life, step: Step) -> None:
        has = not life.has_role.latest
        body = {"roles": ["member", self._role] if has else ["member"]}
        with life.has_role.written(has):
            await self._done(step.place, "PUT", f"/users/{life.id}/roles", token=self._admin, body=body)

    async def sign_in_anew(self, life: Life, step: Step) -> None:
        with life.sessions[-1].lives.written(False):
            await self._done(step.place, "POST", "/auth/logout", **life.sessions[-1].parts)
        await self._sign_in(life, 1 - step.place)

    async def be_thrown_out(self, life: Life, step: Step) -> None:
        with life.sessions[-1].lives.written(False):
            await self._done(step.place, "DELETE", f"/users/{life.id}/sessions", token=self._admin)
        await self._sign_in(life, 1 - step.place)

    async def change_key(self, life: Life, step: Step) -> None:
        id, key = life.keys[-1]
        with key.lives.written(False):
            await self._done(step.place, "DELETE", f"/api-keys/{id}", **life.sessions[-1].parts)
        life.keys.append(await self._make_key(life, 1 - step.place))

    async def see_oneself(self, life: Life, step: Step) -> None:
        await self._see(life, step, _chosen(life.sessions, step))

    async def see_oneself_by_key(self, life: Life, step: Step) -> None:
        await self._see(life, step, _chosen(life.keys, step)[1])

    async def list_members(self, life: Life, step: Step) -> None:
        await self._list(life, step, _chosen(life.sessions, step))

    async def list_members_by_key(self, life: Life, step: Step) -> None:
        await self._list(life, step, life.reading_key)

    async def _see(self, life: Life, step: Step, credential: Credential) -> None:
        answer = await self._places[step.place].ask("GET", "/users/me", **credential.parts)
        seen = answer.body["first_name"] if answer.status == 200 else answer.status
        self._judge(step, seen, credential, life.name.may_show(answer.began, answer.ended), answer)

    async def _list(self, life: Life, step: Step, credential: Credential) -> None:
        answer = await self._places[step.place].ask("GET", "/users?page_size=1&cursor=", **credential.parts)
        has, allows = (register.may_show(answer.began, answer.ended) for register in (life.has_role, self._role_allows))
        self._judge(step, answer.status, credential, {200 if h and a else 403 for h in has for a in allows}, answer)

    def _judge(self, step: Step, seen: object, credential: Credential, if_it_lives: set[Any], answer: Answer) -> None:
        self.reads += 1
        lives = credential.lives.may_show(answer.began, answer.ended)
        expected = (if_it_lives if True in lives else set()) | ({401} if False in lives else set())
        if seen not in expected:
            self.flaws.append(f"{step.what}: {seen}, where it could be {expected}")

    async def _sign_in(self, life: Life, place: int) -> None:
        form = {"username": life.email, "password": PASSWORD}
        token = (await self._done(place, "POST", "/auth/login", form=form))["access_token"]
        life.sessions.append(Credential({"token": token}))

    async def _make_key(self, life: Life, place: int, *permissions: str) -> tuple[str, Credential]:
        """Its id, and the key."""
        body = {"name": "drill", "permissions": permissions}
        made = await self._done(place, "POST", "/api-keys", **life.sessions[-1].parts, body=body)
        return made["id"], Credential({"key": made["key"]})

    async def _done(self, place: int, method: str, path: str, **parts: Any) -> Any:
        answer = await self._places[place].ask(method, path, **parts)
        assert 200 <= answer.status < 300, f"{method} {path}: {answer.status} {answer.content!r}"
        return answer.body if answer.content else None


WRITES: Mapping[str, Callable[..., Any]] = {
    "rename": Episode.rename,
    "change roles": Episode.change_roles,
    "sign in anew": Episode.sign_in_anew,
    "be thrown out": Episode.be_thrown_out,
    "change key": Episode.change_key,
}
READS: Mapping[str, Callable[..., Any]] = {
    "see oneself": Episode.see_oneself,
    "list members": Episode.list_members,
    "list members by key": Episode.list_members_by_key,
    "see oneself by key": Episode.see_oneself_by_key,
}


def drill(arrangement: str, episodes: int, seed: int) -> Outcome:
    """`tried` are the reads."""
    with TemporaryDirectory() as folder, pair_of(arrangement, Path(folder)) as pair:

        async def live() -> tuple[int, list[str]]:
            admin = await pair.signed_in(ROOT)
            lived = []
            for number in range(episodes):
                episode = Episode((pair.one, pair.other), admin)
                await episode.live(planned(random.Random(f"{seed}/{number}")))
                lived.append(episode)
            pair.close()
            return sum(episode.reads for episode in lived), [flaw for episode in lived for flaw in episode.flaws]

        reads, flaws = asyncio.run(live())
    return Outcome(f"reads while others write ({arrangement})", reads, flaws, f"{episodes} plans")


def _chosen(credentials: Sequence[Any], step: Step) -> Any:
    return credentials[-2:][0] if step.earlier else credentials[-1]
