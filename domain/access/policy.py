"""Who may do what: one pure decision on a caller, a rule and an owner.

Every use case declares its rule: the ways in which somebody may come to do it. A rule is one way, or several joined
by `|`.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from domain.access.actor import Actor, ActorKind
from domain.access.permissions import Permission, covers
from domain.errors import Denied, Unauthenticated

RECENT_SIGN_IN = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why not. `code` and `detail` are those of the error that tells it."""

    code: str
    detail: str


NOT_SIGNED_IN = Refusal("not-signed-in", "Sign in first.")
MEMBERS_ONLY = Refusal("members-only", "Only a member can do this for themselves.")
NOT_YOURS = Refusal("not-allowed", "This is somebody else's.")
NOT_IN_PERSON = Refusal("not-in-person", "For this, members sign in themselves: no API key, and nobody in their place.")
SIGN_IN_AGAIN = Refusal("sign-in-again", "For this, sign in again: the last time was more than 15 minutes ago.")
OPERATOR_ONLY = Refusal("operator-only", "This is done on the server, with the command line.")


class Way(ABC):
    """One way to be allowed something."""

    __slots__ = ()

    @abstractmethod
    def refusal(self, actor: Actor, owner: UUID | None, now: datetime | None) -> Refusal | None:
        """Why this way is closed to them; None where it is open. Asked only of those who are signed in."""


@dataclass(frozen=True, slots=True)
class Rule:
    """Whoever finds one of the ways open may. With no way at all only the process itself may."""

    ways: tuple[Way, ...]
    anybody: bool = False

    def __or__(self, other: "Rule") -> "Rule":
        return Rule(self.ways + other.ways, self.anybody or other.anybody)

    def __str__(self) -> str:
        """Whom it lets pass, in words."""
        return "everybody" if self.anybody else "; or ".join(map(str, self.ways)) or "the process itself"

    @property
    def permissions(self) -> tuple[Permission, ...]:
        """Those that open a way."""
        return tuple(way.permission for way in self.ways if isinstance(way, Holding))


@dataclass(frozen=True, slots=True)
class SignedInAtAll(Way):
    def __str__(self) -> str:
        return "whoever is signed in"

    def refusal(self, actor: Actor, owner: UUID | None, now: datetime | None) -> Refusal | None:
        return None


@dataclass(frozen=True, slots=True)
class Holding(Way):
    """To hold the permission, whosever the thing is. `own_in_person`: with one's own only in person, so that an API key
    or somebody in a member's place cannot do by permission what is the member's alone."""

    permission: Permission
    in_person: bool = False
    own_in_person: bool = False

    def __str__(self) -> str:
        how = ", in person" if self.in_person else " (their own things only in person)" if self.own_in_person else ""
        return f"who holds `{self.permission}`{how}"

    def refusal(self, actor: Actor, owner: UUID | None, now: datetime | None) -> Refusal | None:
        if not covers(actor.permissions, self.permission.name):
            return Refusal("not-allowed", f"This needs the permission {self.permission}.")
        is_own = owner is not None and owner == actor.user_id
        if (self.in_person or (self.own_in_person and is_own)) and not actor.in_person:
            return NOT_IN_PERSON
        return None


@dataclass(frozen=True, slots=True)
class Owning(Way):
    """To be the member whose thing it is; `recently` (OWASP ASVS 5.0, 7.5.1) asks for the password of just now."""

    in_person: bool = False
    recently: bool = False

    def __str__(self) -> str:
        how = ", in person" if self.in_person else ""
        return f"the member whose it is{how}{', within 15 minutes of signing in' if self.recently else ''}"

    def refusal(self, actor: Actor, owner: UUID | None, now: datetime | None) -> Refusal | None:
        if actor.user_id is None:
            return MEMBERS_ONLY
        if actor.user_id != owner:
            return NOT_YOURS
        if self.in_person and not actor.in_person:
            return NOT_IN_PERSON
        if self.recently and (actor.signed_in_at is None or now is None or now - actor.signed_in_at > RECENT_SIGN_IN):
            return SIGN_IN_AGAIN
        return None


@dataclass(frozen=True, slots=True)
class Operating(Way):
    def __str__(self) -> str:
        return "who runs commands on the server, and the server itself"

    def refusal(self, actor: Actor, owner: UUID | None, now: datetime | None) -> Refusal | None:
        return None if actor.kind in (ActorKind.OPERATOR, ActorKind.PROCESS) else OPERATOR_ONLY


ANYBODY = Rule((), anybody=True)
SIGNED_IN = Rule((SignedInAtAll(),))
OWNER = Rule((Owning(),))
OWNER_IN_PERSON = Rule((Owning(in_person=True),))
OWNER_JUST_SIGNED_IN = Rule((Owning(in_person=True, recently=True),))
OPERATOR = Rule((Operating(),))
PROCESS_ITSELF = Rule(())


def holder(permission: Permission, *, in_person: bool = False, own_in_person: bool = False) -> Rule:
    return Rule((Holding(permission, in_person, own_in_person),))


def judge(actor: Actor, rule: Rule, *, owner: UUID | None = None, now: datetime | None = None) -> Refusal | None:
    """None where they may; else why not: what stands in the way of an owner, before what strangers lack."""
    if rule.anybody:
        return None
    if actor.kind is ActorKind.ANONYMOUS:
        return NOT_SIGNED_IN
    refusals = []
    for way in rule.ways:
        refusal = way.refusal(actor, owner, now)
        if refusal is None:
            return None
        refusals.append(refusal)
    telling = [refusal for refusal in refusals if refusal not in (NOT_YOURS, MEMBERS_ONLY)]
    return (telling or refusals or [OPERATOR_ONLY])[0]


def require(actor: Actor, rule: Rule, *, owner: UUID | None = None, now: datetime | None = None) -> None:
    """Let pass who may.

    Raises:
        Unauthenticated: nobody is signed in.
        Denied: somebody is, who may not; the code says why.
    """
    if (refusal := judge(actor, rule, owner=owner, now=now)) is not None:
        raise _error(refusal)


def is_theirs_to_see(actor: Actor, rule: Rule, *, owner: UUID | None) -> bool:
    """Whether they may, where the very existence of a thing is private: False has to look as if it did not exist.

    `owner` is None where there is no such thing. Raises as `require` does for who may do this to nothing at all.
    """
    if owner is not None and judge(actor, rule, owner=owner) is None:
        return True
    refusal = judge(actor, rule, owner=actor.user_id)
    if refusal is not None and (owner == actor.user_id or judge(actor, rule) is not None):
        raise _error(refusal)
    return False


def require_own(actor: Actor, rule: Rule, *, now: datetime | None = None) -> UUID:
    """The id of the member on whose own things the caller acts; raises as `require` does."""
    require(actor, rule, owner=actor.user_id, now=now)
    if actor.user_id is None:
        raise Denied(MEMBERS_ONLY.code, MEMBERS_ONLY.detail)
    return actor.user_id


def _error(refusal: Refusal) -> Unauthenticated | Denied:
    category = Unauthenticated if refusal is NOT_SIGNED_IN else Denied
    return category(refusal.code, refusal.detail)


def require_reach(actor: Actor, permissions: Iterable[str]) -> None:
    """Nobody gives, takes or overrules what they could not do themselves.

    Raises:
        Denied: `beyond-your-rights`.
    """
    if beyond := sorted(pattern for pattern in permissions if not covers(actor.permissions, pattern)):
        raise Denied("beyond-your-rights", f"This reaches beyond what you may do yourself: {', '.join(beyond[:10])}.")
