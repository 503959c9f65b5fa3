"""A page costs as many statements with a hundred rows as with one: no row is read on its own ("N+1").

Lists are found in the description of the API, so that a new one is held to this at once. The first request after the
list was filled counts: nothing about the new rows is in any cache.
"""

from collections.abc import AsyncIterator, Iterator, Sequence
from itertools import product
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from entrypoints.http.app import create_app
from entrypoints.settings import Settings
from tests.entrypoints.http.client import Api, Tokens
from tests.entrypoints.http.fillers import FILLERS, WITHOUT_ROWS, House
from tests.limits import UNLIMITED
from tests.statements import Statements, most_frequent, sent_to_postgresql, sent_to_sqlite
from tests.stores import POSTGRESQL, SQLITE, database_url

DESCRIPTION = create_app(Settings(), in_memory=True).openapi()
SIZES = (1, 2, 100)
WAYS = ("page=1", "cursor=")


def lists() -> Iterator[tuple[str, str]]:
    """The name and the path of every operation that answers with a page."""
    for path, item in DESCRIPTION["paths"].items():
        operation = item.get("get", {})
        answer = operation.get("responses", {}).get("200", {}).get("content", {}).get("application/json", {})
        if {"items", "next_cursor"} <= _properties(answer.get("schema", {})):
            yield operation["operationId"], path


def _properties(schema: dict[str, Any]) -> set[str]:
    if "$ref" in schema:
        return _properties(DESCRIPTION["components"]["schemas"][schema["$ref"].rpartition("/")[2]])
    return set(schema.get("properties", ()))


LISTS = dict(lists())


@pytest.fixture(params=[SQLITE, POSTGRESQL])
def store_name(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
async def watched(
    store_name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[tuple[str, Statements]]:
    """The URL of the database, and what reaches it."""
    url = database_url(store_name, tmp_path)
    assert url is not None
    if store_name == SQLITE:
        with sent_to_sqlite(monkeypatch) as statements:
            yield url, statements
    else:
        async with sent_to_postgresql(url) as (tapped, statements):
            yield tapped, statements


@pytest.fixture
def settings(watched: tuple[str, Statements], tmp_path: Path) -> Settings:
    return Settings(bcrypt_cost=4, data_dir=tmp_path, database_url=watched[0], **UNLIMITED)


def test_somebody_said_how_every_list_is_filled() -> None:
    unknown = LISTS.keys() - FILLERS.keys() - WITHOUT_ROWS.keys()
    assert not unknown, (
        f"How do rows come into {', '.join(sorted(unknown))}? Write a filler in tests/entrypoints/http/fillers.py, with"
        " different things behind each row (another author, another owner), or say in WITHOUT_ROWS why it has none."
    )
    assert not (FILLERS.keys() | WITHOUT_ROWS.keys()) - LISTS.keys()


async def test_every_statement_is_seen(api: Api, watched: tuple[str, Statements]) -> None:
    """Those of units of work, those of the fast lane, and those of searches."""
    _, root = await api.admin()
    await api.call("PATCH", "/users/me", as_=root, json={"first_name": "Ada"})
    watched[1].taken()
    await api.call("PATCH", "/users/me", as_=root, json={"first_name": "Grace"})
    verbs = [statement.split()[0] for statement in watched[1].taken()]
    assert {"BEGIN", "SELECT", "UPDATE", "INSERT"} <= set(verbs)
    assert verbs.count("SELECT") >= 3, "who is calling, in the fast lane; the account; its roles"


@pytest.mark.parametrize("name", sorted(LISTS.keys() & FILLERS.keys()))
async def test_a_page_of_a_hundred_costs_as_many_statements_as_a_page_of_one(
    api: Api, watched: tuple[str, Statements], name: str
) -> None:
    statements = watched[1]
    user, root = await api.admin()
    statements.taken()
    await api.me(root)
    who_is_calling = set(statements.taken())  # it is kept, and when that is told of changes is another matter
    assert who_is_calling
    house = House(api.application, api.clock, UUID(user["id"]))
    path = house.path(LISTS[name]).removeprefix("/api/v1")
    await FILLERS[name](house, 0)  # what its rows are of is there
    for way in WAYS:
        await shown(api, root, path, way, 0)  # connections are open, and both statements are known
    rows, sent = 0, {}
    for size, way in product(SIZES, WAYS):
        more = max(1, size - rows)
        await FILLERS[name](house, more)
        rows += more
        statements.taken()
        await shown(api, root, path, way, size)
        sent[size, way] = [statement for statement in statements.taken() if statement not in who_is_calling]
    for way in WAYS:
        counts = [len(sent[size, way]) for size in SIZES]
        assert len(set(counts)) == 1, (
            f"With {SIZES} rows, GET {path}?{way} takes {counts} statements. The most frequent: "
            f"{most_frequent(sent[SIZES[-1], way])}"
        )
        assert counts[0] > 0


async def shown(api: Api, reader: Tokens, path: str, way: str, least: int) -> None:
    """A page as long as can be, which has at least so many rows: else it was the filler that did nothing."""
    answer = await api.call("GET", f"{path}?page_size=100&{way}", as_=reader)
    assert answer.status_code == 200, answer.text
    items: Sequence[Any] = answer.json()["items"]
    assert len(items) >= least, f"{path} shows {len(items)} of {least} rows"
