"""The keys that sign access tokens: until when they verify what they signed."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from domain.identity.signing_key import SigningKey

NOW = datetime(2026, 1, 1, tzinfo=UTC)
LATER = NOW + timedelta(days=30)
OVERLAP = timedelta(minutes=15)
KEY = SigningKey(
    kid="k1",
    algorithm="EdDSA",
    public_key=b"public",
    sealed_private_key=b"sealed",
    secret_id="s1",
    created_at=NOW,
)


def test_a_retired_key_is_published_for_as_long_as_its_last_token_lives() -> None:
    assert KEY.retired(LATER, OVERLAP) == replace(KEY, retired_at=LATER, expires_at=LATER + OVERLAP)


def test_a_key_verifies_until_the_moment_it_expires() -> None:
    retired = KEY.retired(LATER, OVERLAP)
    assert retired.verifies(LATER + OVERLAP - timedelta(microseconds=1))
    assert not retired.verifies(LATER + OVERLAP)


def test_a_key_that_signs_verifies_at_any_time() -> None:
    assert KEY.verifies(datetime.max.replace(tzinfo=UTC))
