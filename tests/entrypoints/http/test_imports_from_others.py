"""Members of other systems come in from what these really export, and sign in with the passwords they had."""

import csv
import io
import json
from typing import Any

import pytest

from application.imports.columns import OURS
from application.imports.keycloak import rows
from domain.spreadsheets import neutralised
from tests.entrypoints.http.client import Api
from tests.entrypoints.http.importing import counts, imported, rejects, users
from tests.foreign.people import PEOPLE
from tests.project.places import REPOSITORY

EXPORTS = REPOSITORY / "tests" / "foreign" / "exports"
REFUSED_NAMES = {"juergen.muessig@example.com", "o'brien@example.org"}
"""Whose usernames elsewhere are none here."""


def a_file(system: str) -> bytes:
    if system != "keycloak":
        return (EXPORTS / f"{system}.csv").read_bytes()
    table = io.StringIO()
    writer = csv.DictWriter(table, OURS)
    writer.writeheader()
    for row in rows(json.loads((EXPORTS / "keycloak-realm.json").read_bytes())):
        writer.writerow({name: neutralised(cell) for name, cell in row.items()})
    return table.getvalue().encode()


@pytest.mark.parametrize(
    ("system", "became"),
    [
        ("fastapi-users", {"created": 7}),
        ("django", {"created": 6, "rejected": 2}),
        ("pocketbase", {"created": 7}),
        ("keycloak", {"created": 6, "rejected": 3}),
    ],
)
async def test_members_of_others_come_in(api: Api, store_name: str, system: str, became: dict[str, int]) -> None:
    _, root = await api.admin()
    source = "moothall" if system == "keycloak" else system
    found = await imported(api, root, a_file(system), source=source)
    assert counts(found) == became, await rejects(api, root, found)
    assert {row["column"] for row in await rejects(api, root, found)} <= {"username", "email"}
    there = {email.lower(): user for email, user in (await users(api, root)).items()}
    for person in PEOPLE:
        user: Any = there.get(person.email.lower())
        if user is None:
            assert person.password is None or person.email in REFUSED_NAMES
            continue
        assert user["is_active"] is person.is_active or system == "pocketbase"
        assert ("admin" in user["roles"]) is (person.is_superuser and system in ("fastapi-users", "django"))
        if system != "fastapi-users":
            assert user["full_name"] == (f"{person.first_name} {person.last_name}".strip() or user["username"])
        if store_name == "memory" and person.password is not None and user["is_active"]:
            await api.log_in(person.email, person.password)
