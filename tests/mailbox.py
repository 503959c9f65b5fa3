"""The mails that somebody got, read as a mail program reads them."""

import re
import time
from dataclasses import dataclass
from email import message_from_bytes, policy
from pathlib import Path
from urllib.parse import urlsplit

LINK = re.compile(r"https?://\S+")
COMES_WITHIN = 20.0
LOOKED_FOR_EVERY = 0.1


@dataclass(frozen=True)
class Received:
    """One mail. `plain` is its text, `html` the same for eyes."""

    to: str
    subject: str
    plain: str
    html: str

    @classmethod
    def of(cls, content: bytes) -> "Received":
        message = message_from_bytes(content, policy=policy.default)
        plain, html = message.get_body(("plain",)), message.get_body(("html",))
        assert plain is not None
        assert html is not None
        return cls(str(message["To"]), str(message["Subject"]), plain.get_content(), html.get_content())

    @property
    def links(self) -> list[str]:
        return LINK.findall(self.plain)


def mails(directory: Path, *, to: str | None = None) -> list[Received]:
    """Those in a folder of `.eml` files, the oldest first; only those to an address, if one is given."""
    received = [Received.of(path.read_bytes()) for path in sorted(directory.glob("*.eml"))]
    return [mail for mail in received if to in (None, mail.to)]


def message_ids(directory: Path) -> list[str]:
    """Of all mails, one for each time that it was written."""
    found = (message_from_bytes(path.read_bytes(), policy=policy.default) for path in directory.glob("*.eml"))
    return [str(message["Message-ID"]) for message in found]


def links(directory: Path, *, to: str | None = None) -> list[str]:
    """Every link in those mails, the oldest first."""
    return [link for mail in mails(directory, to=to) for link in mail.links]


def link_to(directory: Path, page: str, *, to: str, number: int = 1) -> str:
    """The latest link to a page that came to an address; waits until there are that many."""
    limit = time.monotonic() + COMES_WITHIN
    while True:
        found = [link for link in links(directory, to=to) if urlsplit(link).path == page]
        if len(found) >= number:
            return found[-1]
        assert time.monotonic() < limit, f"no link to {page} came to {to}"
        time.sleep(LOOKED_FOR_EVERY)


def inside(link: str) -> str:
    """Path and query of a link: for who reaches the same server under another name."""
    parts = urlsplit(link)
    return f"{parts.path}?{parts.query}" if parts.query else parts.path
