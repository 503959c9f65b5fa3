"""How far one account's rights reach over another's."""

from application.unit_of_work import UnitOfWork
from domain.access.actor import Actor
from domain.access.permissions import ALL
from domain.access.policy import require_reach
from domain.access.roles import permissions_of
from domain.identity.user import User


async def rights_of(uow: UnitOfWork, user: User) -> frozenset[str]:
    """All permissions that the user's roles give."""
    return permissions_of(role for role in await uow.roles.all() if role.name in user.roles)


async def require_reach_over(uow: UnitOfWork, actor: Actor, user: User) -> None:
    """Let pass who may do all that the user may: else changing the user's account would be a way to their rights.

    Raises:
        Denied: `beyond-your-rights`.
    """
    if ALL not in actor.permissions:
        require_reach(actor, await rights_of(uow, user))
