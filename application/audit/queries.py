"""Reading the trail."""

from dataclasses import dataclass
from functools import partial
from typing import ClassVar

from application.audit.ports import AuditQueries
from application.audit.views import AuditFilters
from application.paging import Page, PageRequest, Sort, read_page
from domain.access.actor import Actor
from domain.access.permissions import Permission
from domain.access.policy import Rule, holder, require
from domain.audit.entry import Entry

READ = Permission("audit:read", "Read the audit trail.")
NEWEST_FIRST = Sort("at", descending=True)


@dataclass(frozen=True)
class ListAudit:
    """Newest first."""

    rule: ClassVar[Rule] = holder(READ)

    queries: AuditQueries

    async def __call__(
        self, actor: Actor, *, filters: AuditFilters = AuditFilters(), page: PageRequest = PageRequest()
    ) -> Page[Entry]:
        require(actor, self.rule)
        return await read_page(
            page, NEWEST_FIRST, partial(self.queries.entries, filters), partial(self.queries.count_entries, filters)
        )
