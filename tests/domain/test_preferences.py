"""What members want to be told: the defaults, what they may change, and what stays on."""

from collections.abc import Mapping
from uuid import UUID

import pytest

from domain.errors import Invalid
from domain.notifications.notification import Kind
from domain.notifications.preferences import Choice, Preferences

ADA = UUID(int=1)
EVERYWHERE, HERE, BY_MAIL, NOWHERE = (
    Choice(in_app=True, mail=True),
    Choice(in_app=True, mail=False),
    Choice(in_app=False, mail=True),
    Choice(in_app=False, mail=False),
)


@pytest.mark.parametrize(
    ("kind", "default"),
    [
        (Kind.WELCOME, EVERYWHERE),
        (Kind.SIGN_IN, EVERYWHERE),
        (Kind.ORDER, EVERYWHERE),
        (Kind.JOB, HERE),
        (Kind.MESSAGE, HERE),
        (Kind.BROADCAST, HERE),
    ],
)
def test_who_chose_nothing_has_the_default(kind: Kind, default: Choice) -> None:
    assert Preferences(ADA).of(kind) == default
    assert Preferences(ADA, {other: NOWHERE for other in Kind if other is not kind}).of(kind) == default


def test_what_was_chosen_goes_before_the_default() -> None:
    assert Preferences(ADA, {Kind.ORDER: NOWHERE}).of(Kind.ORDER) == NOWHERE


@pytest.mark.parametrize(
    ("channels", "choice"),
    [
        ({"in_app": False, "mail": False}, NOWHERE),
        ({"in_app": False}, BY_MAIL),
        ({"mail": False}, HERE),
    ],
)
def test_one_channel_is_changed_without_the_other(channels: Mapping[str, bool], choice: Choice) -> None:
    changed = Preferences(ADA).changed({"order": channels})
    assert changed == Preferences(ADA, {Kind.ORDER: choice}, version=2)


def test_a_channel_left_out_stays_as_it_was_chosen_before() -> None:
    before = Preferences(ADA, {Kind.ORDER: NOWHERE}, version=2)
    assert before.changed({"order": {"mail": True}}).of(Kind.ORDER) == BY_MAIL
    assert before.changed({"order": {"in_app": True}}).of(Kind.ORDER) == HERE


def test_every_kind_that_differs_counts_as_one_change() -> None:
    before = Preferences(ADA, {Kind.ORDER: NOWHERE}, version=7)
    after = before.changed(
        {"job": {"in_app": False, "mail": True}, "broadcast": {"mail": True}, "welcome": {"mail": True}}
    )
    assert after.chosen == {Kind.ORDER: NOWHERE, Kind.JOB: BY_MAIL, Kind.BROADCAST: EVERYWHERE}
    assert after.version == 9


def test_what_is_as_it_was_is_no_change() -> None:
    before = Preferences(ADA, {Kind.ORDER: NOWHERE}, version=3)
    assert before.changed({"order": {"mail": False}, "job": {"in_app": True}, "welcome": {}}) == before
    assert before.changed({}) == before


def test_a_change_leaves_the_preferences_before_it_alone() -> None:
    before = Preferences(ADA, {Kind.ORDER: NOWHERE})
    before.changed({"order": {"mail": True}})
    assert before.chosen == {Kind.ORDER: NOWHERE}


@pytest.mark.parametrize(
    ("changes", "code", "pointer", "told"),
    [
        ({"sign-in": {"mail": False}}, "always-on", "/sign-in/mail", "This cannot be switched off."),
        ({"message": {"in_app": False}}, "always-on", "/message/in_app", "This cannot be switched off."),
        ({"order": {"sms": True}}, "unknown-channel", "/order/sms", "There are in_app and mail."),
        ({"order": {"mail": True, "sms": False}}, "unknown-channel", "/order/sms", "There are in_app and mail."),
    ],
)
def test_a_bad_change_is_refused_where_it_is(
    changes: Mapping[str, Mapping[str, bool]], code: str, pointer: str, told: str
) -> None:
    with pytest.raises(Invalid) as refused:
        Preferences(ADA).changed(changes)
    [problem] = refused.value.problems
    assert (refused.value.code, problem.pointer) == (code, pointer)
    assert refused.value.detail == problem.detail == told


def test_what_is_always_on_may_be_switched_on_and_its_other_channel_off() -> None:
    changed = Preferences(ADA).changed(
        {"sign-in": {"mail": True, "in_app": False}, "message": {"in_app": True, "mail": True}}
    )
    assert changed.of(Kind.SIGN_IN) == BY_MAIL
    assert changed.of(Kind.MESSAGE) == EVERYWHERE


@pytest.mark.parametrize(
    ("name", "pointer"),
    [("letter", "/letter"), ("", "/"), ("a/b", "/a~1b"), ("a~b", "/a~0b"), ("~1/", "/~01~1")],
)
def test_an_unknown_kind_is_told_with_all_that_there_are(name: str, pointer: str) -> None:
    with pytest.raises(Invalid) as refused:
        Preferences(ADA).changed({name: {"mail": True}})
    [problem] = refused.value.problems
    assert (refused.value.code, problem.pointer) == ("unknown-kind", pointer)
    assert refused.value.detail == problem.detail
    assert problem.detail == "There are welcome, sign-in, order, job, message, broadcast."
