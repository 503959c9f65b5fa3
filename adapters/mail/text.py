"""Text that strangers wrote, made fit for one line of a mail."""

import unicodedata

_NO_PLACE_IN_A_LINE = frozenset({"Cc", "Cs", "Zl", "Zp"})
_TURN_THE_READING = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def one_line(text: str, longest: int | None = 200) -> str:
    """The text on one line, without what turns the direction of reading; cut where it is longer (in characters)."""
    if longest is not None:
        text = text[: longest * 4]
    kept = (" " if unicodedata.category(c) in _NO_PLACE_IN_A_LINE else c for c in text if c not in _TURN_THE_READING)
    line = " ".join("".join(kept).split())
    return line if longest is None or len(line) <= longest else line[: longest - 1] + "…"


def header_text(text: str) -> str:
    """The text as a header may hold it. What looks like an encoded word (RFC 2047) is broken up.

    The standard library would decode it, line ends and all, and write headers that nobody asked for (CVE-2024-6923).
    """
    return one_line(text).replace("=?", "= ?")
