"""One-time tokens: until when they are good."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from domain.identity.email import EmailAddress
from domain.identity.one_time_token import LIFETIMES, OneTimeToken, Purpose

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def test_a_token_is_good_until_the_moment_it_expires() -> None:
    token = OneTimeToken(
        id=UUID(int=1),
        user_id=UUID(int=2),
        purpose=Purpose.RESET_PASSWORD,
        email=EmailAddress("Ada@example.com", "ada@example.com"),
        seed=b"seed",
        secret_id="s1",
        created_at=NOW,
        expires_at=NOW + LIFETIMES[Purpose.RESET_PASSWORD],
    )
    assert not token.is_over(NOW + timedelta(hours=1) - timedelta(microseconds=1))
    assert token.is_over(NOW + timedelta(hours=1))


def test_every_purpose_has_its_lifetime() -> None:
    assert LIFETIMES.keys() == set(Purpose)
