"""Changing a few rows of many, in one statement."""

from typing import Any

from sqlalchemy import Select


def chosen_once(few: Select[Any]) -> Select[Any]:
    """What `few` (one column, with a LIMIT) finds, for `IN (…)` in an UPDATE or a DELETE.

    A subquery that stands there itself may be run again for every row of the table: PostgreSQL does so where it takes
    the table for a small one. Each time it passes over what was locked and changed meanwhile, and finds others: then
    all rows are changed, whatever the LIMIT. A materialized one is run once. It stands within the `IN (…)`, for of a
    statement that begins with WITH Python's driver of SQLite counts no rows.
    """
    return few.cte("few", nesting=True).prefix_with("MATERIALIZED").select()
