"""Mails as files, where there is no mail server: any mail program opens them."""

import asyncio
import logging
import os
import tempfile
from contextlib import suppress
from datetime import UTC
from email.headerregistry import Address
from pathlib import Path

from adapters.mail.message import as_bytes, as_message, plain_key
from application.mail import Mail, Mailer
from domain.errors import Unavailable

_log = logging.getLogger("moothall.mail")


class FileMailer(Mailer):
    """One `.eml` file a mail, which only its owner may read; the same mail sent again is the same file."""

    def __init__(self, directory: Path, *, sender: Address) -> None:
        self._directory = directory
        self._sender = sender

    async def send(self, mail: Mail) -> None:
        content = as_bytes(as_message(mail, self._sender))
        name = f"{mail.written_at.astimezone(UTC):%Y%m%dT%H%M%S.%fZ}.{plain_key(mail.key)}.eml"
        try:
            await asyncio.to_thread(self._write, name, content)
        except OSError as error:
            raise Unavailable(
                "mail-unavailable", f"The mail could not be written: {error.strerror or error}."
            ) from error
        _log.info("A mail was written to %s.", self._directory / name)

    def _write(self, name: str, content: bytes) -> None:
        """All of it or nothing, and on the disk when this returns."""
        self._directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor, own = tempfile.mkstemp(dir=self._directory, prefix=".", suffix=".part")
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            os.replace(own, self._directory / name)  # noqa: PTH105 - both are on the same file system
        except BaseException:
            with suppress(OSError):
                os.unlink(own)  # noqa: PTH108
            raise
