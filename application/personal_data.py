"""Everything that is kept about a member, for them to take along (GDPR, articles 15 and 20)."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, ClassVar
from uuid import UUID

from application.access.ports import AccessQueries
from application.audit.ports import AuditQueries
from application.audit.views import AuditFilters
from application.identity.accounts import no_such_user
from application.identity.ports import IdentityQueries
from application.jobs.ports import JobQueries
from application.jobs.views import JobFilters
from application.live.ports import LiveQueries
from application.notifications.ports import NotificationQueries
from application.notifications.views import shown_preferences
from application.orders.ports import OrderQueries
from application.orders.views import OrderFilters
from application.paging import walk
from application.ports import Clock
from application.posts.ports import PostQueries
from application.posts.reading import NEWEST_FIRST as POSTS_NEWEST_FIRST
from application.posts.views import PostFilters
from application.profiles.ports import ProfileQueries
from application.site import Site
from domain.access.actor import Actor
from domain.access.policy import OPERATOR, OWNER_IN_PERSON, Rule, require


@dataclass(frozen=True)
class PersonalData:
    """`facts` are there once. `lists` are read some at a time while somebody asks for more: nobody knows how long they
    are."""

    facts: Mapping[str, Any]
    lists: Mapping[str, AsyncIterator[Sequence[Any]]]


@dataclass(frozen=True)
class ExportPersonalData:
    """Each list as it is when it is read: the whole is no snapshot, and holds no transaction open for as long as
    somebody takes to download it."""

    rule: ClassVar[Rule] = OWNER_IN_PERSON | OPERATOR

    identity: IdentityQueries
    access: AccessQueries
    audit: AuditQueries
    jobs: JobQueries
    profiles: ProfileQueries
    posts: PostQueries
    orders: OrderQueries
    notifications: NotificationQueries
    live: LiveQueries
    site: Site
    clock: Clock

    async def __call__(self, actor: Actor, *, user_id: UUID | None = None) -> PersonalData:
        """Of the caller, unless another one is named. Raises NotFound (`user-not-found`)."""
        owner = user_id or actor.user_id
        require(actor, self.rule, owner=owner)
        user = await self.identity.user(owner) if owner is not None else None
        if owner is None or user is None:
            raise no_such_user()
        now = self.clock.now()
        facts = {"exported_at": now, "user": user.value, **await self._facts(owner)}
        return PersonalData(facts, self._lists(owner, now))

    async def _facts(self, owner: UUID) -> Mapping[str, Any]:
        shown = await self.profiles.member_shown(owner)
        return {
            "profile": shown.view(self.site) if shown is not None else None,
            "external_id": await self.identity.external_id(owner),
            "notification_preferences": shown_preferences(await self.notifications.preferences(owner)).value,
        }

    def _lists(self, owner: UUID, now: datetime) -> Mapping[str, AsyncIterator[Sequence[Any]]]:
        by_them = AuditFilters(actor=str(owner))
        return {
            "posts": walk(partial(self.posts.posts, PostFilters(author_id=owner), POSTS_NEWEST_FIRST)),
            "orders": walk(partial(self.orders.orders, OrderFilters(user_id=owner))),
            "payments": walk(partial(self.orders.payments_of, owner)),
            "notifications": walk(partial(self.notifications.notifications, owner, None)),
            "messages": walk(partial(self.live.said_by, owner)),
            "sessions": walk(partial(self.identity.sessions_of, owner, now)),
            "api_keys": walk(partial(self.access.api_keys, owner)),
            "jobs": walk(partial(self.jobs.jobs, JobFilters(user_id=owner))),
            "audit": walk(partial(self.audit.entries, by_them)),
        }
