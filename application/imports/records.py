"""Records out of a CSV file (RFC 4180), however it is encoded and whatever is wrong with it, in little memory."""

import codecs
import csv
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from domain.errors import Invalid

LONGEST_RECORD = 65_536
"""Characters."""
SAMPLE = 1_000
"""Characters that are kept of a record which is too long."""
MOST_OPEN_QUOTES = 1_000
"""So many records may be broken by a quote that is never closed: to look for the end of each takes time."""

UNDECODABLE = "\udcff"
"""Stands for what could not be decoded: no text holds it."""

_BOMS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
_LONGEST_BOM = 3
_ERRORS = "moothall.undecodable"


def _stand_in(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return UNDECODABLE, error.end


codecs.register_error(_ERRORS, _stand_in)


@dataclass(frozen=True, slots=True)
class Record:
    """`line` is where it begins, from 1; `wrong` is why its cells are not told apart: one cell has a piece of all."""

    line: int
    cells: Sequence[str]
    wrong: str | None = None


class Records:
    """Feed it the file piece by piece, and it gives the records that are whole by then; empty lines are none.

    UTF-8 with or without a byte order mark, UTF-16 with one. Lines end with LF or CR LF; with CR where the first does.
    """

    def __init__(self, delimiter: str = ",") -> None:
        self._decoder: codecs.IncrementalDecoder | None = None
        self._undecoded = b""
        self._separator: str | None = None
        self._begun: list[str] = []
        self._begun_size = 0
        self._lines = _Lines()
        self._delimiter = delimiter
        self._line = 1
        self._open_quotes = 0

    def feed(self, piece: bytes) -> list[Record]:
        """Raises Invalid (`bad-quotes`): too many quotes are never closed."""
        self._take(self._decoded(piece, is_last=False), is_last=False)
        return list(self._whole())

    def finish(self) -> list[Record]:
        """What is left at the end of the file. Raises as `feed` does."""
        self._take(self._decoded(b"", is_last=True), is_last=True)
        self._lines.is_last = True
        return list(self._whole())

    def _decoded(self, piece: bytes, *, is_last: bool) -> str:
        if self._decoder is None:
            self._undecoded += piece
            if len(self._undecoded) < _LONGEST_BOM and not is_last:
                return ""
            piece, self._undecoded = self._undecoded, b""
            bom, encoding = next((found for found in _BOMS if piece.startswith(found[0])), (b"", "utf-8"))
            piece = piece[len(bom) :]
            self._decoder = codecs.getincrementaldecoder(encoding)(_ERRORS)
        return self._decoder.decode(piece, is_last)

    def _take(self, text: str, *, is_last: bool) -> None:
        """Cut into lines; of one that is too long only so much is kept that this can be seen."""
        if self._separator is None:
            text = "".join((*self._begun, text))
            self._begun, self._begun_size = [], 0
            self._separator = _separator(text, is_last=is_last)
            if self._separator is None:
                self._begin(text)
                return
        *whole, rest = text.split(self._separator)
        for line in whole:
            self._begin(line)
            self._lines.add("".join(self._begun) + "\n")
            self._begun, self._begun_size = [], 0
        self._begin(rest)
        if is_last and self._begun:
            self._lines.add("".join(self._begun))
            self._begun, self._begun_size = [], 0

    def _begin(self, text: str) -> None:
        room = LONGEST_RECORD + 1 - self._begun_size
        if text and room > 0:
            self._begun.append(text[:room])
            self._begun_size += len(self._begun[-1])

    def _whole(self) -> Iterator[Record]:
        lines = self._lines
        while True:
            reader = csv.reader(lines, delimiter=self._delimiter, strict=True)
            lines.begin()
            try:
                for cells in reader:
                    if cells:
                        yield Record(self._line, cells)
                    self._line += len(lines.taken)
                    lines.begin()
            except _NoMoreYet:
                lines.put_back(lines.taken)
                return
            except _TooLong:
                wrong = _too_long(len(lines.taken))
            except csv.Error as error:
                wrong = f"The quotes or line breaks in it are not those of a CSV file ({error})."
            else:
                return
            if len(lines.taken) > 1:
                self._count_open_quote()
            yield Record(self._line, (lines.taken[0][:SAMPLE].rstrip("\r\n"),), wrong)
            lines.put_back(lines.taken[1:])
            self._line += 1

    def _count_open_quote(self) -> None:
        self._open_quotes += 1
        if self._open_quotes > MOST_OPEN_QUOTES:
            raise Invalid.field("bad-quotes", "/file", f"More than {MOST_OPEN_QUOTES} quotes are never closed.")


class _NoMoreYet(Exception):
    """The record goes on in a line that has not come yet."""


class _TooLong(Exception):
    """No record is as long as that."""


class _Lines:
    """What the csv module reads from. `taken` are the lines of the record that it is reading."""

    def __init__(self) -> None:
        self.taken: list[str] = []
        self.is_last = False
        self._waiting: deque[str] = deque()
        self._size = 0

    def add(self, line: str) -> None:
        self._waiting.append(line)

    def begin(self) -> None:
        self.taken, self._size = [], 0

    def put_back(self, lines: Sequence[str]) -> None:
        self._waiting.extendleft(reversed(lines))
        self.begin()

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        if not self._waiting:
            if self.is_last:
                raise StopIteration
            raise _NoMoreYet
        line = self._waiting.popleft()
        self.taken.append(line)
        self._size += len(line)
        if self._size > LONGEST_RECORD:
            raise _TooLong
        return line


def _separator(text: str, *, is_last: bool) -> str | None:
    """What ends the lines; None while that cannot be said."""
    place = min((at for at in (text.find("\n"), text.find("\r")) if at >= 0), default=None)
    if place is None:
        return "\n" if is_last or len(text) > LONGEST_RECORD else None
    if text[place] == "\n":
        return "\n"
    if place + 1 == len(text) and not is_last:
        return None
    return "\n" if text[place + 1 : place + 2] == "\n" else "\r"


def _too_long(lines: int) -> str:
    if lines > 1:
        return f"A quote that opens here is not closed within {LONGEST_RECORD} characters."
    return f"The row has more than {LONGEST_RECORD} characters."
