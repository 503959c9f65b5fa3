"""Accounts: names, changes, what an account is called."""

from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import Invalid
from domain.identity.email import EmailAddress
from domain.identity.user import User

NOW = datetime(2026, 1, 1, tzinfo=UTC)
LATER = datetime(2026, 1, 2, tzinfo=UTC)


def user(**fields: object) -> User:
    everything: dict[str, object] = {
        "id": UUID(int=1),
        "email": EmailAddress.of("Ada@Example.com", local="Ada", ascii_domain="example.com"),
        "username": None,
        "first_name": None,
        "last_name": None,
        "password_hash": None,
        "is_active": True,
        "is_verified": False,
        "roles": frozenset({"member"}),
        "created_at": NOW,
        "updated_at": NOW,
    }
    return User(**{**everything, **fields})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("fields", "full_name"),
    [
        ({"first_name": "Ada", "last_name": "King", "username": "ada"}, "Ada King"),
        ({"first_name": "Ada", "username": "ada"}, "Ada"),
        ({"last_name": "King"}, "King"),
        ({"username": "ada"}, "ada"),
        ({}, None),
    ],
)
def test_the_full_name_is_never_the_address(fields: dict[str, object], full_name: str | None) -> None:
    assert user(**fields).full_name == full_name


def test_a_change_is_dated_and_no_change_is_none() -> None:
    ada = user()
    assert ada.changed(LATER, first_name=None) is ada
    changed = ada.changed(LATER, first_name="Ada")
    assert (changed.first_name, changed.updated_at, changed.created_at, changed.version) == ("Ada", LATER, NOW, 1)


@given(st.from_regex(r"[A-Za-z0-9_]{3,50}", fullmatch=True))
def test_a_username_is_kept_as_typed_and_compared_without_case(name: str) -> None:
    assert user(username=name).username == name
    assert user(username=name).username_key == user(username=name.swapcase()).username_key


@given(st.text(max_size=60))
def test_no_other_username_is_taken(name: str) -> None:
    well_formed = 3 <= len(name) <= 50 and all(c.isascii() and (c.isalnum() or c == "_") for c in name)
    if not well_formed:
        with pytest.raises(Invalid):
            user(username=name)


@pytest.mark.parametrize("name", ["ab", "a" * 51, "ada king", "ada\n"])
def test_a_bad_username_is_told_as_such(name: str) -> None:
    with pytest.raises(Invalid) as refused:
        user(username=name)
    [problem] = refused.value.problems
    assert (refused.value.code, problem.pointer) == ("bad-username", "/username")
    assert refused.value.detail == problem.detail
    assert problem.detail == "A username has 3 to 50 letters (a to z), digits or _."


@pytest.mark.parametrize("field", ["first_name", "last_name"])
def test_a_name_is_a_line_of_a_hundred_characters_at_most(field: str) -> None:
    assert getattr(user(**{field: "é" * 100}), field) == "é" * 100
    with pytest.raises(Invalid) as refused:
        user(**{field: "é" * 101})
    assert (refused.value.code, refused.value.problems[0].pointer) == ("text-too-long", f"/{field}")


def test_an_account_is_found_by_what_it_is_called_and_no_good_password_is_made_of_it() -> None:
    ada = user(username="countess", first_name="Ada", last_name="King")
    assert ada.search_text == " ada example com countess king"
    assert ada.personal_words == ("Ada@Example.com", "Ada", "countess", "Ada", "King")
    assert user().personal_words == ("Ada@Example.com", "Ada")


def test_an_administrator_is_who_has_that_role() -> None:
    assert user(roles=frozenset({"member", "admin"})).is_admin
    assert not user().is_admin


def test_a_change_of_one_field_among_several_is_a_change() -> None:
    changed = user().changed(LATER, first_name=None, is_verified=True)
    assert (changed.is_verified, changed.updated_at) == (True, LATER)


def test_no_account_can_be_changed_into_a_bad_one() -> None:
    with pytest.raises(Invalid):
        user().changed(LATER, first_name="a\nb")


@pytest.mark.parametrize(
    ("local", "domain", "key"),
    [("ADA", "Example.COM", "ada@example.com"), ("ｋ", "x.com", "k@x.com"), ("ß", "x.com", "ss@x.com")],
)
def test_an_address_is_compared_folded(local: str, domain: str, key: str) -> None:
    address = EmailAddress.of("as typed", local=local, ascii_domain=domain)
    assert (address.typed, address.key) == ("as typed", key)
