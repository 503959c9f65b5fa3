"""The member's account."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol
from uuid import UUID

from domain.access.roles import ADMIN
from domain.errors import Invalid
from domain.identity.email import EmailAddress
from domain.text import line, search_text

USERNAME = re.compile(r"[A-Za-z0-9_]{3,50}")
LONGEST_NAME = 100


def checked_username(text: str | None) -> str | None:
    """A user name as typed: 3 to 50 of `[A-Za-z0-9_]`.

    Raises:
        Invalid: `bad-username`.
    """
    if text is not None and not USERNAME.fullmatch(text):
        raise Invalid.field("bad-username", "/username", "A username has 3 to 50 letters (a to z), digits or _.")
    return text


def full_name(first_name: str | None, last_name: str | None, username: str | None) -> str | None:
    """First and last name, else the username, else nothing: never the e-mail address."""
    return " ".join(part for part in (first_name, last_name) if part) or username


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """An account. `version` counts its saved states; the store moves it on, and refuses to save an older one.

    A sign-in changes `last_login_at` (and perhaps re-hashes the password), but not the version.
    """

    id: UUID
    email: EmailAddress
    username: str | None
    first_name: str | None
    last_name: str | None
    password_hash: str | None
    is_active: bool
    is_verified: bool
    roles: frozenset[str]
    created_at: datetime
    updated_at: datetime
    last_login_at: datetime | None = None
    version: int = 1

    def __post_init__(self) -> None:
        checked_username(self.username)
        line(self.first_name, pointer="/first_name", longest=LONGEST_NAME)
        line(self.last_name, pointer="/last_name", longest=LONGEST_NAME)

    @property
    def username_key(self) -> str | None:
        return self.username.lower() if self.username is not None else None

    @property
    def full_name(self) -> str | None:
        return full_name(self.first_name, self.last_name, self.username)

    @property
    def is_admin(self) -> bool:
        return ADMIN in self.roles

    @property
    def search_text(self) -> str:
        return search_text((self.email.key, self.username, self.first_name, self.last_name))

    @property
    def personal_words(self) -> tuple[str, ...]:
        """What a good password is not made of."""
        local = self.email.typed.rpartition("@")[0]
        return tuple(part for part in (self.email.typed, local, self.username, self.first_name, self.last_name) if part)

    def changed(self, now: datetime, /, **fields: object) -> "User":
        """The account with some fields changed at `now`; the same object where nothing differs."""
        if all(getattr(self, name) == value for name, value in fields.items()):
            return self
        return replace(self, updated_at=now, **fields)  # type: ignore[arg-type]


class UserRepository(Protocol):
    """Accounts within a unit of work. What is loaded here stays locked until it ends, so that no update is lost."""

    async def add(self, user: User) -> None:
        """Raises Conflict (`email-taken`, `username-taken`)."""
        ...

    async def get(self, user_id: UUID) -> User | None: ...

    async def find(self, email_key: str) -> UUID | None:
        """Whose address this is, without a lock."""
        ...

    async def save(self, user: User) -> User:
        """The saved account, one version on.

        Raises:
            Conflict: `email-taken`, `username-taken`, or `changed-meanwhile` where another version was saved first.
        """
        ...

    async def record_sign_in(self, user_id: UUID, at: datetime, *, password_hash: str) -> None:
        """Note the time, and the hash (which may have been made anew with today's parameters)."""
        ...

    async def remove(self, user_id: UUID) -> None:
        """The account, its sessions, API keys, links, jobs and posts; nothing happens where it is gone already."""
        ...

    async def find_all(self, email_keys: Collection[str]) -> Mapping[str, UUID]:
        """Whose these addresses are, by address, without a lock; what is nobody's is left out."""
        ...

    async def find_usernames(self, username_keys: Collection[str]) -> Mapping[str, UUID]:
        """The same of usernames."""
        ...

    async def find_external_ids(self, external_ids: Collection[str]) -> Mapping[str, UUID]:
        """The same of the ids that accounts had elsewhere."""
        ...

    async def get_all(self, user_ids: Collection[UUID]) -> Mapping[UUID, User]:
        """Those that are there, locked."""
        ...

    async def add_all(self, users: Sequence[User]) -> None:
        """Raises Conflict (`email-taken`, `username-taken`)."""
        ...

    async def save_all(self, users: Sequence[User]) -> None:
        """In their order. Raises as `save` does."""
        ...

    async def set_external_ids(self, external_ids: Mapping[UUID, str]) -> None:
        """What accounts were called where they come from; each is one account's.

        Raises:
            Conflict: `external-id-taken`.
        """
        ...

    async def another_admin_exists(self, than: UUID | None) -> bool:
        """Whether an active administrator other than the given one exists."""
        ...
