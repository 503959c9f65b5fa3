"""What may be allowed: `resource:action`, and the patterns that stand for several of them.

A pattern is a permission, `resource:*` for every action on a resource, or `*` for everything.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

ALL = "*"
PERMISSION = re.compile(r"[a-z]+(-[a-z]+)*:[a-z]+(-[a-z]+)*")


@dataclass(frozen=True, slots=True, order=True)
class Permission:
    """`sentence` tells an administrator what it allows."""

    name: str
    sentence: str

    def __post_init__(self) -> None:
        if not PERMISSION.fullmatch(self.name):
            raise ValueError(f"{self.name!r} is not of the form resource:action.")

    @property
    def pattern(self) -> str:
        """What stands for every action on the same resource."""
        return every_action_on(self.name)

    def __str__(self) -> str:
        return self.name


def every_action_on(permission: str) -> str:
    return f"{permission.partition(':')[0]}:*"


def covers(granted: frozenset[str], wanted: str) -> bool:
    """Whether the granted patterns allow all that a permission (or another pattern) stands for."""
    return wanted in granted or ALL in granted or (wanted != ALL and every_action_on(wanted) in granted)


def covers_all(granted: frozenset[str], wanted: Iterable[str]) -> bool:
    return all(covers(granted, pattern) for pattern in wanted)


def shared(some: frozenset[str], others: frozenset[str]) -> frozenset[str]:
    """The patterns that stand for exactly what both allow."""
    return frozenset(
        {pattern for pattern in some if covers(others, pattern)}
        | {pattern for pattern in others if covers(some, pattern)}
    )
