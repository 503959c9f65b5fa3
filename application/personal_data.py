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
from application.paging import walk
from application.ports import Clock
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
    clock: Clock

    async def __call__(self, actor: Actor, *, user_id: UUID | None = None) -> PersonalData:
        """Of the caller, unless another one is named. Raises NotFound (`user-not-found`)."""
        owner = user_id or actor.user_id
        require(actor, self.rule, owner=owner)
        user = await self.identity.user(owner) if owner is not None else None
        if owner is None or user is None:
            raise no_such_user()
        now = self.clock.now()
        return PersonalData({"exported_at": now, "user": user.value}, self._lists(owner, now))

    def _lists(self, owner: UUID, now: datetime) -> Mapping[str, AsyncIterator[Sequence[Any]]]:
        by_them = AuditFilters(actor=str(owner))
        return {
            "sessions": walk(partial(self.identity.sessions_of, owner, now)),
            "api_keys": walk(partial(self.access.api_keys, owner)),
            "jobs": walk(partial(self.jobs.jobs, JobFilters(user_id=owner))),
            "audit": walk(partial(self.audit.entries, by_them)),
        }
