"""What happens to the rest when an account goes."""

from dataclasses import dataclass

from application.idempotency import caller_of
from application.identity.accounts import an_administrator_stays
from application.orders.books import Books
from application.outbox import Outbox
from application.profiles.discarding import discard_avatar
from application.unit_of_work import UnitOfWork
from domain.access.actor import Actor
from domain.identity.events import UserDeleted
from domain.identity.user import User


@dataclass(frozen=True)
class Erasure:
    """Stores remove what is the member's along with the account; everything else is seen to here."""

    outbox: Outbox
    books: Books

    async def erase(self, uow: UnitOfWork, actor: Actor, user: User) -> None:
        """Call in a unit of work that called `serialise(ACCESS)` first. Raises Conflict (`last-admin`)."""
        await an_administrator_stays(uow, user)
        await self.books.close_account(uow, actor, user.id)
        await discard_avatar(uow, self.outbox, actor, user.id)
        await uow.users.remove(user.id)
        await self.outbox.emit(uow, actor, UserDeleted(user.id))
        await uow.idempotency.remove_all_of(caller_of(str(user.id), user.id))
