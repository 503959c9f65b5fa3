"""What registration, administration and a member's own changes have in common: the rules for an account's fields."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from application.identity.ports import EmailSyntax, PasswordHasher, PasswordStrength
from application.unit_of_work import UnitOfWork
from application.versions import Expected, require_version
from domain.access.roles import MEMBER
from domain.errors import Conflict, Invalid, NotFound
from domain.identity.password_policy import PasswordPolicy, refused
from domain.identity.user import User


@dataclass(frozen=True, slots=True)
class IdentityRules:
    """What an installation may set: lifetimes of tokens, the grace of a refresh, what a password has to be like, and
    whether only who has a verified address may sign in."""

    passwords: PasswordPolicy = PasswordPolicy()
    access_token_ttl: timedelta = timedelta(minutes=15)
    refresh_token_ttl: timedelta = timedelta(days=30)
    refresh_grace: timedelta = timedelta(seconds=10)
    require_verified_email: bool = False


@dataclass(frozen=True)
class Passwords:
    """Accept a new password, or say everything that is wrong with it."""

    rules: IdentityRules
    strength: PasswordStrength
    hasher: PasswordHasher

    async def accept(self, password: str, user: User, *, pointer: str = "/password") -> str:
        """The hash to store.

        Raises:
            Invalid: `password-refused`, with every reason.
        """
        reasons = self.rules.passwords.refusals(password, user.personal_words)
        if not reasons and (weakness := self.strength.weakness(password, user.personal_words)):
            reasons = [weakness]
        if reasons:
            raise refused(reasons, pointer)
        return await self.hasher.hash(password)


@dataclass(frozen=True)
class NewAccounts:
    """An account that could be stored, from what somebody typed."""

    emails: EmailSyntax
    passwords: Passwords

    async def make(
        self,
        *,
        id: UUID,
        now: datetime,
        email: str,
        password: str | None,
        username: str | None,
        first_name: str | None,
        last_name: str | None,
        is_active: bool = True,
        is_verified: bool = False,
        roles: frozenset[str] = frozenset({MEMBER}),
    ) -> User:
        user = User(
            id=id,
            email=self.emails.parse(email),
            username=username,
            first_name=first_name,
            last_name=last_name,
            password_hash=None,
            is_active=is_active,
            is_verified=is_verified,
            roles=roles,
            created_at=now,
            updated_at=now,
        )
        if password is None:
            return user
        return user.changed(now, password_hash=await self.passwords.accept(password, user))


async def loaded(uow: UnitOfWork, user_id: UUID, *, expected: Expected = None) -> User:
    """The user, locked; `expected` are the versions that the caller wants to change, None for any.

    Raises:
        NotFound: `user-not-found`.
        Stale: `stale-version`; the caller asked for a version that is no longer the current one.
    """
    user = await uow.users.get(user_id)
    if user is None:
        raise no_such_user()
    require_version(user.version, expected)
    return user


def no_such_user() -> NotFound:
    return NotFound("user-not-found", "There is no such user.")


def only_these(changes: Mapping[str, object], allowed: frozenset[str]) -> None:
    """Raises Invalid (`unknown-field`) for a change that this use case does not make."""
    if unknown := sorted(changes.keys() - allowed):
        raise Invalid.field("unknown-field", f"/{unknown[0]}", "This cannot be changed here.")


async def an_administrator_stays(uow: UnitOfWork, user: User) -> None:
    """Call before an active administrator goes, in a unit of work that called `serialise(ACCESS)` first.

    Raises:
        Conflict: `last-admin`.
    """
    if user.is_admin and user.is_active and not await uow.users.another_admin_exists(user.id):
        raise Conflict("last-admin", "This is the last active administrator; make another one first.")
