"""What happens to accounts, and has to be told."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from domain.events import Event


@dataclass(frozen=True, slots=True)
class VerificationRequested(Event):
    """Somebody, signed in or not, asked for a link to verify this address, whether it is known or not."""

    name: ClassVar[str] = "verification.requested"
    email_key: str


@dataclass(frozen=True, slots=True)
class PasswordResetRequested(Event):
    """Somebody says to have forgotten the password of the account with this address, whether there is one or not."""

    name: ClassVar[str] = "password-reset.requested"
    email_key: str


@dataclass(frozen=True, slots=True)
class VerificationStarted(Event):
    name: ClassVar[str] = "verification.started"
    user_id: UUID
    token_id: UUID


@dataclass(frozen=True, slots=True)
class PasswordResetStarted(Event):
    name: ClassVar[str] = "password-reset.started"
    user_id: UUID
    token_id: UUID


@dataclass(frozen=True, slots=True)
class EmailChangeStarted(Event):
    name: ClassVar[str] = "email-change.started"
    user_id: UUID
    token_id: UUID


@dataclass(frozen=True, slots=True)
class UserInvited(Event):
    name: ClassVar[str] = "user.invited"
    user_id: UUID
    token_id: UUID


@dataclass(frozen=True, slots=True)
class EmailVerified(Event):
    """An address was verified for the first time, by the link that was mailed for that."""

    name: ClassVar[str] = "email.verified"
    subject: ClassVar[str | None] = "user_id"
    user_id: UUID


@dataclass(frozen=True, slots=True)
class EmailChanged(Event):
    """The old address is not to be found anywhere else any more."""

    name: ClassVar[str] = "email.changed"
    user_id: UUID
    old_email: str
    new_email: str


@dataclass(frozen=True, slots=True)
class PasswordChanged(Event):
    name: ClassVar[str] = "password.changed"
    user_id: UUID


@dataclass(frozen=True, slots=True)
class SignedInFromElsewhere(Event):
    """From a device that was not seen with this account before."""

    name: ClassVar[str] = "session.started-elsewhere"
    user_id: UUID
    session_id: UUID


@dataclass(frozen=True, slots=True)
class SessionReused(Event):
    """A session was ended because a refresh token of it came a second time."""

    name: ClassVar[str] = "session.reused"
    user_id: UUID
    session_id: UUID


@dataclass(frozen=True, slots=True)
class UserCreated(Event):
    """Somebody registered, or an account was made for them, or they were invited."""

    name: ClassVar[str] = "user.created"
    subject: ClassVar[str | None] = "user_id"
    user_id: UUID


@dataclass(frozen=True, slots=True)
class UserUpdated(Event):
    """Names, address or verification of an account were changed."""

    name: ClassVar[str] = "user.updated"
    subject: ClassVar[str | None] = "user_id"
    user_id: UUID


@dataclass(frozen=True, slots=True)
class UserDeactivated(Event):
    """An account was deactivated: nobody can sign in to it."""

    name: ClassVar[str] = "user.deactivated"
    subject: ClassVar[str | None] = "user_id"
    user_id: UUID


@dataclass(frozen=True, slots=True)
class UserReactivated(Event):
    """A deactivated account was activated again."""

    name: ClassVar[str] = "user.reactivated"
    subject: ClassVar[str | None] = "user_id"
    user_id: UUID


@dataclass(frozen=True, slots=True)
class UserRolesChanged(Event):
    """A member was given or lost roles."""

    name: ClassVar[str] = "user.roles-changed"
    subject: ClassVar[str | None] = "user_id"
    user_id: UUID


@dataclass(frozen=True, slots=True)
class UserDeleted(Event):
    """An account was deleted, with all that was its own, posts too."""

    name: ClassVar[str] = "user.deleted"
    subject: ClassVar[str | None] = "user_id"
    user_id: UUID
