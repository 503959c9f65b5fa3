"""Signing in, staying signed in, signing out."""

from dataclasses import dataclass, replace
from typing import ClassVar
from uuid import UUID

from application.audit.trail import Trail
from application.identity.accounts import IdentityRules
from application.identity.attempts import PasswordAttempts
from application.identity.ports import (
    AccessTokens,
    Credentials,
    DeviceTokens,
    EmailSyntax,
    IdentityQueries,
    PasswordHasher,
    RefreshTokens,
)
from application.identity.sessions import ASKED_FOR_THERE
from application.identity.views import TokenPair
from application.outbox import Outbox
from application.ports import Clock, Ids
from application.unit_of_work import Transactions
from domain.access.actor import Actor
from domain.access.policy import ANYBODY, OWNER, Rule, require_own
from domain.errors import Denied, Invalid, Throttled, Unauthenticated
from domain.identity.events import SessionReused, SignedInFromElsewhere
from domain.identity.session import Refresh, Session
from domain.identity.user import USERNAME
from domain.text import fold

MOST_ATTEMPTS = 3
"""How often a right password is compared again because the stored hash changed meanwhile."""


@dataclass(frozen=True)
class LogIn:
    """E-mail address or username, and password, for an access and a refresh token.

    Whatever the reason of a failure, it costs exactly one hash and answers the same; only the right password learns
    that an account is not admitted.
    """

    rule: ClassVar[Rule] = ANYBODY

    transactions: Transactions
    queries: IdentityQueries
    emails: EmailSyntax
    hasher: PasswordHasher
    attempts: PasswordAttempts
    access_tokens: AccessTokens
    refresh_tokens: RefreshTokens
    device_tokens: DeviceTokens
    rules: IdentityRules
    trail: Trail
    outbox: Outbox
    clock: Clock
    ids: Ids

    async def __call__(
        self,
        actor: Actor,
        *,
        login: str,
        password: str,
        device_token: str | None = None,
        unless_known: Throttled | None = None,
    ) -> TokenPair:
        """`unless_known` is why this call is one too many, unless it comes from a known device.

        Raises Unauthenticated (`bad-credentials`), Denied (`account-disabled`, `email-unverified`), Unavailable
        (`busy`, `no-signing-key`), Throttled (`too-many-attempts`)."""
        if unless_known is not None and device_token is None:
            raise unless_known
        for _ in range(MOST_ATTEMPTS):
            name, known = await self._credentials(login)
            recognised = self._recognised(device_token, known)
            if unless_known is not None and recognised is None:
                raise unless_known
            stored = known.password_hash if known else None
            async with self.attempts.at_sign_in(actor, name=name, known_device=recognised) as attempt:
                verdict = await self.hasher.verify(password, stored)
                attempt.right = verdict.right
            if known is None or stored is None or not verdict.right:
                raise _bad_credentials()
            hash_to_keep = await self.hasher.hash(password) if verdict.outdated else stored
            session = await self._start_session(
                actor, known.user_id, stored, hash_to_keep, recognised=recognised is not None
            )
            if session is not None:
                break
        else:
            raise _bad_credentials()
        pair = await pair_of(self.access_tokens, self.refresh_tokens, self.rules, session, self.clock)
        return replace(pair, device_token=recognised or self.device_tokens.issue(session.user_id))

    async def _start_session(
        self, actor: Actor, user_id: UUID, verified_hash: str, hash_to_keep: str, *, recognised: bool
    ) -> Session | None:
        """None where another hash is stored by now than the one that the password was compared with: it was made anew
        by a parallel sign-in, or the password was changed."""
        now = self.clock.now()
        session = Session.started(
            id=self.ids.new(),
            user_id=user_id,
            seed=self.refresh_tokens.new_seed(),
            secret_id=self.refresh_tokens.secret_id,
            now=now,
            lifetime=self.rules.refresh_token_ttl,
            origin=actor.origin,
        )
        async with self.transactions.begin() as uow:
            user = await uow.users.get(user_id)
            if user is None:
                raise _bad_credentials()
            if user.password_hash != verified_hash:
                return None
            if not user.is_active:
                raise Denied("account-disabled", "This account is disabled.")
            if self.rules.require_verified_email and not user.is_verified:
                raise Denied("email-unverified", "The e-mail address of this account is not verified yet.")
            owner = actor.proved_to_be(user.id)
            if (
                not recognised
                and user.last_login_at is not None
                and not await uow.sessions.is_known_place(user.id, session.address, session.user_agent)
            ):
                await self.outbox.emit(uow, owner, SignedInFromElsewhere(user.id, session.id))
            await uow.users.record_sign_in(user.id, now, password_hash=hash_to_keep)
            await uow.sessions.add(session)
            await self.trail.record(uow, owner, "session.started", subject=user.id, item=session.id)
        return session

    def _recognised(self, device_token: str | None, known: Credentials | None) -> str | None:
        """The token, if it is one of that account."""
        if device_token is None or known is None or not self.device_tokens.recognises(device_token, known.user_id):
            return None
        return device_token

    async def _credentials(self, login: str) -> tuple[str, Credentials | None]:
        """What is compared, and the account that it leads to."""
        if USERNAME.fullmatch(login):
            username = login.lower()
            return username, await self.queries.credentials(username_key=username)
        try:
            address = self.emails.parse(login)
        except Invalid:
            return fold(login), None
        return address.key, await self.queries.credentials(email_key=address.key)


