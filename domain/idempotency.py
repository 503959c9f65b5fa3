"""Answers that are kept for requests that may come again."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """`caller` and `key` together are taken once. `fingerprint` is 32 bytes, `answer` what the edge made of it."""

    caller: str
    key: str
    fingerprint: bytes
    answer: bytes
    created_at: datetime


class KeptAnswers(Protocol):
    """Kept answers within a unit of work."""

    async def keep(self, answer: KeptAnswer, *, instead_of_before: datetime) -> None:
        """In the place of one that was kept before that time.

        Raises:
            Conflict: `request-running`; there is a newer one, or another unit of work makes one.
        """
        ...

    async def remove_all_of(self, caller: str) -> None: ...

    async def remove_before(self, time: datetime) -> int:
        """Those that were kept before; how many there were."""
        ...
