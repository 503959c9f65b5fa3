"""Who is calling: from a bearer token to an actor."""

from dataclasses import dataclass

from application.identity.ports import AccessTokens, IdentityQueries
from application.identity.views import UserView, Versioned
from application.ports import Clock
from domain.access import actor as actors
from domain.access.actor import Actor
from domain.access.roles import permissions_of
from domain.errors import Unauthenticated


@dataclass(frozen=True, slots=True)
class Caller:
    """The actor, and the account as it was read to find out."""

    actor: Actor
    account: Versioned[UserView]


@dataclass(frozen=True)
class IdentifyCaller:
    """The token is verified by its signature; that its session still lives is asked of the store every time."""

    access_tokens: AccessTokens
    queries: IdentityQueries
    clock: Clock

    async def __call__(self, access_token: str) -> Caller:
        """Raises Unauthenticated (`bad-token`)."""
        now = self.clock.now()
        claims = await self.access_tokens.read(access_token, now)
        found = await self.queries.signed_in(claims.session_id, now) if claims else None
        if claims is None or found is None or found.user.value.id != claims.user_id:
            raise Unauthenticated("bad-token", "The access token is not (or no longer) good.", presented=True)
        actor = actors.member(
            claims.user_id,
            permissions_of(found.user.value.roles),
            session_id=claims.session_id,
            signed_in_at=found.signed_in_at,
        )
        return Caller(actor, found.user)
