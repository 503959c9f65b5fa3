"""Tokens for those who hold them without signing in: revocation (RFC 7009) and introspection (RFC 7662)."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar
from uuid import UUID

from application.audit.trail import Trail
from application.identity.accounts import IdentityRules
from application.identity.known_callers import KnownCallers
from application.identity.ports import AccessTokens, RefreshTokens
from application.ports import Clock
from application.unit_of_work import Transactions
from domain.access.actor import Actor
from domain.access.permissions import Permission
from domain.access.policy import ANYBODY, Rule, holder, require
from domain.identity.session import Refresh, Session

INTROSPECT = Permission("tokens:introspect", "Ask whether a token is good, and whose it is.")


@dataclass(frozen=True)
class RevokeToken:
    """End the session that a token of either kind belongs to; whoever holds one may. A bad one changes nothing."""

    rule: ClassVar[Rule] = ANYBODY

    transactions: Transactions
    access_tokens: AccessTokens
    refresh_tokens: RefreshTokens
    trail: Trail
    clock: Clock

    async def __call__(self, actor: Actor, *, token: str) -> None:
        access = await self.access_tokens.read(token, self.clock.now())
        refresh = self.refresh_tokens.read(token)
        if access is None and refresh is None:
            return
        async with self.transactions.begin() as uow:
            if access is not None:
                session_id, user_id = access.session_id, access.user_id
            elif refresh is not None:
                session = await uow.sessions.get(refresh.session_id)
                if (
                    session is None
                    or session.impersonation is not None
                    or not self.refresh_tokens.proves(token, session, refresh.counter)
                ):
                    return
                session_id, user_id = session.id, session.user_id
            if await uow.sessions.remove(session_id):
                await self.trail.record(uow, actor, "session.ended", subject=user_id, item=session_id)


@dataclass(frozen=True, slots=True)
class Introspection:
    """What is known of a good token; only an access token has a `token_id`. `impersonator_id` is who acts in the user's
    place, and `scope` what they may do there."""

    user_id: UUID
    username: str
    session_id: UUID
    expires_at: datetime
    issued_at: datetime
    token_id: str | None = None
    impersonator_id: UUID | None = None
    scope: str | None = None


@dataclass(frozen=True)
class IntrospectToken:
    """Whether a token would be taken now, and whose it is; with `tokens:introspect`."""

    rule: ClassVar[Rule] = holder(INTROSPECT)

    transactions: Transactions
    known: KnownCallers
    access_tokens: AccessTokens
    refresh_tokens: RefreshTokens
    rules: IdentityRules
    clock: Clock

    async def __call__(self, actor: Actor, *, token: str) -> Introspection | None:
        """None for a token that is not good, whatever the reason."""
        require(actor, self.rule)
        now = self.clock.now()
        if (access := await self.access_tokens.read(token, now)) is not None:
            found = await self.known.live_session(access.session_id, access.user_id, now)
            if found is None:
                return None
            return Introspection(
                access.user_id,
                found.user.value.username or found.user.value.email,
                access.session_id,
                expires_at=access.expires_at,
                issued_at=access.issued_at,
                token_id=access.token_id,
                impersonator_id=found.impersonation.impersonator_id if found.impersonation else None,
                scope=" ".join(sorted(found.permissions)) if found.impersonation else None,
            )
        if (session := await self._session_of(token, now)) is not None:
            found = await self.known.live_session(session.id, session.user_id, now)
            if found is None:
                return None
            return Introspection(
                session.user_id,
                found.user.value.username or found.user.value.email,
                session.id,
                expires_at=session.expires_at,
                issued_at=session.rotated_at,
            )
        return None

    async def _session_of(self, token: str, now: datetime) -> Session | None:
        """The session whose refresh token this is, if it could be used now."""
        claims = self.refresh_tokens.read(token)
        if claims is None:
            return None
        async with self.transactions.begin() as uow:
            session = await uow.sessions.get(claims.session_id)
        if (
            session is None
            or session.impersonation is not None
            or not self.refresh_tokens.proves(token, session, claims.counter)
        ):
            return None
        if session.judge(claims.counter, now, self.rules.refresh_grace) is Refresh.REUSED:
            return None
        return session
