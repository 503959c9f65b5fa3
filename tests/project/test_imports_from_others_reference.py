"""`docs/imports-from-others.md` names every column that becomes something, and every kind of hash with its bound."""

import re

import pytest

from adapters.security import foreign_hashes
from application.imports.columns import EMAIL, FIELDS, SUPERUSER
from domain.imports.members_import import Source
from tests.project.places import REPOSITORY, read
from tests.project.test_background_reference import names

REFERENCE = "docs/imports-from-others.md"
HEADINGS = {Source.FASTAPI_USERS: "fastapi-users", Source.DJANGO: "Django", Source.POCKETBASE: "PocketBase"}


def section(heading: str) -> str:
    return read(REFERENCE).split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]


def rows(text: str) -> list[list[str]]:
    """The cells of the first table, below its head."""
    table = text[text.index("\n|") + 1 :].split("\n\n", 1)[0]
    return [line.strip("| ").split(" | ") for line in table.splitlines()[2:]]


@pytest.mark.parametrize("source", HEADINGS)
def test_every_column_that_becomes_something_is_told(source: Source) -> None:
    told = {}
    for columns, becomes in rows(section(HEADINGS[source])):
        for column in names(columns):
            told[column] = names(becomes)[0] if names(becomes) else column
    expected = {column: "admin" if field == SUPERUSER else field for column, field in FIELDS[source].items()}
    assert told == expected
    assert EMAIL in told.values()


def test_every_kind_of_hash_is_told_with_its_bound() -> None:
    kinds = {beginning: bound for beginning, _, bound in rows(read(REFERENCE))}
    told = " ".join(kinds)
    for beginning in (each for kind in foreign_hashes._KINDS for each in kind.beginnings):
        assert f"`{beginning}" in told
    assert f"cost {foreign_hashes.HIGHEST_BCRYPT_COST}" in kinds.values()
    bounds = " ".join(kinds.values())
    assert f"{foreign_hashes.MOST_PBKDF2_ROUNDS // 1_000_000} million iterations" in bounds
    memory = foreign_hashes.MOST_ARGON2_MEMORY // 1024
    passes, lanes = foreign_hashes.MOST_ARGON2_PASSES, foreign_hashes.MOST_ARGON2_LANES
    assert f"{memory} MiB, {passes} passes, {lanes} lanes" in bounds


def test_its_links_lead_somewhere() -> None:
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", read(REFERENCE)) if "://" not in link]
    assert links
    assert [link for link in links if not ((REPOSITORY / REFERENCE).parent / link).exists()] == []
