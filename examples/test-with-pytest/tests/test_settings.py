"""A service whose settings are other ones."""

import newsletter
import pytest


@pytest.fixture
def moothall_settings():
    return {"password_min_length": 20, "rate_limit_register": "2/hour"}


def test_passwords_have_to_be_longer_here(moothall):
    with pytest.raises(newsletter.Refused) as refused:
        newsletter.join(moothall.client, "ada@example.com", "violet-anchor-42")
    assert refused.value.code == "password-refused"


def test_one_too_many_is_told_when_to_come_again(moothall):
    for name in ("ada", "bob"):
        newsletter.join(moothall.client, f"{name}@example.com", "copper-meadow-63-tide-and-more")
    with pytest.raises(newsletter.Refused) as refused:
        newsletter.join(moothall.client, "eve@example.com", "copper-meadow-63-tide-and-more")
    assert refused.value.code == "too-many-registrations"
