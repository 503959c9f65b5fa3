"""What pages are made of."""

import re
from collections.abc import Iterable, Sequence

MARKS = re.compile(r"([*<]|(?<!\w)_|_(?!\w))")
GENERATED = "<!-- Written by `make docs`. Change the code, and not this page. -->"


def page(title: str, *parts: str) -> str:
    """A page ends with one line feed, and has one blank line between its parts."""
    return "\n\n".join(part for part in (GENERATED, f"# {title}", *parts) if part) + "\n"


def table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Empty where there are no rows."""
    lines = [_row(row) for row in rows]
    return "\n".join([_row(headings), _row(["---"] * len(headings)), *lines]) if lines else ""


def code(text: object) -> str:
    return f"`{text}`" if str(text) else ""


def plain(text: str) -> str:
    """A sentence that was not written as Markdown, but for what stands between backticks."""
    parts = text.split("`")
    return "`".join(part if number % 2 else MARKS.sub(r"\\\1", part) for number, part in enumerate(parts))


def paragraph(text: str | None) -> str:
    """A docstring as one paragraph for each of its own."""
    parts = re.split(r"\n\s*\n", (text or "").replace("\b\n", "").strip())
    return "\n\n".join(" ".join(part.split()) for part in parts)


def slug(heading: str) -> str:
    """The anchor that a heading gets."""
    return re.sub(r"[-\s]+", "-", re.sub(r"[^\w\s-]", "", heading).strip().lower())


def _row(cells: Sequence[str]) -> str:
    return "|" + "|".join(f" {cell} " if cell else " " for cell in map(_cell, cells)) + "|"


def _cell(text: str) -> str:
    return " ".join(str(text).split()).replace("|", r"\|")
