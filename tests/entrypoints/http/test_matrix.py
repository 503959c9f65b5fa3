"""The matrix: every route × every caller × whose thing it is, on every store (OWASP API Top 10 2023, API1 and API5)."""

import pytest

from application.audit.views import AuditFilters
from domain.access.policy import SIGNED_IN
from entrypoints.http.app import create_app
from entrypoints.settings import Settings
from tests.entrypoints.http.client import Api
from tests.entrypoints.http.matrix import REQUESTS, RULES_OF_ROUTES_WITHOUT_USE_CASE, cells, operations
from tests.entrypoints.http.people import People
from tests.stores import STORES

FEWEST_CELLS = 2_000
PARTS = 4
"""Into which the matrix is cut, so that several processes can work on it."""

APP = create_app(Settings(), in_memory=True)
CELLS = cells(APP)


def test_it_has_cells_enough() -> None:
    assert len(CELLS) * len(STORES) >= FEWEST_CELLS
    assert len({str(cell) for cell in CELLS}) == len(CELLS)


def test_every_route_is_listed() -> None:
    known = {operation.name for operation in operations(APP)}
    assert known == set(REQUESTS), "say in matrix.py how the operation is called"
    assert known >= set(RULES_OF_ROUTES_WITHOUT_USE_CASE)


def test_the_description_says_to_whom_each_route_is_open() -> None:
    """But for those of OAuth 2, which have a vocabulary of their own, and the one that has no use case. Where nobody
    who is signed in is refused, there is no 403."""
    described = {
        operation["operationId"]: operation["responses"].get("403", {}).get("description", "").partition(" `code`")[0]
        for item in APP.openapi()["paths"].values()
        for operation in item.values()
        if "security" in operation and "OAuth 2" not in operation["tags"]
    }
    rules = {operation.name: operation.rule for operation in operations(APP)}
    refusing = {name: told for name, told in described.items() if told}
    assert len(refusing) > len(described) / 2
    open_to_all = {name for name in described if rules[name].anybody or rules[name] == SIGNED_IN}
    assert described.keys() - refusing.keys() <= open_to_all | {"show_me"}
    closed = {name: told for name, told in refusing.items() if not rules[name].anybody}
    assert closed == {name: f"This is for {rules[name]}." for name in closed}


@pytest.mark.parametrize("part", range(PARTS))
async def test_every_cell_answers_as_its_rule_says(api: Api, part: int) -> None:
    """Who is refused changes nothing; who is allowed leaves one entry in the trail, if they changed anything."""
    people = People(api.application, api.clock)
    await people.settle()
    wrong = []
    for cell in CELLS[part::PARTS]:
        world = await people.world_for(cell.operation, cell.caller)
        request = REQUESTS[cell.operation.name]
        entries_before = await _entries(api)
        answer = await api.http.request(
            cell.operation.method,
            world.path(cell.operation.path, cell.whose),
            **request.body(world),
        )
        entries = await _entries(api) - entries_before
        expected = cell.expected(world, api.clock.now())
        as_expected = answer.is_success if expected is None else answer.status_code == expected
        if not as_expected or entries != (request.entries if expected is None else 0):
            wrong.append(f"{cell}: {answer.status_code}, not {expected or 'allowed'}; {entries} entries; {answer.text}")
    assert not wrong, f"{len(wrong)} cells:\n" + "\n".join(wrong[:20])


async def _entries(api: Api) -> int:
    return await api.application.audit.list_entries.queries.count_entries(AuditFilters())
