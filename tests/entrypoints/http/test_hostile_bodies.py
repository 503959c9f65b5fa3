"""Every write with a body, on every store: nothing goes in that is not declared (S18), and whatever is sent in place of
whatever is declared is kept as it is or refused, never a 5xx (S22).

Operations come from the description of the API, and how each is called well from the matrix.
"""

import json
from collections.abc import AsyncIterator, Iterator
from typing import Any, NamedTuple

import httpx
import pytest

from application.audit.views import AuditFilters
from entrypoints.http.app import create_app
from entrypoints.settings import Settings
from tests.entrypoints.http.bodies import Place, found, places, planted
from tests.entrypoints.http.client import Api
from tests.entrypoints.http.matrix import REQUESTS, Caller, Cell, Operation, World, operations
from tests.entrypoints.http.people import People

APP = create_app(Settings(), in_memory=True)
DESCRIPTION = APP.openapi()
ADMINISTRATOR = Caller("admin", frozenset({"*"}))
JSON = {"Content-Type": "application/json"}
PARTS = 3
"""Into which the operations are cut, so that several processes can work on them."""

NOT_THEIRS_TO_SAY = {
    "id": "018fe000-0000-7000-8000-000000000009",
    "user_id": "018fe000-0000-7000-8000-000000000009",
    "owner_id": "018fe000-0000-7000-8000-000000000009",
    "roles": ["admin"],
    "permissions": ["*"],
    "is_superuser": True,
    "is_verified": True,
    "is_active": True,
    "password_hash": "$2b$04$",
    "price": "0.01",
    "unit_price": "0.01",
    "total": "0.01",
    "status": "paid",
    "stock": 1_000_000,
    "author": {"id": "018fe000-0000-7000-8000-000000000009"},
    "author_id": "018fe000-0000-7000-8000-000000000009",
    "created_at": "2020-01-01T00:00:00Z",
    "version": 99,
}

TEXTS = (
    "",
    " ",
    "a\0b",
    "\ud800",
    "a\udfffb",
    "a\x1b[31mb\x7f\x85",
    "a\r\nBcc: everybody@example.com",
    "\u202egnirts desrever\u2066",
    "x" * 100_000,
    "🦊" * 60,
    "Robert'); DROP TABLE users;--",
    "' OR '1'='1",
    "<script>alert(1)</script>",
    "{{7*7}}${7*7}<%= 7*7 %>",
    "../../etc/passwd",
    "..\\..\\boot.ini",
    "%00%0a%2e%2e",
    "=cmd|' /C calc'!A0",
    "e\u0301" * 20,
    "Z\u0351\u036b\u0343a\u0315\u0358l\u0352g\u0350o",
    "аdmin",  # the first letter is Cyrillic
    "ＮＵＬＬ",
    "\ufeffbom\u200b\u200d",
    "\uffff\U0010ffff",
    " leading and trailing ",
    "NaN",
    "-1e400",
    "9" * 40,
)
NUMBERS = ("2147483648", "9223372036854775808", "18446744073709551616", "-1", "0", "1e400", "NaN", "-Infinity", "1.5")
NUMBERS += ("1e3", "9" * 5000)
OTHER_TYPES = ("null", "true", '"1"', "[]", "{}", "[[[[[]]]]]", '{"$ne": null}')

PUT_RIGHT = {"email", "status"}
"""Fields in which something else may be kept than was sent: an address has one way to be written; and whoever asks for
what has a status gets a job, which has one of its own."""


def writes() -> Iterator[tuple[Operation, dict[str, Any]]]:
    """Each operation that takes JSON, with the schema of its body."""
    described = {of["operationId"]: of for item in DESCRIPTION["paths"].values() for of in item.values()}
    for operation in operations(APP):
        content = described[operation.name].get("requestBody", {}).get("content", {})
        if REQUESTS[operation.name].json is not None and "application/json" in content:
            yield operation, content["application/json"]["schema"]


WRITES = list(writes())


class Asked(NamedTuple):
    answer: httpx.Response
    entries: int


