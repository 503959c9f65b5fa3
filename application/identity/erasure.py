"""What happens to the rest when an account goes."""

from application.idempotency import caller_of
from application.identity.accounts import an_administrator_stays
from application.unit_of_work import UnitOfWork
from domain.identity.user import User


async def erase(uow: UnitOfWork, user: User) -> None:
    """Stores remove what is the member's along with the account; everything else is seen to here.

    Call it in a unit of work that called `serialise(ACCESS)` first. Raises Conflict (`last-admin`).
    """
    await an_administrator_stays(uow, user)
    await uow.users.remove(user.id)
    await uow.idempotency.remove_all_of(caller_of(str(user.id), user.id))
