"""What a password has to be like."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.identity.password_policy import PasswordPolicy, PasswordRules, refused

POLICY = PasswordPolicy()
ADA = ("ada.lovelace@example.com", "ada.lovelace", "countess", "Ada", "Lovelace")


@given(st.text(alphabet="abcdefghijklmnopqrstuvwxyz0123456789 ", min_size=12, max_size=256))
def test_length_alone_is_enough_for_the_policy(password: str) -> None:
    assert POLICY.refusals(password, ()) == []


@pytest.mark.parametrize(("length", "accepted"), [(0, False), (11, False), (12, True), (256, True), (257, False)])
def test_length_is_counted_in_code_points(length: int, accepted: bool) -> None:
    assert (POLICY.refusals("é" * length, ()) == []) is accepted
    assert (POLICY.refusals("e\u0301" * length, ()) == []) is accepted


@pytest.mark.parametrize(
    "password", ["ada.lovelace12", "LovelaceAda!!!", "Countess_2026", "ada@example.com", "ＬＯＶＥＬＡＣＥada1"]
)
def test_one_made_of_the_members_own_names_is_refused(password: str) -> None:
    [reason] = POLICY.refusals(password, ADA)
    assert "your own name" in reason


@pytest.mark.parametrize("password", ["ada likes steam engines", "lovelace-plus-wholly-other", "nothing of that kind"])
def test_one_that_merely_contains_a_name_is_taken(password: str) -> None:
    assert POLICY.refusals(password, ADA) == []


def test_rules_of_composition_are_there_for_those_who_have_to_have_them() -> None:
    policy = PasswordPolicy(rules=PasswordRules.LETTERS_AND_DIGITS)
    assert policy.refusals("only letters in here", ())
    assert policy.refusals("1234567890123456789", ())
    assert policy.refusals("letters and 1 digit", ()) == []


def test_every_reason_is_told_at_once() -> None:
    error = refused(PasswordPolicy(20).refusals("ada\0", ADA), "/password")
    assert error.code == "password-refused"
    assert len(error.problems) == 3
