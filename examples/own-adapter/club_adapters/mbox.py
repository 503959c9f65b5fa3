"""Mails in one mbox file (RFC 4155), which any mail program opens."""

import asyncio
import mailbox
from email.headerregistry import Address
from pathlib import Path

from adapters.mail.message import as_bytes, as_message
from application.mail import Mail, Mailer
from domain.errors import Unavailable


class MboxMailer(Mailer):
    """Appends. A mail that is sent again is there twice, with one Message-ID, as it is in a mailbox."""

    def __init__(self, path: Path, *, sender: Address) -> None:
        self._path = path
        self._sender = sender
        self._turn = asyncio.Lock()

    async def send(self, mail: Mail) -> None:
        content = as_bytes(as_message(mail, self._sender))  # raises Invalid where the recipient is no address
        async with self._turn:
            try:
                await asyncio.to_thread(self._append, content)
            except (OSError, mailbox.Error) as error:
                raise Unavailable("mail-unavailable", f"The mail could not be appended to {self._path}.") from error

    def _append(self, content: bytes) -> None:
        """A mail begins at a line that begins with `From `: within one, the F is written in quoted-printable."""
        self._path.touch(mode=0o600)  # there are links in it that are nobody else's
        box = mailbox.mbox(self._path)
        try:
            box.lock()
            box.add(content.replace(b"\r\nFrom ", b"\r\n=46rom "))
        finally:
            box.close()
