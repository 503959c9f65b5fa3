"""Who may do what: pure decisions on an actor, a permission and an owner."""

from datetime import datetime, timedelta
from uuid import UUID

from domain.access.actor import Actor, ActorKind
from domain.errors import Denied, Unauthenticated

RECENT_SIGN_IN = timedelta(minutes=15)


def holds(granted: frozenset[str], permission: str) -> bool:
    """Whether the granted patterns cover a permission: itself, `resource:*`, or `*`."""
    return "*" in granted or permission in granted or f"{permission.partition(':')[0]}:*" in granted


def require(actor: Actor, permission: str, *, owner: UUID | None = None) -> None:
    """Let the owner and holders of the permission pass.

    Raises:
        Unauthenticated: nobody is signed in.
        Denied: somebody is, who may not.
    """
    if actor.kind is ActorKind.ANONYMOUS:
        raise Unauthenticated("not-signed-in", "Sign in first.")
    if owner is not None and actor.user_id == owner:
        return
    if not holds(actor.permissions, permission):
        raise Denied("not-allowed", f"This needs the permission {permission}.")


def require_member(actor: Actor) -> UUID:
    """The id of the member who is signed in.

    Raises:
        Unauthenticated: nobody is signed in.
        Denied: the caller is not a member (the operator has no account of their own).
    """
    if actor.kind is ActorKind.ANONYMOUS:
        raise Unauthenticated("not-signed-in", "Sign in first.")
    if actor.user_id is None:
        raise Denied("members-only", "Only a member can do this for themselves.")
    return actor.user_id


def require_recent_sign_in(actor: Actor, now: datetime) -> None:
    """Let pass who gave their password within the last 15 minutes (OWASP ASVS 5.0, 7.5.1).

    Raises:
        Denied: `sign-in-again`.
    """
    if actor.signed_in_at is None or now - actor.signed_in_at > RECENT_SIGN_IN:
        raise Denied("sign-in-again", "For this, sign in again: the last time was more than 15 minutes ago.")
