"""How a backup is written down: JSON Lines, of which each says by its first character what it is.

    {"format": "moothall-backup", "version": 1, "revision": "0011", …, "tables": [{"name": "users", "columns": …}, …]}
    {"table": "users"}
    ["0190…", "ada@example.com", …]              a row, with values as `adapters/sql/shapes.py` has them
    {"file": "avatars/…/512.webp"}
    "UklGR…"                                     a piece of the file, in base64
    {"end": {"rows": {"users": 1, …}, "files": 1}, "sha256": "…"}

The digest is of everything before the last line. A file that was cut off has no last line, and of one that was altered
the digest is another.
"""

import base64
import hashlib
import json
import re
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from gzip import BadGzipFile
from typing import Any, BinaryIO

from adapters.sql.shapes import Row, Shape
from domain.errors import Invalid

FORMAT = "moothall-backup"
VERSION = 1
PIECE = 48 * 1024
"""Bytes of a file that one line holds; divisible by three, so that base64 needs no padding in between."""
LONGEST_LINE = 64 * 1024 * 1024
_KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]*(/[A-Za-z0-9][A-Za-z0-9.-]*)*")
ROWS_AT_ONCE = 1_000
BYTES_AT_ONCE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Header:
    """`saved_at` is RFC 3339 in UTC. `secrets` are the ids of the secrets without which something is of no use: how
    many rows of which tables."""

    moothall: str
    revision: str
    engine: str
    saved_at: str
    secrets: Mapping[str, Mapping[str, int]]
    tables: Sequence[Shape]


@dataclass(frozen=True, slots=True)
class Rows:
    """Some of a table's; the next ones follow it."""

    table: str
    rows: Sequence[Row]


@dataclass(frozen=True, slots=True)
class Piece:
    """Of the file of that key; the next one follows it. The first one is empty."""

    key: str
    content: bytes
    is_first: bool = False


@dataclass(frozen=True, slots=True)
class End:
    """How much there was."""

    rows: Mapping[str, int]
    files: int


Item = Header | Rows | Piece | End

_as_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), check_circular=False).encode


class Writer:
    """From items, in their order, to lines."""

    def __init__(self) -> None:
        self._digest = hashlib.sha256()
        self._table = ""

    def lines(self, item: Item) -> bytes:
        match item:
            case Header():
                text = _as_json(_header_as_json(item)) + "\n"
            case Rows(table, rows):
                text = self._beginning(table) + "".join([_as_json(row) + "\n" for row in rows])
            case Piece(key, is_first=True):
                text = _as_json({"file": key}) + "\n"
            case Piece(_, content):
                text = f'"{base64.b64encode(content).decode()}"\n'
            case End(counted, files):
                end = {"end": {"rows": counted, "files": files}, "sha256": self._digest.hexdigest()}
                return (_as_json(end) + "\n").encode()
        data = text.encode()
        self._digest.update(data)
        return data

    def _beginning(self, table: str) -> str:
        """What says whose rows follow, unless it was said already."""
        if table == self._table:
            return ""
        self._table = table
        return _as_json({"table": table}) + "\n"


def read(file: BinaryIO) -> Iterator[Item]:
    """From lines to items: a header first, an end last, and behind it nothing.

    Raises (while it is iterated):
        Invalid: `backup-damaged`, `backup-too-new`.
    """
    digest = hashlib.sha256()
    line = _line(file)
    header = _header(_parsed(line))
    digest.update(line)
    yield header
    tables = {shape.table for shape in header.tables}
    table, key = "", ""
    while True:
        rows, line = _rows_and_what_follows(file)
        if rows:
            digest.update(b"".join(rows))
            yield Rows(table, _parsed(b"[" + b",".join(rows) + b"]"))
        if line.startswith(b'"'):
            digest.update(line)
            yield Piece(key, _content(line))
        elif line:
            match _parsed(line):
                case {"table": str(table)} if table in tables:
                    digest.update(line)
                case {"file": str(key)} if is_key(key):
                    digest.update(line)
                    yield Piece(key, b"", is_first=True)
                case {"end": {"rows": dict(counted), "files": int(files)}, "sha256": str(sha256)}:
                    if sha256 != digest.hexdigest() or not _is_over(file):
                        raise damaged()
                    yield End(counted, files)
                    return
                case _:
                    raise damaged()


def is_key(text: str) -> bool:
    """Whether it may be one of a file of ours, as `application/blobs.py` has them: no path leads elsewhere."""
    return _KEY.fullmatch(text) is not None


def damaged(detail: str = "It was cut off, or changed since.") -> Invalid:
    return Invalid("backup-damaged", f"This is no whole backup. {detail}")


def _line(file: BinaryIO) -> bytes:
    with _unpacking():
        line = file.readline(LONGEST_LINE)
    if not line.endswith(b"\n"):
        raise damaged()
    return line


def _is_over(file: BinaryIO) -> bool:
    with _unpacking():
        return not file.read(1)


@contextmanager
def _unpacking() -> Iterator[None]:
    try:
        yield
    except (EOFError, BadGzipFile, zlib.error):
        raise damaged() from None


def _rows_and_what_follows(file: BinaryIO) -> tuple[list[bytes], bytes]:
    """Lines of rows, and the line behind them; nothing behind them where there are more rows than these."""
    rows: list[bytes] = []
    size = 0
    while (line := _line(file)).startswith(b"["):
        rows.append(line)
        size += len(line)
        if len(rows) == ROWS_AT_ONCE or size > BYTES_AT_ONCE:
            return rows, b""
    return rows, line


def _parsed(text: bytes) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise damaged() from None


def _content(line: bytes) -> bytes:
    try:
        return base64.b64decode(line[1:-2], validate=True)
    except ValueError:
        raise damaged() from None


def _header_as_json(header: Header) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "version": VERSION,
        "moothall": header.moothall,
        "revision": header.revision,
        "engine": header.engine,
        "saved_at": header.saved_at,
        "secrets": header.secrets,
        "tables": [{"name": shape.table, "columns": dict(shape.columns)} for shape in header.tables],
    }


def _header(found: Any) -> Header:
    match found:
        case {"format": "moothall-backup", "version": int(version)} if version > VERSION:
            raise Invalid("backup-too-new", "This backup is of a form that only a newer version of Moothall reads.")
        case {
            "format": "moothall-backup",
            "moothall": str(moothall),
            "revision": str(revision),
            "engine": str(engine),
            "saved_at": str(saved_at),
            "secrets": dict(secrets),
            "tables": list(tables),
        }:
            return Header(moothall, revision, engine, saved_at, secrets, [_shape(table) for table in tables])
        case _:
            raise damaged("It does not begin like one.")


def _shape(found: Any) -> Shape:
    match found:
        case {"name": str(name), "columns": dict(columns)}:
            return Shape(name, columns)
        case _:
            raise damaged("It does not begin like one.")
