"""What callers may do at the very moment of a change, and how far their rights reach over another account."""

from dataclasses import replace
from uuid import UUID

from application.unit_of_work import ACCESS, UnitOfWork
from domain.access.actor import Actor
from domain.access.permissions import ALL, shared
from domain.access.policy import Rule, require, require_reach
from domain.access.roles import permissions_of
from domain.errors import Unauthenticated
from domain.identity.user import User


async def rights_of(uow: UnitOfWork, user: User) -> frozenset[str]:
    """All permissions that the user's roles give."""
    return permissions_of(role for role in await uow.roles.all() if role.name in user.roles)


async def admitted(uow: UnitOfWork, actor: Actor, rule: Rule, *, owner: UUID | None = None) -> Actor:
    """The caller with the rights that they still have, if these are enough for the rule.

    For changes of accounts and of who may do what. They take turns, and who waited may have been demoted, signed out or
    deactivated meanwhile by who was before them.

    Raises:
        Unauthenticated: `bad-token`; their session, key or account is gone.
        Denied: the rule asks for more.
    """
    await uow.serialise(ACCESS)
    still = actor if actor.user_id is None else replace(actor, permissions=await _rights_left(uow, actor))
    require(still, rule, owner=owner)
    return still


async def _rights_left(uow: UnitOfWork, actor: Actor) -> frozenset[str]:
    left = actor.permissions
    for user_id in (actor.user_id, actor.impersonator_id):
        if user_id is not None:
            user = await uow.users.get(user_id)
            if user is None or not user.is_active:
                raise _gone()
            left = shared(left, await rights_of(uow, user))
    await require_still_signed_in(uow, actor)
    return left


async def require_still_signed_in(uow: UnitOfWork, actor: Actor) -> None:
    """For what gives somebody a way in: whoever waited for a lock may have been signed out meanwhile by who held it.
    Call it when the caller's own account is locked.

    Raises:
        Unauthenticated: `bad-token`; their session or key is gone.
    """
    if actor.session_id is not None:
        session = await uow.sessions.get(actor.session_id)
        by = session.impersonation if session is not None else None
        if session is None or (by is not None and await uow.sessions.get(by.session_id) is None):
            raise _gone()
    if actor.api_key_id is not None and not await uow.api_keys.exists(actor.api_key_id):
        raise _gone()


async def require_reach_over(uow: UnitOfWork, actor: Actor, user: User) -> None:
    """Let pass who may do all that the user may: else acting on the user's account would be a way to their rights.

    Raises:
        Denied: `beyond-your-rights`.
    """
    if ALL not in actor.permissions:
        require_reach(actor, await rights_of(uow, user))


def _gone() -> Unauthenticated:
    return Unauthenticated("bad-token", "You were signed out meanwhile.", presented=True)