@dataclass(frozen=True)
class RefreshSession:
    """A new pair for a refresh token, which is spent by it.

    The same token again within the grace gets the same child; a token that was spent earlier has been stolen, and
    the whole session ends.
    """

    rule: ClassVar[Rule] = ANYBODY

    transactions: Transactions
    access_tokens: AccessTokens
    refresh_tokens: RefreshTokens
    rules: IdentityRules
    trail: Trail
    outbox: Outbox
    clock: Clock

    async def __call__(self, actor: Actor, *, refresh_token: str) -> TokenPair:
        """Raises Unauthenticated (`bad-refresh-token`), Unavailable (`no-signing-key`)."""
        claims = self.refresh_tokens.read(refresh_token)
        if claims is None:
            raise _bad_refresh_token()
        async with self.transactions.begin() as uow:
            session = await uow.sessions.get(claims.session_id)
            now = self.clock.now()
            if session is None or session.is_over(now) or session.impersonation is not None:
                raise _bad_refresh_token()
            if not self.refresh_tokens.proves(refresh_token, session, claims.counter):
                raise _bad_refresh_token()
            user = await uow.users.get(session.user_id)
            if user is None or not user.is_active:
                raise _bad_refresh_token()
            meaning = session.judge(claims.counter, now, self.rules.refresh_grace)
            if meaning is Refresh.NEXT:
                session = session.rotated(now, actor.origin)
                await uow.sessions.save(session)
                owner = actor.proved_to_be(user.id)
                await self.trail.record(uow, owner, "session.refreshed", subject=user.id, item=session.id)
            elif meaning is Refresh.REUSED:
                await uow.sessions.remove(session.id)
                await uow.one_time_tokens.remove_all_of(user.id, ASKED_FOR_THERE)
                await self.trail.record(uow, actor, "session.reuse-detected", subject=user.id, item=session.id)
                await self.outbox.emit(uow, actor, SessionReused(user.id, session.id))
        if meaning is Refresh.REUSED:
            raise _bad_refresh_token()
        return await pair_of(self.access_tokens, self.refresh_tokens, self.rules, session, self.clock)


@dataclass(frozen=True)
class LogOut:
    """End the session that asks, one of an impersonation too."""

    rule: ClassVar[Rule] = OWNER

    transactions: Transactions
    trail: Trail

    async def __call__(self, actor: Actor) -> None:
        """Raises Denied (`no-session`): an API key has none; it is revoked."""
        user_id = require_own(actor, self.rule)
        if actor.session_id is None:
            raise Denied("no-session", "An API key has no session to end; it can be revoked.")
        async with self.transactions.begin() as uow:
            if await uow.sessions.remove(actor.session_id):
                await self.trail.record(uow, actor, "session.ended", subject=user_id, item=actor.session_id)


async def pair_of(
    access: AccessTokens, refresh: RefreshTokens, rules: IdentityRules, session: Session, clock: Clock
) -> TokenPair:
    """The tokens of a session that is stored. Raises Unauthenticated (`bad-refresh-token`) where its secret is
    gone."""
    token = refresh.mint(session, session.counter)
    if token is None:
        raise _bad_refresh_token()
    return TokenPair(
        access_token=await access.issue(user_id=session.user_id, session_id=session.id, now=clock.now()),
        refresh_token=token,
        expires_in=int(rules.access_token_ttl.total_seconds()),
    )


def _bad_credentials() -> Unauthenticated:
    return Unauthenticated("bad-credentials", "The e-mail address, username or password is not right.")


def _bad_refresh_token() -> Unauthenticated:
    return Unauthenticated(
        "bad-refresh-token", "The refresh token is not (or no longer) good; sign in again.", presented=True
    )
