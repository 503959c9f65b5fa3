"""How words are looked for in lists: see docs/decisions/0030."""

from collections.abc import Sequence
from math import isqrt
from typing import Any

from sqlalchemy import Function, literal_column, select
from sqlalchemy.ext.compiler import compiles

SAMPLED = 160
"""How many rows of the sample, which holds one in 64, are counted at most."""

ALL = select(literal_column(str(2**63 - 1))).scalar_subquery()
"""A LIMIT that is none. PostgreSQL does not look into it when it plans: it then expects a tenth of the rows to be
wanted, and not all, which it would rather sort."""


class PlaceOf(Function[int]):
    """Where a text stands in another one, from 1; or 0. LIKE would do, but is guessed to find nearly nobody: where many
    have a word, PostgreSQL would then rather read and sort the whole table than follow the order."""

    inherit_cache = True


@compiles(PlaceOf, "postgresql")
def _on_postgresql(element: PlaceOf, compiler: Any, **options: Any) -> str:
    return f"strpos{compiler.process(element.clause_expr, **options)}"


@compiles(PlaceOf, "sqlite")
def _on_sqlite(element: PlaceOf, compiler: Any, **options: Any) -> str:
    return f"instr{compiler.process(element.clause_expr, **options)}"


def rare_ones(counts: Sequence[int], limit: int) -> tuple[int, ...]:
    """By which words to gather: the rarest, else all, of which PostgreSQL then forms the intersection; none where it is
    cheaper to walk.

    Of a million accounts, m with the words and a page of n, one gathers m rows, or walks n / m of the million. Both are
    the same for m = 1000 √n, of which the sample has a 64th.
    """
    few = 14 * isqrt(limit)
    together, *each = counts
    if each and min(each) <= few:
        return (each.index(min(each)),)
    return tuple(range(max(1, len(each)))) if together <= few else ()
