"""Looking members up."""

from dataclasses import dataclass
from functools import partial
from typing import ClassVar
from uuid import UUID

from application.identity.accounts import no_such_user
from application.identity.ports import EmailSyntax, IdentityQueries
from application.identity.user_counts import UserCounts
from application.identity.views import USER_SORTS, UserFilters, UserView, Versioned
from application.paging import Page, PageRequest, Sort, read_page
from domain.access.actor import Actor
from domain.access.permissions import Permission
from domain.access.policy import Rule, holder, require
from domain.errors import Invalid, NotFound
from domain.identity.user import USERNAME

READ = Permission("users:read", "See every member's account.")


@dataclass(frozen=True)
class ShowUser:
    rule: ClassVar[Rule] = holder(READ)

    queries: IdentityQueries

    async def __call__(self, actor: Actor, *, user_id: UUID) -> Versioned[UserView]:
        """Raises NotFound (`user-not-found`)."""
        require(actor, self.rule)
        found = await self.queries.user(user_id)
        if found is None:
            raise no_such_user()
        return found


@dataclass(frozen=True)
class FindUser:
    """From what people call a user (an id, an e-mail address or a username) to the id."""

    rule: ClassVar[Rule] = holder(READ)

    queries: IdentityQueries
    emails: EmailSyntax

    async def __call__(self, actor: Actor, *, name: str) -> UUID:
        """Raises NotFound (`user-not-found`)."""
        require(actor, self.rule)
        found = await self._find(name)
        if found is None:
            raise NotFound("user-not-found", f"There is no user {name!r}.")
        return found

    async def _find(self, name: str) -> UUID | None:
        try:
            found = await self.queries.user(UUID(name))
        except ValueError:
            pass  # not an id
        else:
            return found.value.id if found else None
        if USERNAME.fullmatch(name):
            return await self.queries.find_user(username_key=name.lower())
        try:
            return await self.queries.find_user(email_key=self.emails.parse(name).key)
        except Invalid:
            return None


@dataclass(frozen=True)
class ListUsers:
    """Newest first, unless sorted otherwise."""

    rule: ClassVar[Rule] = holder(READ)

    queries: IdentityQueries
    counts: UserCounts

    async def __call__(
        self,
        actor: Actor,
        *,
        filters: UserFilters = UserFilters(),
        sort: str = "-created_at",
        page: PageRequest = PageRequest(),
    ) -> Page[UserView]:
        require(actor, self.rule)
        order = Sort.parse(sort, USER_SORTS)
        return await read_page(
            page, order, partial(self.queries.users, filters, order), partial(self.counts.of, filters)
        )
