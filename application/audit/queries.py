"""Reading the trail."""

from dataclasses import dataclass
from typing import ClassVar

from application.audit.ports import AuditQueries
from application.audit.views import AuditFilters
from application.paging import Page, PageRequest, Sort
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
        rows = await self.queries.entries(
            filters, after=page.after(NEWEST_FIRST), offset=page.offset, limit=page.size + 1
        )
        total = await self.queries.count_entries(filters) if page.counts else None
        return Page.of(rows, page, NEWEST_FIRST, total)
