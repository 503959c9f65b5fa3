"""What a member shows of themselves to everybody."""

import re
import unicodedata
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from ipaddress import AddressValueError, IPv6Address
from typing import Protocol
from urllib.parse import urlsplit
from uuid import UUID

from domain.errors import Invalid
from domain.text import paragraphs

LONGEST_BIO = 500
LONGEST_WEBSITE = 2000

_NOT_IN_A_URL = frozenset(' "<>\\^`{|}')
"""Of ASCII (RFC 3986, appendix A); browsers read a backslash as a slash, and so find another host."""

_LABEL = re.compile(r"[A-Za-z0-9\x80-\U0010ffff]([\w\x80-\U0010ffff-]{0,61}[\w\x80-\U0010ffff])?")
"""Of a host's name; in other scripts than Latin, what IDNA makes of it is for whoever opens it."""


class AvatarSize(StrEnum):
    """The sizes in which an avatar is kept."""

    LARGE = "large"
    SMALL = "small"

    @property
    def pixels(self) -> int:
        """Its sides, unless the picture that was sent is smaller."""
        return 512 if self is AvatarSize.LARGE else 128


def checked_website(text: str | None) -> str | None:
    """An absolute URL of the web, kept as typed: whoever shows it as a link sends nobody anywhere else, and runs
    nothing.

    Raises:
        Invalid: `bad-website`; or `text-too-long`.
    """
    if text is None:
        return None
    if len(text) > LONGEST_WEBSITE:
        raise Invalid.field("text-too-long", "/website", f"This may have {LONGEST_WEBSITE} characters at most.")
    if not _is_of_the_web(text):
        raise Invalid.field(
            "bad-website", "/website", "This is not the whole address of a web page, such as https://ada.example/about."
        )
    return text


def _is_of_the_web(text: str) -> bool:
    if any(c in _NOT_IN_A_URL or unicodedata.category(c)[0] in "CZ" for c in text):
        return False
    try:
        parts = urlsplit(text)
        _ = parts.port  # raises where it is no number, or too large
    except ValueError:
        return False
    host = parts.netloc.rpartition(":")[0] if re.search(r":\d*$", parts.netloc) else parts.netloc
    return parts.scheme in ("http", "https") and text[len(parts.scheme) :].startswith("://") and _is_host(host)


def _is_host(text: str) -> bool:
    """A name or an address, and nothing with an @ in it."""
    if text.startswith("["):
        try:
            IPv6Address(text[1:].removesuffix("]"))
        except AddressValueError:
            return False
        return text.endswith("]") and "%" not in text
    return len(text) <= 253 and all(_LABEL.fullmatch(label) for label in text.removesuffix(".").split("."))


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """Beside what the account says already. Who never changed theirs has an empty one, at version 0, which no store
    holds; `version` counts the saved states.

    `avatar_id` names the picture; each that is sent gets a new one, so that what it names never changes.

    Raises:
        Invalid: a field breaks a rule.
    """

    user_id: UUID
    updated_at: datetime
    bio: str | None = None
    website: str | None = None
    avatar_id: UUID | None = None
    version: int = 0

    def __post_init__(self) -> None:
        paragraphs(self.bio, pointer="/bio", longest=LONGEST_BIO)
        checked_website(self.website)

    def changed(self, now: datetime, /, **fields: object) -> "Profile":
        """The profile with some fields changed at `now`; the same object where nothing differs."""
        if all(getattr(self, name) == value for name, value in fields.items()):
            return self
        return replace(self, updated_at=now, **fields)  # type: ignore[arg-type]

    def saved(self) -> "Profile":
        """As it is once a store has it."""
        return replace(self, version=self.version + 1)


class ProfileRepository(Protocol):
    """Profiles within a unit of work. Whoever changes one has locked its account, so that no change is lost."""

    async def get(self, user_id: UUID) -> Profile | None: ...

    async def save(self, profile: Profile) -> Profile:
        """The saved profile, one version on; the first one is added.

        Raises:
            Conflict: `changed-meanwhile`; another version was saved first.
        """
        ...
