"""Roles: what they may be called, and what of the built-in ones cannot be changed."""

from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

import pytest

from domain.access.roles import BUILT_IN_ROLES, Role, permissions_of, unknown_role
from domain.errors import Conflict, Invalid

NOW = datetime(2026, 1, 1, tzinfo=UTC)
LATER = datetime(2026, 1, 2, tzinfo=UTC)
ADMIN, MEMBER = BUILT_IN_ROLES


def role(name: str = "editors", description: str | None = "Who edit.", *permissions: str) -> Role:
    return Role(
        id=UUID(int=7),
        name=name,
        description=description,
        permissions=frozenset(permissions),
        created_at=NOW,
        updated_at=NOW,
    )


@pytest.mark.parametrize("name", ["a", "9", "Editors", "chief_editors-2", "a" * 50])
def test_a_role_is_called_by_letters_digits_and_what_joins_them(name: str) -> None:
    assert role(name).name == name


@pytest.mark.parametrize("name", ["", "a" * 51, "_a", "-a", "a b", "é", "a\n", "a:b"])
def test_no_other_name_is_taken(name: str) -> None:
    with pytest.raises(Invalid) as refused:
        role(name)
    [problem] = refused.value.problems
    assert (refused.value.code, problem.pointer) == ("bad-role-name", "/name")
    assert refused.value.detail == problem.detail
    assert problem.detail == "A role's name has 1 to 50 letters (a to z), digits, _ or -, no _ or - first."


@pytest.mark.parametrize("description", [None, "x", "x" * 200])
def test_a_role_may_be_described_in_a_line(description: str | None) -> None:
    assert role("editors", description).description == description


@pytest.mark.parametrize(
    ("description", "code"), [("", "empty-text"), ("x" * 201, "text-too-long"), ("a\nb", "control-characters")]
)
def test_a_description_that_is_no_line_is_refused(description: str, code: str) -> None:
    with pytest.raises(Invalid) as refused:
        role("editors", description)
    assert (refused.value.code, refused.value.problems[0].pointer) == (code, "/description")


def test_two_roles_are_there_from_the_beginning() -> None:
    assert [(built_in.name, built_in.permissions) for built_in in BUILT_IN_ROLES] == [
        ("admin", frozenset({"*"})),
        ("member", frozenset()),
    ]
    assert ADMIN.is_built_in
    assert MEMBER.is_built_in
    assert not role().is_built_in


def test_a_change_is_dated_and_no_change_is_none() -> None:
    editors = role()
    assert editors.changed(LATER, description="Who edit.", permissions=frozenset()) is editors
    changed = editors.changed(LATER, description="Who edit.", permissions=frozenset({"posts:*"}))
    assert changed == replace(editors, permissions=frozenset({"posts:*"}), updated_at=LATER)
    assert changed.version == 1


def test_what_administrators_may_do_cannot_be_changed() -> None:
    with pytest.raises(Conflict, match=r"^The role admin allows everything; that cannot be changed\.$") as refused:
        ADMIN.changed(LATER, permissions=frozenset({"posts:read"}))
    assert refused.value.code == "built-in-role"


def test_the_rest_of_the_built_in_roles_can_be_changed() -> None:
    described = ADMIN.changed(LATER, description="All of it.")
    assert (described.description, described.permissions, described.updated_at) == (
        "All of it.",
        frozenset({"*"}),
        LATER,
    )
    assert ADMIN.changed(LATER, description="All of it.", permissions=frozenset({"*"})) == described
    assert MEMBER.changed(LATER, permissions=frozenset({"posts:read"})).permissions == frozenset({"posts:read"})


def test_no_role_can_be_changed_into_a_bad_one() -> None:
    with pytest.raises(Invalid):
        role().changed(LATER, description="a\nb")


def test_several_roles_allow_together_what_each_allows() -> None:
    both = permissions_of([role("a", None, "posts:read", "users:read"), role("b", None, "posts:read", "jobs:*")])
    assert both == frozenset({"posts:read", "users:read", "jobs:*"})
    assert permissions_of([]) == frozenset()


def test_unknown_roles_are_named_in_order() -> None:
    error = unknown_role({"zoo", "editors"})
    [problem] = error.problems
    assert (error.code, problem.pointer) == ("unknown-role", "/roles")
    assert error.detail == problem.detail == "There is no role called editors, zoo."
