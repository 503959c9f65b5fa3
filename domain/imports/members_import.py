"""The import of a file of members: what was asked for, and how far it has come."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum
from typing import Protocol
from uuid import UUID


class OnDuplicate(Enum):
    """What becomes of a row whose e-mail address has an account already."""

    SKIP = "skip"
    UPDATE = "update"
    REJECT = "reject"


class Source(Enum):
    """Where a file comes from, which says what its columns are called and how its cells are written."""

    MOOTHALL = "moothall"
    FASTAPI_USERS = "fastapi-users"
    DJANGO = "django"
    POCKETBASE = "pocketbase"


@dataclass(frozen=True, slots=True)
class Counts:
    """Rows, by what became of them; in a dry run by what would have."""

    created: int = 0
    updated: int = 0
    skipped: int = 0
    rejected: int = 0

    @property
    def done(self) -> int:
        return self.created + self.updated + self.skipped + self.rejected

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(
            self.created + other.created,
            self.updated + other.updated,
            self.skipped + other.skipped,
            self.rejected + other.rejected,
        )


@dataclass(frozen=True, slots=True)
class Importer:
    """Who asked for it, and what they were allowed at that time: an import never reaches further, and no further than
    what they are still allowed when a row's turn comes.

    `name` is what the audit trail calls them; an operator has no `user_id`. With an `impersonator_id` that
    administrator acted in the place of the member.
    """

    name: str
    permissions: frozenset[str]
    user_id: UUID | None = None
    api_key_id: UUID | None = None
    impersonator_id: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MembersImport:
    """`file_digest` is the SHA-256 of the file, `lines` how many lines it has, the header among them: so many rows at
    most. `counts` are those of the rows that are done; the next row is the one behind them."""

    id: UUID
    job_id: UUID
    importer: Importer
    source: Source
    on_duplicate: OnDuplicate
    dry_run: bool
    invite: bool
    file_digest: bytes
    file_size: int
    lines: int
    created_at: datetime
    counts: Counts = Counts()

    def advanced(self, counts: Counts) -> "MembersImport":
        return replace(self, counts=self.counts + counts)


@dataclass(frozen=True, slots=True)
class RejectedRow:
    """`line` is where the row begins (the header is line 1), `column` what its file calls the cell at fault (empty: it
    is the row), `row` the row as it stands in the file, without password hashes."""

    line: int
    column: str
    reason: str
    row: str


class Imports(Protocol):
    """Imports within a unit of work. They go with their job."""

    async def add(self, found: MembersImport) -> None: ...

    async def get(self, import_id: UUID) -> MembersImport | None:
        """Locked until the unit of work ends: two workers on one import take turns."""
        ...

    async def save(self, changed: MembersImport, rejected: Sequence[RejectedRow]) -> None:
        """How far it has come, and the rows that were refused on the way; in the order of their lines."""
        ...

    async def settle(self) -> None:
        """So many accounts may be new that the store has to look at them anew, to find its ways among them."""
        ...

    async def expect(self, import_id: UUID, keys: Collection[bytes]) -> None:
        """Note what a dry run would have taken (16 bytes each), for the rows that follow. What is noted already stays
        so."""
        ...

    async def expected(self, import_id: UUID, keys: Collection[bytes]) -> set[bytes]:
        """Which of these were noted."""
        ...

    async def forget_expected(self, *, limit: int) -> int:
        """Remove some of what was noted for imports that succeeded (one that failed may be retried); how many they
        were."""
        ...
