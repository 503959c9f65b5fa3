"""Hostile strings in every place that takes text (S22), on three stores at once: the same answer on each, never a 5xx;
what is taken comes back as it went in, and all else is refused.

Places come from the description of the API: a new field or parameter is tried at once.
"""

import asyncio
import os
from collections import Counter
from collections.abc import Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from itertools import count
from typing import Any

import httpx
import pytest
from asgi_lifespan import LifespanManager

from adapters.mail import MemoryMailer
from entrypoints.http.app import create_app
from entrypoints.settings import Settings
from tests.clock import OwnClock
from tests.entrypoints.http.client import Api
from tests.entrypoints.http.matrix import Caller, Operation, Whose, World, operations
from tests.entrypoints.http.people import People
from tests.limits import UNLIMITED
from tests.proof.hostile import HEADERS, STRINGS, Spot, Target, is_shown
from tests.stores import MEMORY, STORES, database_url

APP = create_app(Settings(), in_memory=True)
DOCUMENT = APP.openapi()
ADMINISTRATOR = Caller("admin", frozenset({"*"}))
EACH = int(os.environ.get("MOOTHALL_TEST_STRINGS", "6"))
"""How many of the strings are tried in each place: others in the next one, so that all are tried in all kinds."""

REFUSALS = {304, 400, 404, 409, 412, 413, 415, 422}
PUT_RIGHT = {
    "email": "an address has one way to be written",
    "status": "it's asked for what has this status, and answered with a job, which has its own",
    "password": "never shown",
}
_turns, _headers = count(), count()


@dataclass
class House:
    api: Api
    people: People
    world: World | None = None

    async def ask(self, target: Target, spot: Spot, text: str) -> tuple[httpx.Response, list[Any]]:
        """The answer, and all in which what was kept can be read."""
        world = await self.current(target)
        answer = await self.api.http.request(**target.request(world, spot, text))
        if not answer.is_success or target.operation.method == "GET":
            return answer, []
        self.world = None
        shown = [answer.json()] if answer.content and "json" in answer.headers["content-type"] else []
        where = answer.headers.get("Location", answer.request.url.path)
        read = await self.api.http.get(where, headers=dict(world.headers))
        return answer, [*shown, *([read.json()] if read.status_code == 200 else [])]

    async def current(self, target: Target) -> World:
        if self.world is None:
            self.world = await self.people.world_for(target.operation, ADMINISTRATOR)
        return self.world


@dataclass
class Street:
    loop: asyncio.AbstractEventLoop
    houses: list[House]
    tried: Counter[str]

    def ask(self, target: Target, spot: Spot, text: str) -> list[tuple[httpx.Response, list[Any]]]:
        async def all_of_them() -> list[tuple[httpx.Response, list[Any]]]:
            return [await house.ask(target, spot, text) for house in self.houses]

        return self.loop.run_until_complete(all_of_them())

    def spots(self, target: Target) -> list[Spot]:
        """What is declared; and one of the headers that anything may come with."""

        async def found() -> list[Spot]:
            for house in self.houses:
                house.world = None
            undeclared = Spot("header", (HEADERS[next(_headers) % len(HEADERS)],))
            return [*target.spots(await self.houses[0].current(target)), undeclared]

        return self.loop.run_until_complete(found())


@pytest.fixture(scope="module")
def street(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Street]:
    loop = asyncio.new_event_loop()
    resources = AsyncExitStack()

    async def opened(store: str) -> House:
        folder = tmp_path_factory.mktemp(store)
        settings = Settings(bcrypt_cost=4, data_dir=folder, database_url=database_url(store, folder), **UNLIMITED)
        clock, mailer = OwnClock(), MemoryMailer()
        app = create_app(settings, in_memory=store == MEMORY, clock=clock, mailer=mailer, jobs=False)
        await resources.enter_async_context(LifespanManager(app))
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        client = await resources.enter_async_context(
            httpx.AsyncClient(transport=transport, base_url="http://testserver")
        )
        app.state.application.live.switchboard.close()  # streams tell what there is, and end
        people = People(app.state.application, clock)
        await people.settle()
        return House(Api(app, client, clock, mailer), people)

    try:
        street = Street(loop, [loop.run_until_complete(opened(store)) for store in STORES], Counter())
        yield street
        print(street.tried)
    finally:
        loop.run_until_complete(resources.aclose())
        loop.close()


def target_of(operation: Operation) -> Target:
    """On a thing that an administrator may do this to."""
    for whose in (Whose.NOBODYS, Whose.OTHERS, Whose.OWN):
        if whose in operation.targets:
            break
    described = DOCUMENT["paths"][operation.path][operation.method.lower()]
    return Target(operation, described, DOCUMENT, whose)


def chosen() -> Iterator[tuple[str, str]]:
    """As many as are tried in one place, from where the place before it left off."""
    names = list(STRINGS)
    for _ in range(min(EACH, len(names))):
        name = names[next(_turns) % len(names)]
        yield name, STRINGS[name]


def refusals(target: Target, spot: Spot) -> set[int]:
    """That somebody is not signed in is right alone where the text says who they are: else nothing would be tried."""
    says_who = target.operation.rule.anybody or spot.where == "header" or spot.path == ("ticket",)
    return REFUSALS | ({401} if says_who else set())


def test_there_are_places_of_every_kind(street: Street) -> None:
    kinds = Counter(spot.where for operation in operations(APP) for spot in street.spots(target_of(operation)))
    assert kinds.keys() == {"json", "form", "path", "query", "header"}
    assert min(kinds.values()) * EACH > len(STRINGS), "in every kind of place every string is tried"


@pytest.mark.parametrize("operation", operations(APP), ids=lambda operation: str(operation.name))
def test_hostile_text_is_kept_as_it_is_or_refused_and_alike_on_all_stores(street: Street, operation: Operation) -> None:
    target = target_of(operation)
    wrong = []
    for spot in street.spots(target):
        for name, text in chosen():
            if not spot.takes(text):
                continue
            answers = street.ask(target, spot, text)
            street.tried[spot.where] += 1
            street.tried["taken" if answers[0][0].is_success else "refused"] += 1
            statuses = [answer.status_code for answer, _ in answers]
            told = f"{operation.name}: {spot} = {name}: {statuses} {[answer.text[:200] for answer, _ in answers]}"
            if len({(answer.status_code, _code(answer)) for answer, _ in answers}) > 1:
                wrong.append(f"not alike: {told}")
            elif not answers[0][0].is_success and statuses[0] not in refusals(target, spot):
                wrong.append(f"neither taken nor refused: {told}")
            elif spot.where == "json" and spot.path[-1] not in PUT_RIGHT:
                verdicts = [[is_shown(shown, spot, text) for shown in seen] for _, seen in answers]
                street.tried["came back"] += all(True in each for each in verdicts)
                if any(False in each for each in verdicts):
                    wrong.append(f"changed on the way: {told}")
    assert not wrong, f"{len(wrong)}:\n" + "\n".join(wrong[:20])


def _code(answer: httpx.Response) -> str | None:
    """Of the problem."""
    if answer.is_success or "json" not in answer.headers.get("content-type", ""):
        return None
    found = answer.json()
    return str(found.get("code", found.get("error")))
