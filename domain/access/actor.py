"""The caller of a use case."""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from uuid import UUID


class ActorKind(Enum):
    ANONYMOUS = "anonymous"
    MEMBER = "member"
    OPERATOR = "operator"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who is calling.

    `name` is how logs and the audit trail call them: `anonymous`, the member's id, or `cli:NAME` for whoever runs the
    command line on the server itself. `permissions` holds `resource:action` patterns; `*` stands for every permission.
    """

    kind: ActorKind
    name: str
    permissions: frozenset[str] = frozenset()
    user_id: UUID | None = None
    session_id: UUID | None = None
    signed_in_at: datetime | None = None


ANONYMOUS = Actor(ActorKind.ANONYMOUS, "anonymous")


def member(user_id: UUID, permissions: frozenset[str], *, session_id: UUID, signed_in_at: datetime) -> Actor:
    return Actor(ActorKind.MEMBER, str(user_id), permissions, user_id, session_id, signed_in_at)


def operator(name: str) -> Actor:
    """Whoever may run commands on the server's database: allowed everything, and named in the trail."""
    return Actor(ActorKind.OPERATOR, f"cli:{name}", frozenset({"*"}))
