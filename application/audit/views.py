"""What readers of the audit trail get to see."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from uuid import UUID

from domain.errors import Invalid

LONGEST_FILTER = 200


@dataclass(frozen=True, slots=True)
class AuditFilters:
    """None leaves a filter out. `since` is included, `until` is not.

    Raises:
        Invalid: `filter-too-long`.
    """

    actor: str | None = None
    action: str | None = None
    subject: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    def __post_init__(self) -> None:
        for name in ("actor", "action", "subject"):
            if len(getattr(self, name) or "") > LONGEST_FILTER:
                raise Invalid.field(
                    "filter-too-long", f"/{name}", f"Nothing is longer than {LONGEST_FILTER} characters."
                )


class Flaw(Enum):
    """What is wrong with a place in the chain."""

    MISSING = "missing"
    TAMPERED = "tampered"
    FORGED = "forged"
    UNCHECKED = "unchecked"
    SURPLUS = "surplus"


@dataclass(frozen=True, slots=True)
class BrokenLink:
    """`missing`: there is no entry of that number. `tampered`: the entry is not what was sealed. `forged`: the entry
    or its seal was not made under the secret that it names, or the seal is another one than the head that was noted.
    `unchecked`: the entry stands behind a missing one, without which nobody can tell. `surplus`: more entries than the
    chain has links claim a place in it. `number` is None for an entry that is not sealed."""

    number: int | None
    flaw: Flaw
    entry_id: UUID | None


@dataclass(frozen=True, slots=True)
class Sealed:
    """How many entries were sealed, and the end of the chain since (`NUMBER:DIGEST`); None where none was sealed."""

    count: int
    head: str | None


@dataclass(frozen=True, slots=True)
class Verification:
    """What `VerifyAudit` found. `head` (`NUMBER:DIGEST`) is the end of the chain: kept elsewhere, it shows later that
    nothing was cut off. `unsealed` entries are still to come into the chain. `unproven` ones were sealed under a secret
    that is no longer known, and no head vouches for them: anybody who can write to the database could have."""

    sealed: int
    unsealed: int
    head: str
    broken: Sequence[BrokenLink]
    unproven: int = 0

    @property
    def is_sound(self) -> bool:
        return not self.broken and not self.unproven
