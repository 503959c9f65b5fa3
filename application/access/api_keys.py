"""API keys: made, listed, revoked by their owners, or for them by who holds the permission."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import ClassVar
from uuid import UUID

from application.access.permissions import PermissionCatalogue
from application.access.ports import AccessQueries, KeyMaker
from application.access.reach import require_reach_over, require_still_signed_in, rights_of
from application.access.views import ApiKeyView, NewApiKey
from application.audit.trail import Trail
from application.idempotency import Idempotency, Once
from application.identity.accounts import loaded, no_such_user
from application.identity.ports import IdentityQueries
from application.paging import Page, PageRequest, Sort, read_page
from application.ports import Clock, Ids
from application.unit_of_work import Transactions
from domain.access.actor import Actor
from domain.access.api_keys import MOST_KEYS, ApiKey, checked_expiry
from domain.access.permissions import Permission, covers_all
from domain.access.policy import OPERATOR, OWNER_IN_PERSON, Rule, holder, is_theirs_to_see, require, require_reach
from domain.audit.entry import added
from domain.errors import Conflict, Denied, NotFound

READ = Permission("api-keys:read", "See every member's API keys, though never the keys themselves.")
REVOKE = Permission("api-keys:revoke", "Revoke every member's API keys.")

NEWEST_FIRST = Sort("created_at", descending=True)
EXPIRED_KEPT_FOR = timedelta(days=30)
"""How long a key that ran out is still listed, before it is swept."""


@dataclass(frozen=True)
class CreateApiKey:
    """A key of one's own; the operator makes one for any member. It can never do more than its owner; what the
    owner loses later, the key loses too."""

    rule: ClassVar[Rule] = OWNER_IN_PERSON | OPERATOR

    transactions: Transactions
    catalogue: PermissionCatalogue
    keys: KeyMaker
    trail: Trail
    idempotency: Idempotency
    clock: Clock
    ids: Ids

    async def __call__(
        self,
        actor: Actor,
        *,
        name: str,
        permissions: Iterable[str],
        expires_at: datetime | None = None,
        user_id: UUID | None = None,
        once: Once[ApiKeyView] | None = None,
    ) -> NewApiKey:
        """`user_id` None: one's own. A repeated request is not told the key again.

        Raises Invalid for the fields (`unknown-permission`, `bad-expiry`), NotFound (`user-not-found`), Denied
        (`beyond-your-rights`, `beyond-owners-rights`), Conflict (`too-many-keys`).
        """
        owner = user_id or actor.user_id
        require(actor, self.rule, owner=owner)
        if owner is None:
            raise NotFound("user-not-found", "Say whose key this shall be.")
        await self.idempotency.check(actor, once)
        wanted = self.catalogue.known(permissions)
        require_reach(actor, wanted)
        now = self.clock.now()
        key = self.keys.new()
        made = ApiKey(
            id=self.ids.new(),
            user_id=owner,
            name=name,
            prefix=self.keys.prefix(key),
            digest=self.keys.digest(key),
            permissions=wanted,
            created_at=now,
            expires_at=checked_expiry(expires_at, now),
        )
        async with self.transactions.begin() as uow:
            await self.idempotency.keep(uow, actor, once, ApiKeyView.of(made))
            user = await loaded(uow, owner)
            await require_still_signed_in(uow, actor)
            if not covers_all(await rights_of(uow, user), wanted):
                raise Denied("beyond-owners-rights", "A key cannot be allowed more than its owner.")
            if await uow.api_keys.count_of(owner) >= MOST_KEYS:
                raise Conflict("too-many-keys", f"One member has {MOST_KEYS} keys at most; revoke one first.")
            await uow.api_keys.add(made)
            await self.trail.record(
                uow,
                actor,
                "api-key.created",
                subject=owner,
                item=made.id,
                fields=added(wanted),
            )
        return NewApiKey(**asdict(ApiKeyView.of(made)), key=key)


@dataclass(frozen=True)
class ListApiKeys:
    """One's own, or with `api-keys:read` another member's; everybody's for the operator, who has none. Newest first."""

    rule: ClassVar[Rule] = OWNER_IN_PERSON | holder(READ)

    queries: AccessQueries
    identity: IdentityQueries

    async def __call__(
        self, actor: Actor, *, user_id: UUID | None = None, page: PageRequest = PageRequest()
    ) -> Page[ApiKeyView]:
        """Raises NotFound (`user-not-found`)."""
        owner = user_id or actor.user_id
        require(actor, self.rule, owner=owner)
        if user_id is not None and await self.identity.user(user_id) is None:
            raise no_such_user()
        return await read_page(
            page, NEWEST_FIRST, partial(self.queries.api_keys, owner), partial(self.queries.count_api_keys, owner)
        )


@dataclass(frozen=True)
class ShowApiKey:
    """One's own, or with `api-keys:read` anybody's. Whether another member's key exists is not told."""

    rule: ClassVar[Rule] = OWNER_IN_PERSON | holder(READ)

    queries: AccessQueries

    async def __call__(self, actor: Actor, *, key_id: UUID) -> ApiKeyView:
        """Raises NotFound (`api-key-not-found`)."""
        found = await self.queries.api_key(key_id)
        if not is_theirs_to_see(actor, self.rule, owner=found.user_id if found else None) or found is None:
            raise _no_such_key()
        return found


@dataclass(frozen=True)
class RevokeApiKey:
    """One's own, or with `api-keys:revoke` anybody's. Whether another member's key exists is not told."""

    rule: ClassVar[Rule] = OWNER_IN_PERSON | holder(REVOKE, own_in_person=True)

    transactions: Transactions
    queries: AccessQueries
    trail: Trail

    async def __call__(self, actor: Actor, *, key_id: UUID) -> None:
        """Raises NotFound (`api-key-not-found`), Denied (`beyond-your-rights`)."""
        found = await self.queries.api_key(key_id)
        owner = found.user_id if found else None
        if not is_theirs_to_see(actor, self.rule, owner=owner) or owner is None:
            raise _no_such_key()
        async with self.transactions.begin() as uow:
            if owner != actor.user_id:
                await require_reach_over(uow, actor, await loaded(uow, owner))
            if not await uow.api_keys.remove(key_id):
                raise _no_such_key()
            await self.trail.record(uow, actor, "api-key.revoked", subject=owner, item=key_id)


def _no_such_key() -> NotFound:
    return NotFound("api-key-not-found", "There is no such API key.")
