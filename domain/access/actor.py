"""The caller of a use case."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum
from uuid import UUID

EVERYTHING = frozenset({"*"})


class ActorKind(Enum):
    ANONYMOUS = "anonymous"
    MEMBER = "member"
    API_KEY = "api-key"
    OPERATOR = "operator"
    PROCESS = "process"


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a call comes from, as far as it says; all are None for the command line."""

    address: str | None = None
    user_agent: str | None = None
    request_id: str | None = None


NOWHERE = Origin()


@dataclass(frozen=True, slots=True)
class Actor:
    """Who is calling.

    `name` is what the audit trail calls them: `anonymous`, a member's id, `cli:NAME` for whoever runs the command line
    on the server itself, or `moothall` for the process. `permissions` are patterns, as `permissions.py` reads them.

    `called` is the name of who is no member. `user_id` is the member on whose things they act. An API key acts for its
    owner, and is named for them. Under impersonation `user_id` is the member who is impersonated, and `name` the
    administrator who does it (`impersonator_id`).
    """

    kind: ActorKind
    called: str | None = None
    permissions: frozenset[str] = frozenset()
    user_id: UUID | None = None
    session_id: UUID | None = None
    signed_in_at: datetime | None = None
    api_key_id: UUID | None = None
    impersonator_id: UUID | None = None
    origin: Origin = NOWHERE

    @property
    def name(self) -> str:
        return self.called or str(self.impersonator_id or self.user_id)

    @property
    def in_person(self) -> bool:
        """Whether they came themselves: no API key, and nobody in a member's place."""
        return self.kind is not ActorKind.API_KEY and self.impersonator_id is None

    def proved_to_be(self, user_id: UUID) -> "Actor":
        """The stranger as the trail calls them after they showed a member's password or refresh token."""
        return replace(self, called=str(user_id))


def anonymous(origin: Origin = NOWHERE) -> Actor:
    return Actor(ActorKind.ANONYMOUS, "anonymous", origin=origin)


ANONYMOUS = anonymous()


def member(
    user_id: UUID,
    permissions: frozenset[str],
    *,
    session_id: UUID,
    signed_in_at: datetime,
    impersonator_id: UUID | None = None,
    origin: Origin = NOWHERE,
) -> Actor:
    return Actor(
        ActorKind.MEMBER,
        None,
        permissions,
        user_id,
        session_id,
        signed_in_at,
        impersonator_id=impersonator_id,
        origin=origin,
    )


def api_key(key_id: UUID, owner_id: UUID, permissions: frozenset[str], *, origin: Origin = NOWHERE) -> Actor:
    return Actor(ActorKind.API_KEY, None, permissions, owner_id, api_key_id=key_id, origin=origin)


def operator(name: str) -> Actor:
    """Whoever may run commands on the server's database: allowed everything, and named in the trail."""
    return Actor(ActorKind.OPERATOR, f"cli:{name}", EVERYTHING)


PROCESS = Actor(ActorKind.PROCESS, "moothall", EVERYTHING)
"""The server or the worker itself, when nobody asked for what it does."""
