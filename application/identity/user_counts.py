"""How many members there are; of a million, counting takes longer than everything else about a page."""

from application.identity.ports import IdentityQueries
from application.identity.views import UserFilters
from application.remembering import ROLES, USERS, Changes, Remembered

MOST_KNOWN = 100
"""Different filters whose counts each process remembers."""


class UserCounts:
    """Counted once, until an account is made, changed or removed."""

    def __init__(self, queries: IdentityQueries, changes: Changes) -> None:
        self._queries = queries
        self._known = Remembered[UserFilters, int](changes, most=MOST_KNOWN)

    async def of(self, filters: UserFilters) -> int:
        known = self._known.get(filters)
        if known is None:
            known = await self._known.read(filters, (USERS, ROLES), lambda: self._queries.count_users(filters))
        return known or 0
