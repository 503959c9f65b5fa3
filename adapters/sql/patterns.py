"""Sets of permissions in a column: sorted, a blank between them."""

from collections.abc import Iterable


def as_text(patterns: Iterable[str]) -> str:
    return " ".join(sorted(patterns))


def as_patterns(text: str) -> frozenset[str]:
    return frozenset(text.split())
