"""The hashes in files that other systems exported: each is right for its member's password, and for no other."""

import csv
import json
from pathlib import Path

import pytest

from adapters.security.bcrypt_hasher import BcryptHasher
from adapters.security.secrets import PASSWORD_PEPPER, Keychain
from application.identity.ports import Verdict
from application.imports import keycloak
from domain.errors import Invalid
from tests.foreign.people import PEOPLE

EXPORTS = Path(__file__).parents[1] / "foreign" / "exports"
COLUMNS = {
    "fastapi-users": "id,email,hashed_password,is_active,is_superuser,is_verified",
    "django": "id,password,last_login,is_superuser,username,last_name,email,is_staff,is_active,date_joined,first_name",
    "pocketbase": "avatar,created,email,emailVisibility,id,name,password,tokenKey,updated,verified",
}
HASHES = {"fastapi-users": "hashed_password", "django": "password", "pocketbase": "password"}
PASSWORDS = {person.email.lower(): person.password for person in PEOPLE}


def exported(system: str) -> list[dict[str, str]]:
    with (EXPORTS / f"{system}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def hasher() -> BcryptHasher:
    return BcryptHasher(Keychain.of(["a secret of this installation, 1234"], PASSWORD_PEPPER), cost=4, threads=1)


@pytest.mark.parametrize("system", COLUMNS)
def test_the_export_has_the_columns_that_the_table_has(system: str) -> None:
    assert ",".join(exported(system)[0]) == COLUMNS[system]


@pytest.mark.parametrize("system", COLUMNS)
async def test_every_exported_hash_is_right_for_its_password_alone(system: str, hasher: BcryptHasher) -> None:
    with_password = 0
    for row in exported(system):
        password, text = PASSWORDS[row["email"].lower()], row[HASHES[system]]
        if password is None:
            assert text.startswith("!")  # Django's unusable password
            with pytest.raises(Invalid, match="known kind"):
                hasher.imported(text)
            continue
        stored = hasher.imported(text)
        assert await hasher.verify(password, stored) == Verdict(True, outdated=True), row["email"]
        assert not (await hasher.verify(f"{password}!", stored)).right
        with_password += 1
    assert with_password == len(PEOPLE) - 1


async def test_every_password_of_a_keycloak_realm_is_right_once_converted(hasher: BcryptHasher) -> None:
    realm = json.loads((EXPORTS / "keycloak-realm.json").read_text(encoding="utf-8"))
    kinds = set()
    for row in keycloak.rows(realm):
        password = PASSWORDS.get(row["email"])
        if password is None:
            assert row["password_hash"] == ""
            continue
        stored = hasher.imported(row["password_hash"])
        kinds.add(stored.split("$")[1])
        assert await hasher.verify(password, stored) == Verdict(True, outdated=True), row["email"]
        assert not (await hasher.verify(password[:-1], stored)).right
    assert kinds == {"pbkdf2-sha256", "pbkdf2-sha512", "argon2id"}


def test_there_are_the_kinds_that_each_system_makes() -> None:
    kinds = {
        system: {row[HASHES[system]].lstrip("$").partition("$")[0] for row in exported(system)} for system in COLUMNS
    }
    kinds["django"] = {kind for kind in kinds["django"] if not kind.startswith("!")}
    assert kinds == {
        "fastapi-users": {"argon2id", "2b"},
        "django": {"pbkdf2_sha256", "bcrypt", "bcrypt_sha256", "argon2"},
        "pocketbase": {"2a"},
    }
