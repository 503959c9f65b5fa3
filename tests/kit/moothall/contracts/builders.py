"""Accounts with everything filled in, so that a test names only what it is about."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from domain.identity.email import EmailAddress
from domain.identity.user import User

NOW = datetime(2026, 11, 21, 9, 30, 15, 123456, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def a_user(name: str = "ada", **fields: Any) -> User:
    """`name` makes the e-mail address; everything else can be given."""
    user = User(
        id=uuid4(),
        email=EmailAddress(f"{name}@example.com", f"{name}@example.com".lower()),
        username=None,
        first_name=None,
        last_name=None,
        password_hash="$hash$",
        is_active=True,
        is_verified=False,
        roles=frozenset({"member"}),
        created_at=NOW,
        updated_at=NOW,
    )
    return replace(user, **fields)
