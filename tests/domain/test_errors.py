"""Errors: what they carry for programs and for people."""

import pytest

from domain.errors import (
    CATEGORIES,
    FieldProblem,
    Invalid,
    MoothallError,
    Throttled,
    Unauthenticated,
    Unavailable,
)


@pytest.mark.parametrize("category", CATEGORIES)
def test_an_error_has_a_code_for_programs_and_a_sentence_for_people(category: type[MoothallError]) -> None:
    error = (
        Throttled("a-code", "A sentence.", retry_after=1)
        if category is Throttled
        else category("a-code", "A sentence.")
    )
    assert (error.code, error.detail, str(error)) == ("a-code", "A sentence.", "A sentence.")
    assert error.args == ("a-code", "A sentence.")


def test_there_is_a_category_for_each_way_to_fail() -> None:
    assert set(CATEGORIES) == set(MoothallError.__subclasses__())


def test_one_wrong_field_is_told_by_the_same_sentence_as_the_whole() -> None:
    error = Invalid.field("bad-name", "/name", "This is no name.")
    assert (error.code, error.detail) == ("bad-name", "This is no name.")
    assert error.problems == (FieldProblem("/name", "This is no name."),)


def test_every_problem_is_kept_in_order() -> None:
    problems = [FieldProblem("/b", "One."), FieldProblem("/a", "Two.")]
    assert Invalid("bad-input", "One. Two.", problems).problems == tuple(problems)
    assert Invalid("bad-input", "Something.").problems == ()


def test_whether_a_credential_came_is_told() -> None:
    assert Unauthenticated("not-signed-in", "Sign in first.").presented is False
    assert Unauthenticated("session-over", "Sign in again.", presented=True).presented is True


def test_when_to_come_again_is_told_in_seconds() -> None:
    assert Throttled("too-many", "Wait.", retry_after=2.5).retry_after == 2.5
    assert Unavailable("away", "Wait.", retry_after=7).retry_after == 7
    assert Unavailable("away", "Wait.").retry_after == 1.0
