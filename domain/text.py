"""Rules for text that people type, and the one way in which it is searched."""

import re
import unicodedata
from collections.abc import Iterable

from domain.errors import Invalid

_NOT_IN_PARAGRAPHS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
_ASCII_WORDS = re.compile("[0-9A-Za-z]+")


def fold(text: str) -> str:
    """The form in which two texts that differ only by width, composition or case are equal.

    NFKC and full case folding, repeated until nothing changes, so that folding twice is folding once
    (Unicode 15.1, section 3.13, NFKC_Casefold).
    """
    if text.isascii():
        return text.lower()
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    while (again := unicodedata.normalize("NFKC", folded.casefold())) != folded:
        folded = again
    return folded


MOST_MARKS = 30
"""In a row, as in the Stream-Safe Text Format (Unicode Standard Annex 15, section 13)."""


def fold_long(text: str) -> str:
    """The folded form of text to be searched, which may be long. Of marks in a row only the first count: putting them
    into their order takes time by the square of how many they are, ten seconds and more for 100,000."""
    return fold(text if text.isascii() else _with_few_marks(text))


def _with_few_marks(text: str) -> str:
    kept, marks = [], 0
    for character in text:
        marks = marks + 1 if unicodedata.category(character)[0] == "M" or character in "\uff9e\uff9f" else 0
        if marks <= MOST_MARKS:
            kept.append(character)
    return "".join(kept)


def words(text: str) -> list[str]:
    """The folded runs of letters and digits in a text."""
    return words_of(fold_long(text))


def words_of(folded: str) -> list[str]:
    """The same of what is folded already."""
    if folded.isascii():
        return _ASCII_WORDS.findall(folded)
    return "".join(character if character.isalnum() else " " for character in folded).split()


def search_text(parts: Iterable[str | None]) -> str:
    """What a search looks through: every word once, each behind a space, so that ` al` finds what begins in `al`."""
    given = [part for part in parts if part]
    together = " ".join(given)
    found = words(together) if together.isascii() else [word for part in given for word in words(part)]
    unique = dict.fromkeys(found)
    return "".join(f" {word}" for word in unique)


def line(text: str | None, *, pointer: str, longest: int) -> str | None:
    """One line of text, kept as typed.

    Raises:
        Invalid: it is empty, longer than `longest` code points, or holds control characters or lone surrogates.
    """
    if text is None:
        return None
    if not text.strip():
        raise Invalid.field("empty-text", pointer, "This may be left out, but not be empty.")
    if len(text) > longest:
        raise Invalid.field("text-too-long", pointer, f"This may have {longest} characters at most.")
    if text.isascii() and text.isprintable():
        return text
    if any(unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp") for character in text):
        raise Invalid.field("control-characters", pointer, "This may not hold line breaks or control characters.")
    return text


def paragraphs(text: str | None, *, pointer: str, longest: int, may_be_empty: bool = False) -> str | None:
    """Text of several lines, kept as typed.

    Raises:
        Invalid: it is empty, longer than `longest` code points, or holds lone surrogates or control characters other
            than tabs and line breaks.
    """
    if text is None:
        return None
    if not may_be_empty and not text.strip():
        raise Invalid.field("empty-text", pointer, "This may be left out, but not be empty.")
    if len(text) > longest:
        raise Invalid.field("text-too-long", pointer, f"This may have {longest} characters at most.")
    if _NOT_IN_PARAGRAPHS.search(text):
        detail = "This may hold tabs and line breaks, but no other control characters."
        raise Invalid.field("control-characters", pointer, detail)
    return text
