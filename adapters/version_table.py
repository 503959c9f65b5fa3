"""Counters in memory that the processes of one machine share, so that what one has written is known to the others as
soon as it is acknowledged."""

import fcntl
import hashlib
import logging
import mmap
import os
import secrets
import stat
import tempfile
import weakref
from collections.abc import Iterable, Sequence
from pathlib import Path
from uuid import UUID

log = logging.getLogger("moothall.database")

SLOTS = 16_384
_BYTES = SLOTS * 8
_SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 # nosec B108 # the file is opened with care


class VersionTable:
    """Things share slots by chance; what has a slot in common with what was changed, only seems to have changed.

    A version is a random number of 64 bits, not a count: two processes that write one at the same time leave one that
    nobody has seen before.
    """

    def __init__(self, file: int | None = None, path: Path | None = None) -> None:
        memory = mmap.mmap(-1 if file is None else file, _BYTES)
        self._versions = memoryview(memory).cast("Q")
        self._end = weakref.finalize(self, _close, self._versions, memory, file, path)

    @classmethod
    def shared(cls, identity: Iterable[object], *, folder: Path | None = None) -> "VersionTable":
        """The one of all processes of this machine and user that give the same identity, such as a database's address.
        Where the machine does not allow it, one for this process alone."""
        name = hashlib.sha256(repr(tuple(identity)).encode()).hexdigest()[:32]
        place = folder or (_SHARED_MEMORY if _SHARED_MEMORY.is_dir() else Path(tempfile.gettempdir()))
        path = place / f"moothall-{os.getuid()}-{name}"
        try:
            return cls(_open(path), path)
        except OSError as error:
            log.warning("No memory is shared with other processes of this machine: %s", error)
            return cls()

    def slots(self, things: Iterable[UUID]) -> tuple[int, ...]:
        return tuple(thing.int % SLOTS for thing in things)

    def versions(self, slots: Sequence[int]) -> tuple[int, ...]:
        versions = self._versions
        return tuple([versions[slot] for slot in slots])

    def change(self, things: Iterable[UUID]) -> None:
        for slot in self.slots(things):
            self._versions[slot] = secrets.randbits(64)

    def close(self) -> None:
        """The last process that has the file open removes it."""
        self._end()


def _open(path: Path) -> int:
    """A file of ours that nobody is just removing.

    Raises:
        OSError: it cannot be opened, or is somebody else's.
    """
    while True:
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            found = os.fstat(file)
            if not stat.S_ISREG(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
                raise PermissionError(f"{path} is not this user's alone")
            fcntl.flock(file, fcntl.LOCK_SH)  # whoever is just removing it holds it for no longer than that takes
            if _is_at(file, path):
                os.posix_fallocate(file, 0, _BYTES)  # a page that the memory has no room for would kill the process
                return file
        except BaseException:
            os.close(file)
            raise
        os.close(file)


def _close(versions: memoryview, memory: mmap.mmap, file: int | None, path: Path | None) -> None:
    versions.release()
    memory.close()
    if file is None or path is None:
        return
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if _is_at(file, path):
            path.unlink()
    except BlockingIOError:
        pass  # others have it open
    finally:
        os.close(file)


def _is_at(file: int, path: Path) -> bool:
    """Whether it is still this file that the path leads to."""
    try:
        return os.path.samestat(os.fstat(file), path.stat(follow_symlinks=False))
    except FileNotFoundError:
        return False
