"""What identity needs from outside: passwords, tokens, e-mail syntax, and its read side."""

from collections.abc import AsyncGenerator, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

from application.identity.views import SessionView, UserFilters, UserView, Versioned
from application.paging import Position, Row, Sort
from domain.identity.email import EmailAddress
from domain.identity.one_time_token import OneTimeToken
from domain.identity.session import Impersonation, Session
from domain.identity.signing_key import SigningKey


@dataclass(frozen=True, slots=True)
class Verdict:
    """`outdated`: right, but hashed with other parameters than today's, and to be hashed anew."""

    right: bool
    outdated: bool = False


class PasswordHasher(Protocol):
    """Slow on purpose, and never on the event loop.

    `hash` and `verify` raise Unavailable (`busy`) where more is waiting than can be done in reasonable time.
    """

    async def hash(self, password: str) -> str: ...

    async def verify(self, password: str, stored: str | None) -> Verdict:
        """Takes one hash's time whatever the answer; with nothing stored the answer is no. What another system hashed
        is compared as that system did, and is outdated."""
        ...

    def imported(self, text: str) -> str:
        """A hash from elsewhere, as it is to be stored: one that `verify` can compare with, and not at any cost. Takes
        microseconds.

        Raises:
            Invalid: `bad-password-hash`, with a sentence that does not hold the text.
        """
        ...


class PasswordStrength(Protocol):
    def weakness(self, password: str, personal_words: tuple[str, ...]) -> str | None:
        """Why the password would be guessed soon, as a sentence; None for a good one."""
        ...


class EmailSyntax(Protocol):
    def parse(self, text: str) -> EmailAddress:
        """Raises Invalid (`bad-email`)."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessClaims:
    """What an access token says (RFC 9068); times are whole seconds."""

    user_id: UUID
    session_id: UUID
    token_id: str
    issued_at: datetime
    expires_at: datetime


class AccessTokens(Protocol):
    async def issue(
        self,
        *,
        user_id: UUID,
        session_id: UUID,
        now: datetime,
        lifetime: timedelta | None = None,
        impersonator_id: UUID | None = None,
        scope: str | None = None,
    ) -> str:
        """`lifetime` None: the usual one. `impersonator_id` becomes the claim `act` (RFC 8693,
        section 4.1), and `scope`, unless it is empty, the one of that name."""
        ...

    async def read(self, token: str, now: datetime) -> AccessClaims | None:
        """None where it is not ours, was changed, or has run out."""
        ...


@dataclass(frozen=True, slots=True)
class RefreshClaims:
    """Which session and which step of it a refresh token claims to be; not yet proved."""

    session_id: UUID
    counter: int


class RefreshTokens(Protocol):
    """Opaque tokens of 256 bits, derived from a session, its counter and a key that no store holds."""

    @property
    def secret_id(self) -> str:
        """The key under which new sessions derive theirs."""
        ...

    def new_seed(self) -> bytes:
        """32 random bytes."""
        ...

    def mint(self, session: Session, counter: int) -> str | None:
        """The token of that step; always the same one. None where the session's key is no longer known."""
        ...

    def proves(self, token: str, session: Session, counter: int) -> bool:
        """Whether it is the token of that step, compared in constant time."""
        ...

    def read(self, token: str) -> RefreshClaims | None:
        """None where the text cannot be one of ours."""
        ...


class DeviceTokens(Protocol):
    """What a device keeps to be recognised by at the next sign-in of the same member."""

    def issue(self, user_id: UUID) -> str: ...

    def recognises(self, token: str, user_id: UUID) -> bool: ...


class LinkTokens(Protocol):
    """The opaque texts of 256 bits that links carry, derived as refresh tokens are."""

    @property
    def secret_id(self) -> str:
        """The key under which new ones are derived."""
        ...

    def new_seed(self) -> bytes:
        """32 random bytes."""
        ...

    def mint(self, token: OneTimeToken) -> str | None:
        """Always the same text. None where the token's key is no longer known."""
        ...

    def proves(self, text: str, token: OneTimeToken) -> bool:
        """Whether it is the text of that token, compared in constant time."""
        ...

    def read(self, text: str) -> UUID | None:
        """Which token it claims to be; None where the text cannot be one of ours."""
        ...


class KeyFactory(Protocol):
    def make(self, now: datetime) -> SigningKey:
        """A new Ed25519 key pair, its private half sealed."""
        ...

    def opens(self, key: SigningKey) -> bool:
        """Whether the secrets of this installation open the private half."""
        ...

    def as_jwk(self, key: SigningKey) -> dict[str, str]:
        """The public half as RFC 7517 wants it."""
        ...


@dataclass(frozen=True, slots=True)
class Credentials:
    user_id: UUID
    password_hash: str | None


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A live session and its active user, found in one round trip; `permissions` are all that the user's roles give.
    `expires_at`: when the session ends by itself."""

    user: Versioned[UserView]
    signed_in_at: datetime
    expires_at: datetime
    permissions: frozenset[str]
    impersonation: Impersonation | None = None


class IdentityQueries(Protocol):
    """The read side: views, never aggregates; outside of any unit of work."""

    async def credentials(
        self, *, email_key: str | None = None, username_key: str | None = None
    ) -> Credentials | None: ...

    async def signed_in(self, session_id: UUID, now: datetime) -> SignedIn | None:
        """None where the session ended or ran out, or the user is gone or not active."""
        ...

    async def signed_in_all(self, session_ids: Collection[UUID], now: datetime) -> Mapping[UUID, SignedIn]:
        """The same of many; of those for which it would be None there is nothing."""
        ...

    async def user(self, user_id: UUID) -> Versioned[UserView] | None: ...

    async def external_id(self, user_id: UUID) -> str | None:
        """What the account was called where it was imported from."""
        ...

    async def find_user(self, *, email_key: str | None = None, username_key: str | None = None) -> UUID | None: ...

    async def users(
        self, filters: UserFilters, sort: Sort, *, after: Position | None, offset: int, limit: int
    ) -> list[Row[UserView]]:
        """In order, from `after` (or else `offset`) on; e-mail and username sort by their keys, no username first."""
        ...

    async def count_users(self, filters: UserFilters) -> int: ...

    def users_snapshot(self, filters: UserFilters) -> AsyncGenerator[Sequence[UserView], None]:
        """All that `users` finds, by id, some at a time, and as they were when the first were read. However many there
        are, few are in memory; however long the reader takes, the store keeps that moment, so it has to be closed.

        Raises:
            Unavailable: the store does not answer, or the reader took so long to ask for more that it gave up.
        """
        ...

    async def sessions_of(
        self, user_id: UUID, now: datetime, *, after: Position | None, offset: int, limit: int
    ) -> list[Row[SessionView]]:
        """Those alive, the one used last first, ties by id downwards."""
        ...

    async def count_sessions_of(self, user_id: UUID, now: datetime) -> int: ...

    async def owner_of_session(self, session_id: UUID) -> UUID | None: ...

    async def signing_keys(self) -> list[SigningKey]:
        """Newest first."""
        ...
