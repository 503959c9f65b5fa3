"""API keys: their names, and until when they are good."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from domain.access.api_keys import ApiKey, checked_expiry
from domain.errors import Invalid

NOW = datetime(2026, 1, 1, tzinfo=UTC)
INSTANT = timedelta(microseconds=1)


def key(name: str = "nightly import", expires_at: datetime | None = None) -> ApiKey:
    return ApiKey(
        id=UUID(int=1),
        user_id=UUID(int=2),
        name=name,
        prefix="moot_abc",
        digest=b"digest",
        permissions=frozenset(),
        created_at=NOW,
        expires_at=expires_at,
    )


def test_a_name_is_a_line_of_a_hundred_characters_at_most() -> None:
    assert key("é" * 100).name == "é" * 100


@pytest.mark.parametrize(
    ("name", "code"), [("", "empty-text"), ("x" * 101, "text-too-long"), ("a\nb", "control-characters")]
)
def test_any_other_name_is_refused(name: str, code: str) -> None:
    with pytest.raises(Invalid) as refused:
        key(name)
    assert (refused.value.code, refused.value.problems[0].pointer) == (code, "/name")


def test_a_key_is_good_until_the_moment_it_expires() -> None:
    assert not key(expires_at=NOW).is_over(NOW - INSTANT)
    assert key(expires_at=NOW).is_over(NOW)
    assert key(expires_at=NOW).is_over(NOW + INSTANT)


def test_a_key_without_an_end_is_never_over() -> None:
    assert not key(expires_at=None).is_over(datetime.max.replace(tzinfo=UTC))


@pytest.mark.parametrize("expires_at", [None, NOW + INSTANT])
def test_a_key_may_expire_in_the_future_or_never(expires_at: datetime | None) -> None:
    assert checked_expiry(expires_at, NOW) == expires_at


@pytest.mark.parametrize("expires_at", [NOW, NOW - INSTANT])
def test_no_key_expires_before_it_is_made(expires_at: datetime) -> None:
    with pytest.raises(Invalid) as refused:
        checked_expiry(expires_at, NOW)
    [problem] = refused.value.problems
    assert (refused.value.code, problem.pointer) == ("bad-expiry", "/expires_at")
    assert refused.value.detail == problem.detail == "A key expires in the future, or never."