class Writer:
    """Calls one operation as somebody who may, in a world that is new whenever the last call changed it."""

    def __init__(self, api: Api, people: People, operation: Operation) -> None:
        self._api = api
        self._people = people
        self._operation = operation
        self._world: World | None = None

    async def sample(self) -> Any:
        """A good body, in the world as it is."""
        make = REQUESTS[self._operation.name].json
        assert make is not None
        return make(await self._current())

    async def send(self, text: str) -> Asked:
        world = await self._current()
        before = await self._entries()
        answer = await self._api.http.request(
            self._operation.method, self._path(world), headers={**world.headers, **JSON}, content=text
        )
        if answer.is_success:
            self._world = None
        return Asked(answer, await self._entries() - before)

    async def shown_afterwards(self, asked: httpx.Response) -> AsyncIterator[Any]:
        """The answer, and what reading the thing shows; by somebody who may read everything."""
        if asked.content:
            yield asked.json()
        where = asked.headers.get("Location", asked.request.url.path)
        read = await self._api.http.get(where, headers={"Authorization": asked.request.headers["Authorization"]})
        if read.status_code == 200:
            yield read.json()

    def _path(self, world: World) -> str:
        now = self._api.clock.now()
        for whose in reversed(
            self._operation.targets
        ):  # another's things first: some of one's own have a way of theirs
            if Cell(self._operation, ADMINISTRATOR, whose).expected(world, now) is None:
                return world.path(self._operation.path, whose)
        raise LookupError(f"An administrator may call {self._operation.name} on nothing.")

    async def _current(self) -> World:
        if self._world is None:
            self._world = await self._people.world_for(self._operation, ADMINISTRATOR)
        return self._world

    async def _entries(self) -> int:
        return await self._api.application.audit.list_entries.queries.count_entries(AuditFilters())


def test_there_are_writes_of_every_kind() -> None:
    kinds = {place.kind for operation, schema in WRITES for place in places(DESCRIPTION, schema, None)}
    assert kinds >= {"string", "boolean", "object"}
    assert {operation.method for operation, _ in WRITES} == {"POST", "PUT", "PATCH"}


@pytest.mark.parametrize("part", range(PARTS))
async def test_a_field_that_is_not_declared_is_refused_by_name_and_changes_nothing(api: Api, part: int) -> None:
    people = People(api.application, api.clock)
    await people.settle()
    wrong = []
    for operation, schema in WRITES[part::PARTS]:
        writer = Writer(api, people, operation)
        good = await writer.send(json.dumps(await writer.sample()))
        assert good.answer.is_success, f"{operation.name}: {good.answer.text}"
        body = await writer.sample()
        for place in places(DESCRIPTION, schema, body):
            if place.kind != "object" or place.names is None or not found(body, place.path):
                continue
            for name, value in NOT_THEIRS_TO_SAY.items():
                if name in place.names:
                    continue
                answer, entries = await writer.send(json.dumps(planted(body, (*place.path, name), value)))
                pointers = [] if answer.is_success else [each["pointer"] for each in answer.json().get("errors", ())]
                if (answer.status_code, pointers, entries) != (422, [f"{place.pointer}/{name}"], 0):
                    wrong.append(f"{operation.name} {place.pointer}/{name}: {answer.status_code} {answer.text}")
    assert not wrong, f"{len(wrong)}:\n" + "\n".join(wrong[:20])


@pytest.mark.parametrize("part", range(PARTS))
async def test_whatever_is_sent_is_kept_as_it_is_or_refused(api: Api, part: int) -> None:
    """A refusal changes nothing, and is not about who is calling: else nothing would have been tried."""
    people = People(api.application, api.clock)
    await people.settle()
    wrong = []
    for operation, schema in WRITES[part::PARTS]:
        writer = Writer(api, people, operation)
        body = await writer.sample()
        for place in dict.fromkeys(places(DESCRIPTION, schema, body)):
            for value in hostile(place):
                text = json.dumps(planted(await writer.sample(), place.path, "@@")).replace('"@@"', value)
                answer, entries = await writer.send(text)
                told = f"{operation.name} {place.pointer} = {value[:60]}: {answer.status_code} {answer.text[:300]}"
                if answer.is_success:
                    shown = [seen async for seen in writer.shown_afterwards(answer)]
                    kept = [seen for seen in shown if found(seen, place.path)]
                    if place.kind != "object" and place.path and place.path[-1] not in PUT_RIGHT:
                        wrong += [told for seen in kept if json.loads(value) not in found(seen, place.path)]
                elif answer.status_code not in refusals(operation) or entries:
                    wrong.append(told)
    assert not wrong, f"{len(wrong)}:\n" + "\n".join(wrong[:20])


def refusals(operation: Operation) -> set[int]:
    """Where strangers may come, what they bring is in the body, and may be bad."""
    return {404, 409, 413, 422} | ({401} if operation.rule.anybody else set())


def hostile(place: Place) -> Iterator[str]:
    """As it stands in the body, for not all of it is JSON."""
    yield from OTHER_TYPES
    if place.kind in ("integer", "number"):
        yield from NUMBERS
    if place.kind == "string":
        yield from map(json.dumps, TEXTS)
        yield "1"
    if place.kind == "object" and place.names is None:
        yield from (json.dumps({text: {}}) for text in TEXTS)
