"""The file of a backup: written whole or not at all, and recognised by its first bytes."""

import gzip
import io
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum
from pathlib import Path
from typing import BinaryIO, cast

from adapters.backups.envelope import BEGINNING as OF_ENCRYPTED

COMPRESSION = 3
"""Of 1 to 9. Ids and hashes hardly get smaller, whatever the effort."""
_OF_GZIP = b"\x1f\x8b"
_OF_SQLITE = b"SQLite format 3\0"
_LONGEST_BEGINNING = max(len(OF_ENCRYPTED), len(_OF_SQLITE))


class Kind(Enum):
    PLAIN = _OF_GZIP
    ENCRYPTED = OF_ENCRYPTED
    DATABASE = _OF_SQLITE


@contextmanager
def new_file(path: Path) -> Iterator[BinaryIO]:
    """A file that nobody else may read. It gets its name, and takes the place of what had it, once it is whole and on
    the disk.

    Raises:
        OSError: it cannot be written.
    """
    own = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        with os.fdopen(os.open(own, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        own.replace(path)
    finally:
        own.unlink(missing_ok=True)


@contextmanager
def compressed(file: BinaryIO) -> Iterator[BinaryIO]:
    """What to write into."""
    with gzip.GzipFile(filename="", mode="wb", compresslevel=COMPRESSION, fileobj=file, mtime=0) as plain:
        yield cast(BinaryIO, plain)


def decompressed(file: BinaryIO) -> BinaryIO:
    """What to read from; one that is damaged ends too early, or raises OSError, EOFError or zlib.error."""
    return cast(BinaryIO, io.BufferedReader(gzip.GzipFile(fileobj=file, mode="rb")))


def recognised(file: BinaryIO) -> tuple[Kind | None, BinaryIO]:
    """What kind of file it is, if it is one of ours; and the file, from its beginning still."""
    beginning = file.read(_LONGEST_BEGINNING)
    kind = next((kind for kind in Kind if beginning.startswith(kind.value)), None)
    return kind, io.BufferedReader(_Behind(beginning, file))


class _Behind(io.RawIOBase):
    """A file of which the beginning was read already."""

    def __init__(self, beginning: bytes, file: BinaryIO) -> None:
        self._beginning = beginning
        self._file = file

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "memoryview") -> int:  # type: ignore[override]
        found = self._beginning[: len(buffer)] or self._file.read(len(buffer))
        self._beginning = self._beginning[len(buffer) :]
        buffer[: len(found)] = found
        return len(found)
