"""Encrypting with a passphrase, in the age format (https://age-encryption.org/v1), as a stream.

What a passphrase encrypts, the library wants in memory as a whole. So each backup gets a key pair of its own; what is
encrypted with the passphrase (`envelope.py`) is its private half alone, as age keeps identity files, and stands in
front. The standard tool opens it in two steps, which docs/backup.md has.

The library reads and writes in a thread of its own, through a pipe: nothing unencrypted touches a disk.
"""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, BinaryIO, Literal

from adapters.backups.envelope import END, sealed
from adapters.backups.format import damaged
from domain.errors import Unauthenticated

if TYPE_CHECKING:
    from pyrage.x25519 import Identity

_LONGEST_ENVELOPE = 64 * 1024


@contextmanager
def encrypted(file: BinaryIO, passphrase: str) -> Iterator[BinaryIO]:
    """What to write into, so that it comes into the file encrypted."""
    from pyrage import x25519  # noqa: PLC0415 (most commands do without)

    identity = x25519.Identity.generate()
    file.write(sealed(f"{identity}\n".encode(), passphrase))
    with encrypted_to(file, identity) as plain:
        yield plain


@contextmanager
def decrypted(file: BinaryIO, passphrase: str) -> Iterator[BinaryIO]:
    """What to read from. Where the file was cut off or changed, it ends too early.

    Raises:
        Unauthenticated: `bad-passphrase`.
        Invalid: `backup-damaged`.
    """
    with decrypted_with(file, unsealed(file, passphrase)) as plain:
        yield plain


def unsealed(file: BinaryIO, passphrase: str) -> "Identity":
    """From the beginning of the file, of which nothing more is read. Raises as `decrypted` does."""
    from pyrage import DecryptError, IdentityError, x25519  # noqa: PLC0415 (as above)
    from pyrage import passphrase as age  # noqa: PLC0415

    envelope = b""
    while not envelope.endswith(END):
        line = file.readline(_LONGEST_ENVELOPE)
        envelope += line
        if not line or len(envelope) > _LONGEST_ENVELOPE:
            raise damaged()
    try:
        return x25519.Identity.from_str(age.decrypt(envelope, passphrase).decode().strip())
    except DecryptError as error:
        raise Unauthenticated(
            "bad-passphrase", f"The passphrase does not open this backup. ({error}.)", presented=True
        ) from None
    except (IdentityError, ValueError):
        raise damaged() from None


@contextmanager
def encrypted_to(file: BinaryIO, identity: "Identity") -> Iterator[BinaryIO]:
    """To the public half of the key.

    Raises:
        OSError: the file takes no more.
    """
    from pyrage import EncryptError, encrypt_io  # noqa: PLC0415 (as above)

    def work(source: BinaryIO) -> None:
        try:
            encrypt_io(source, file, [identity.to_public()])
        except EncryptError as error:  # it says what the file said
            raise OSError(str(error)) from None

    read, write = os.pipe()
    with ThreadPoolExecutor(1, "age") as thread:
        done = thread.submit(_closing, work, read, "rb")
        try:
            with os.fdopen(write, "wb") as plain:
                yield plain
        except BrokenPipeError:
            _tell(done)
            raise
        _tell(done)


@contextmanager
def decrypted_with(file: BinaryIO, identity: "Identity") -> Iterator[BinaryIO]:
    """What cannot be decrypted ends what is read, and whoever reads sees that it is not whole."""
    from pyrage import decrypt_io  # noqa: PLC0415 (as above)

    def work(target: BinaryIO) -> None:
        decrypt_io(file, target, [identity])

    read, write = os.pipe()
    with ThreadPoolExecutor(1, "age") as thread:
        thread.submit(_closing, work, write, "wb")
        with os.fdopen(read, "rb") as plain:
            yield plain


def _closing(work: Callable[[BinaryIO], None], end: int, mode: Literal["rb", "wb"]) -> None:
    with os.fdopen(end, mode) as file:
        work(file)


def _tell(done: "Future[None]") -> None:
    """Raises what went wrong in the thread."""
    done.result()
