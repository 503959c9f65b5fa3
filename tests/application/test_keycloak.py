"""A realm that Keycloak exported becomes rows of ours, with hashes in a form that is known."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from application.imports.columns import FIELDS
from application.imports.keycloak import NOT_READABLE, rows
from domain.errors import Invalid
from domain.imports.members_import import Source

REALM: dict[str, Any] = json.loads(
    (Path(__file__).parents[1] / "foreign" / "exports" / "keycloak-realm.json").read_text(encoding="utf-8")
)


def row(**user: Any) -> dict[str, str]:
    [found] = rows({"users": [user]})
    return found


def with_password(secret: Any, data: Any, **changes: Any) -> dict[str, str]:
    credential = {"type": "password", "secretData": json.dumps(secret), "credentialData": json.dumps(data)}
    return row(email="ada@example.com", credentials=[{**credential, **changes}])


def test_every_user_is_a_row_with_our_columns() -> None:
    found = list(rows(REALM))
    assert all(set(each) == set(FIELDS[Source.MOOTHALL]) for each in found)
    ada = found[0]
    assert ada.pop("password_hash").startswith("$pbkdf2-sha512$i=210000$")
    assert ada.pop("external_id") == REALM["users"][0]["id"]
    assert ada == {
        "email": "ada@example.com",
        "username": "ada",
        "first_name": "Ada",
        "last_name": "Lovelace",
        "is_active": "true",
        "is_verified": "true",
        "created_at": "2023-11-14T22:13:20.000Z",
        "roles": "",
    }


def test_a_disabled_one_an_unverified_one_and_one_without_a_password_are_told_as_such() -> None:
    found = {each["email"]: each for each in rows(REALM)}
    assert found["left@example.com"]["is_active"] == "false"
    assert found["o'brien@example.org"]["is_verified"] == "false"
    assert found["invited@example.com"]["password_hash"] == ""
    assert found["invited@example.com"]["is_active"] == "true"


def test_service_accounts_are_left_out_and_users_without_an_address_are_not() -> None:
    found = list(rows(REALM))
    assert len(found) == len(REALM["users"]) - 1
    assert [each["username"] for each in found if not each["email"]] == ["without-address"]
    assert list(rows({"users": [{"username": "service-account-x", "serviceAccountClientLink": "x"}]})) == []


def test_a_username_that_repeats_the_address_is_left_out() -> None:
    assert row(email="Ada@example.com", username="ada@example.com")["username"] == ""
    assert row(email="ada@example.com", username="ada@example.org")["username"] == "ada@example.org"


def test_a_file_of_users_alone_is_read_and_a_realm_without_them_refused() -> None:
    assert [each["email"] for each in rows({"realm": "club", "users": [{"email": "a@example.com"}]})] == [
        "a@example.com"
    ]
    for export in ({"realm": "club"}, {"users": {"email": "a@example.com"}}, {"users": ["a@example.com"]}):
        with pytest.raises(Invalid) as refused:
            list(rows(export))
        assert refused.value.code == "no-users"


def test_times_are_rfc_3339_in_utc() -> None:
    assert row(createdTimestamp=1_700_000_000_123)["created_at"] == "2023-11-14T22:13:20.123Z"
    assert row(createdTimestamp=-1)["created_at"] == "1969-12-31T23:59:59.999Z"
    for unusable in (None, "2023-11-14", 10**30, 10**17):
        assert row(createdTimestamp=unusable)["created_at"] == ""


SECRET = {"value": "AAAA+/8=", "salt": "c2FsdA==", "additionalParameters": {}}
ARGON2 = {"hashLength": ["32"], "memory": ["7168"], "type": ["id"], "version": ["1.3"], "parallelism": ["1"]}


@pytest.mark.parametrize(
    ("data", "phc_string"),
    [
        ({"hashIterations": 20_000, "algorithm": "pbkdf2"}, "$pbkdf2-sha1$i=20000$c2FsdA$AAAA+/8"),
        ({"hashIterations": 27_500, "algorithm": "pbkdf2-sha256"}, "$pbkdf2-sha256$i=27500$c2FsdA$AAAA+/8"),
        ({"hashIterations": 210_000, "algorithm": "pbkdf2-sha512"}, "$pbkdf2-sha512$i=210000$c2FsdA$AAAA+/8"),
        (
            {"hashIterations": 5, "algorithm": "argon2", "additionalParameters": ARGON2},
            "$argon2id$v=19$m=7168,t=5,p=1$c2FsdA$AAAA+/8",
        ),
        (
            {"hashIterations": 3, "algorithm": "argon2", "additionalParameters": {**ARGON2, "type": ["i"]}},
            "$argon2i$v=19$m=7168,t=3,p=1$c2FsdA$AAAA+/8",
        ),
    ],
)
def test_a_password_becomes_a_phc_string(data: dict[str, Any], phc_string: str) -> None:
    assert with_password(SECRET, data)["password_hash"] == phc_string


@pytest.mark.parametrize(
    "found",
    [
        with_password(SECRET, {"hashIterations": 10, "algorithm": "bcrypt"}),
        with_password(SECRET, {"algorithm": "pbkdf2-sha256"}),
        with_password(SECRET, {"hashIterations": 5, "algorithm": "argon2", "additionalParameters": {}}),
        with_password(SECRET, {"hashIterations": float("inf"), "algorithm": "pbkdf2"}),
        with_password({}, {"hashIterations": 1, "algorithm": "pbkdf2"}),
        with_password([], []),
        with_password(SECRET, {}, credentialData=None),
        with_password(SECRET, {}, secretData="[" * 100_000),
        row(credentials=[{"type": "password", "value": "a password as it is typed"}]),
    ],
)
def test_a_password_that_is_kept_in_another_way_is_told_and_not_shown(found: dict[str, str]) -> None:
    assert found["password_hash"] == NOT_READABLE


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=5,
)
NAMES = st.sampled_from(["id", "email", "username", "enabled", "credentials", "createdTimestamp", "firstName"])


@given(st.dictionaries(NAMES, JSON, max_size=7))
def test_whatever_a_user_holds_it_is_a_row(user: dict[str, Any]) -> None:
    assert all(isinstance(cell, str) for cell in row(**user).values())


@given(JSON, JSON)
def test_whatever_a_password_holds_it_is_a_row(secret: Any, data: Any) -> None:
    assert isinstance(with_password(secret, data)["password_hash"], str)
