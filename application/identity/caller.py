"""Who is calling: from an access token or an API key to an actor."""

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar
from uuid import UUID

from application.access.ports import KeyMaker
from application.identity.known_callers import KnownCallers
from application.identity.ports import AccessTokens, SignedIn
from application.identity.views import UserView, Versioned
from application.ports import Clock
from application.unit_of_work import Transactions
from domain.access import actor as actors
from domain.access.actor import NOWHERE, Actor, Origin
from domain.access.permissions import shared
from domain.access.policy import ANYBODY, Rule
from domain.errors import Unauthenticated, Unavailable

USE_NOTED_EVERY = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Caller:
    """The actor, and the account as it was read to find out."""

    actor: Actor
    account: Versioned[UserView]


def member_calling(found: SignedIn, session_id: UUID, origin: Origin) -> Caller:
    """Of the live session of that id."""
    actor = actors.member(
        found.user.value.id,
        found.permissions,
        session_id=session_id,
        signed_in_at=found.signed_in_at,
        impersonator_id=found.impersonation.impersonator_id if found.impersonation else None,
        origin=origin,
    )
    return Caller(actor, found.user)


@dataclass(frozen=True)
class IdentifyCaller:
    """A token is verified by its signature; then its session has to be alive still. An API key is found by its
    digest."""

    rule: ClassVar[Rule] = ANYBODY

    transactions: Transactions
    access_tokens: AccessTokens
    keys: KeyMaker
    known: KnownCallers
    clock: Clock

    async def __call__(self, credential: str, *, as_key: bool = False, origin: Origin = NOWHERE) -> Caller:
        """`as_key`: it cannot be an access token. Raises Unauthenticated (`bad-token`, `bad-api-key`)."""
        now = self.clock.now()
        if as_key or self.keys.is_one(credential):
            return await self._by_key(credential, now, origin)
        claims = await self.access_tokens.read(credential, now)
        found = await self.known.live_session(claims.session_id, claims.user_id, now) if claims else None
        if claims is None or found is None:
            raise Unauthenticated("bad-token", "The access token is not (or no longer) good.", presented=True)
        return member_calling(found, claims.session_id, origin)

    async def _by_key(self, key: str, now: datetime, origin: Origin) -> Caller:
        found = await self.known.key_holder(self.keys.digest(key), now)
        if found is None:
            raise Unauthenticated("bad-api-key", "The API key is not (or no longer) good.", presented=True)
        if found.last_used_at is None or now - found.last_used_at >= USE_NOTED_EVERY:
            with suppress(Unavailable):  # reading shall not depend on writing; the next use is noted
                async with self.transactions.begin() as uow:
                    await uow.api_keys.note_use(found.key_id, now)
        permissions = shared(found.granted, found.held)
        return Caller(actors.api_key(found.key_id, found.user.value.id, permissions, origin=origin), found.user)
