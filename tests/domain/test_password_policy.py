"""What a password has to be like."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import FieldProblem
from domain.identity.password_policy import PasswordPolicy, PasswordRules, normalised, refused

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


def test_the_reasons_are_told_one_by_one_and_all_together() -> None:
    error = refused(["Too short.", "Your own name."], "/password")
    assert (error.code, error.detail) == ("password-refused", "Too short. Your own name.")
    assert error.problems == (FieldProblem("/password", "Too short."), FieldProblem("/password", "Your own name."))


@pytest.mark.parametrize(
    ("password", "reason"),
    [
        ("x" * 11, "The password has 11 characters; it needs 12 at least."),
        ("x" * 257, "The password may have 256 characters at most."),
        ("x" * 11 + "\n", "The password may not hold control characters."),
        ("x" * 11 + "\ud800", "The password may not hold control characters."),
        ("lovelace12345", "The password is made of your own name, username or e-mail address."),
    ],
)
def test_each_reason_is_told_in_its_own_sentence(password: str, reason: str) -> None:
    assert POLICY.refusals(password, ADA) == [reason]


@pytest.mark.parametrize("password", ["letters without any", "1234567890123456789", "!!!!!!!!!!!!"])
def test_who_has_to_asks_for_a_letter_and_a_digit(password: str) -> None:
    policy = PasswordPolicy(rules=PasswordRules.LETTERS_AND_DIGITS)
    assert policy.refusals(password, ()) == ["The password needs a letter and a digit at least."]
    assert POLICY.refusals(password, ()) == []


def test_what_is_measured_is_the_form_that_every_keyboard_types() -> None:
    assert normalised("\uff21\u0301e\u0301") == "\u00c1\u00e9"


def test_what_is_far_too_long_is_not_even_looked_at() -> None:
    four_in_one = "\u03b1\u0313\u0300\u0345"
    assert POLICY.refusals(four_in_one * 256, ()) == []
    assert POLICY.refusals("\0" * 1024, ()) == [
        "The password may have 256 characters at most.",
        "The password may not hold control characters.",
    ]
    assert POLICY.refusals("\0" * 1025, ()) == ["The password may have 256 characters at most."]


@pytest.mark.parametrize(
    ("password", "personal", "made_of_it"),
    [
        ("lovelace12345", ("Lovelace",), True),
        ("lovelace123456", ("Lovelace",), False),
        ("adaadaadaada", ("Ada",), True),
        ("lilililililili", ("Li",), False),
        ("annalovelace1", ("lov", "annalovelace"), True),
        ("12345annalovelace", ("Anna Lovelace",), True),
        ("!!!!!!!!!!!!", ("Ada",), False),
        ("!!!!!!!!!!!!", (), False),
    ],
)
def test_little_may_be_left_of_it_without_the_members_names(
    password: str, personal: tuple[str, ...], made_of_it: bool
) -> None:
    assert bool(POLICY.refusals(password, personal)) is made_of_it
