"""The keys that sign access tokens: made, published, rotated with overlap."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar

from application.audit.trail import Trail
from application.identity.accounts import IdentityRules
from application.identity.ports import IdentityQueries, KeyFactory
from application.identity.views import SigningKeyView
from application.ports import Clock
from application.unit_of_work import Transactions
from domain.access.actor import PROCESS, Actor
from domain.access.policy import ANYBODY, OPERATOR, PROCESS_ITSELF, Rule, require
from domain.identity.signing_key import SigningKey

SIGNING_KEYS = "signing-keys"
NEWS_TRAVELS_WITHIN = timedelta(minutes=1)
"""How long a process may go on signing with a key that another process retired."""


@dataclass(frozen=True)
class EnsureSigningKey:
    """A first key, where there is none that this installation's secret opens; of two at once, one is made."""

    rule: ClassVar[Rule] = PROCESS_ITSELF

    transactions: Transactions
    trail: Trail
    keys: KeyFactory
    clock: Clock

    async def __call__(self) -> None:
        async with self.transactions.begin() as uow:
            await uow.serialise(SIGNING_KEYS)
            usable = [k for k in await uow.signing_keys.all() if k.retired_at is None and self.keys.opens(k)]
            if not usable:
                key = self.keys.make(self.clock.now())
                await uow.signing_keys.add(key)
                await self.trail.record(uow, PROCESS, "signing-key.created", subject=key.kid)


@dataclass(frozen=True)
class RotateSigningKeys:
    """A new key signs from now on; the others verify until the last token that they signed has run out."""

    rule: ClassVar[Rule] = OPERATOR

    transactions: Transactions
    trail: Trail
    keys: KeyFactory
    rules: IdentityRules
    clock: Clock

    async def __call__(self, actor: Actor) -> SigningKeyView:
        require(actor, self.rule)
        now = self.clock.now()
        overlap = self.rules.access_token_ttl + NEWS_TRAVELS_WITHIN
        async with self.transactions.begin() as uow:
            await uow.serialise(SIGNING_KEYS)
            await uow.signing_keys.remove_expired(now)
            for key in await uow.signing_keys.all():
                if key.retired_at is None:
                    await uow.signing_keys.save(key.retired(now, overlap))
            new = self.keys.make(now)
            await uow.signing_keys.add(new)
            await self.trail.record(uow, actor, "signing-key.rotated", subject=new.kid)
        return _shown(new)


@dataclass(frozen=True)
class ListSigningKeys:
    rule: ClassVar[Rule] = OPERATOR

    queries: IdentityQueries

    async def __call__(self, actor: Actor) -> Sequence[SigningKeyView]:
        require(actor, self.rule)
        return [_shown(key) for key in await self.queries.signing_keys()]


@dataclass(frozen=True)
class PublishKeys:
    """The public halves with which anybody can verify our access tokens (RFC 7517)."""

    rule: ClassVar[Rule] = ANYBODY

    queries: IdentityQueries
    keys: KeyFactory
    clock: Clock

    async def __call__(self) -> list[dict[str, str]]:
        now = self.clock.now()
        return [self.keys.as_jwk(key) for key in await self.queries.signing_keys() if key.verifies(now)]


def _shown(key: SigningKey) -> SigningKeyView:
    return SigningKeyView(key.kid, key.algorithm, key.created_at, key.retired_at, key.expires_at)
