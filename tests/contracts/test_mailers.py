"""Every mailer hands a mail over whole, once, and to nobody else; and says which failures will not mend."""

import email
import hashlib
import logging
import os
import stat
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, timezone
from email import policy
from email.headerregistry import Address
from email.message import EmailMessage
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from adapters.mail import FileMailer, MemoryMailer
from adapters.mail.message import as_bytes, as_message
from adapters.mail.smtp import SmtpMailer, SmtpServer
from adapters.mail.text import header_text
from application.mail import Mail, Mailer, Text
from domain.errors import Invalid, Unavailable
from entrypoints.redaction import without_secrets
from tests.smtp_server import RunningServer, smtp_server

NOW = datetime(2026, 5, 4, 12, 30, 15, 250_000, tzinfo=UTC)
SENDER = Address("Moothall", "no-reply", "club.example")
MAIL = Mail("0198-key", "ada@example.com", Text("Welcome", "Hello Ada\n", "<p>Hello Ada</p>\n"), NOW)
HOSTILE = [
    "Hello\r\nBcc: everybody@example.com",
    "Hello\nBcc: everybody@example.com",
    "Hello\rBcc: everybody@example.com",
    "Hello\r\n\r\n<h1>another body</h1>",
    "Hello\x0bBcc: a@example.com\x0cBcc: b@example.com\x1cBcc: c@example.com",
    "Hello\x85Bcc: a@example.com\u2028Bcc: b@example.com\u2029",
    "Hello\x00\x07\x1b[31m",
    "\u202eolleH\u202c \u2066x",
    "<script>alert(1)</script>",
    "=?utf-8?q?=0D=0ABcc:_everybody=40example.com?=",
    "=?utf-8?b?DQpCY2M6IHhAZXhhbXBsZS5jb20=?=",
    "\x00=\u202e?utf-8?q?=0D=0ABcc:_everybody=40example.com?=",
    "lone surrogates \ud800\udfff",
    "x" * 10_000,
    "ü" * 10_000,
    "🜁 " * 5_000,
]
NO_RECIPIENTS = [
    "",
    "ada",
    "@example.com",
    "ada@",
    "ada@example.com\r\nBcc: everybody@example.com",
    "ada@example.com\nRCPT TO:<everybody@example.com>",
    "ada@example.com, everybody@example.com",
    "ada@example.com,everybody@example.com",
    "ada@example.com> SIZE=1 <x@example.com",
    "Ada <ada@example.com>",
    "<ada@example.com>",
    "ada\x00@example.com",
    "ada @example.com",
    '"ada\r\nBcc: x@example.com"@example.com',
    "\ud800@example.com",
    "a" * 10_000 + "@example.com",
    "-oQ/tmp@-froot",
    "=?utf-8?q?=0D=0ABcc=3A_x=40example.com?=@example.com",
    "=?utf-8?b?DQpCY2M6IHhAZXhhbXBsZS5jb20=?=@example.com",
]


@dataclass(frozen=True)
class Arranged:
    mailer: Mailer
    arrived: Callable[[], Sequence[EmailMessage]]


def _parsed(raw: bytes) -> EmailMessage:
    return email.message_from_bytes(raw, policy=policy.default)


@pytest.fixture(scope="module")
def good_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with smtp_server(tmp_path_factory.mktemp("mails")) as server:
        yield server


@pytest.fixture(params=["memory", "files", "smtp"])
def arranged(request: pytest.FixtureRequest, tmp_path: Path, good_server: RunningServer) -> Arranged:
    """A mailer, and what arrived of what it sent, as mail programs read it."""
    if request.param == "memory":
        memory = MemoryMailer()
        return Arranged(memory, lambda: [_parsed(as_bytes(as_message(mail, SENDER))) for mail in memory.sent])
    if request.param == "files":
        folder = tmp_path / "data" / "mails"
        files = FileMailer(folder, sender=SENDER)
        return Arranged(files, lambda: [_parsed(path.read_bytes()) for path in sorted(folder.glob("*"))])
    good_server.forget()
    return Arranged(SmtpMailer(SmtpServer.of(good_server.url), sender=SENDER, timeout=5), good_server.messages)


async def test_a_mail_arrives_whole(arranged: Arranged) -> None:
    await arranged.mailer.send(MAIL)
    [message] = arranged.arrived()
    assert message["From"] == "Moothall <no-reply@club.example>"
    assert message["To"] == "ada@example.com"
    assert message["Subject"] == "Welcome"
    assert message["Date"].datetime == NOW.replace(microsecond=0)
    assert message["Message-ID"] == "<0198-key@club.example>"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["MIME-Version"] == "1.0"
    assert message.get_content_type() == "multipart/alternative"
    assert _bodies(message) == [("text/plain", "Hello Ada\n"), ("text/html", "<p>Hello Ada</p>\n")]


async def test_letters_of_all_alphabets_arrive(arranged: Arranged) -> None:
    words = "Grüße, مرحبا, 你好, 🜁"
    long = "<p>" + words * 500 + "</p>\n"
    await arranged.mailer.send(replace(MAIL, text=Text(words, f"{words}\n.\n..\nFrom here\n", long)))
    [message] = arranged.arrived()
    assert message["Subject"] == words
    assert _bodies(message) == [("text/plain", f"{words}\n.\n..\nFrom here\n"), ("text/html", long)]


async def test_a_mail_that_is_sent_again_can_be_told_to_be_the_same(arranged: Arranged) -> None:
    for mail in (MAIL, replace(MAIL, key="another"), MAIL):
        await arranged.mailer.send(mail)
    ids = {str(message["Message-ID"]) for message in arranged.arrived()}
    assert ids == {"<0198-key@club.example>", "<another@club.example>"}


@pytest.mark.parametrize("typed", ["ada@bücher.example", "ada@intranet.local", "ada@club.test", "o'hara+x@example.com"])
async def test_every_address_that_can_register_gets_mail(arranged: Arranged, typed: str) -> None:
    await arranged.mailer.send(replace(MAIL, to=typed))
    [message] = arranged.arrived()
    assert message["To"] == typed.replace("bücher", "xn--bcher-kva")


async def test_an_address_with_other_than_ascii_letters_gets_mail(arranged: Arranged) -> None:
    await arranged.mailer.send(replace(MAIL, to="jürgen@bücher.example"))
    [message] = arranged.arrived()
    [address] = message["To"].addresses
    local = address.username.encode("utf-8", "surrogateescape").decode()
    assert (local, address.domain) == ("jürgen", "xn--bcher-kva.example")


@pytest.mark.parametrize("subject", HOSTILE, ids=range(len(HOSTILE)))
async def test_a_hostile_subject_makes_no_header_and_no_recipient(arranged: Arranged, subject: str) -> None:
    await arranged.mailer.send(replace(MAIL, text=replace(MAIL.text, subject=subject)))
    [message] = arranged.arrived()
    assert sorted(name.lower() for name in message.keys() if name not in ("X-Peer", "X-MailFrom", "X-RcptTo")) == [  # noqa: SIM118
        "auto-submitted",
        "content-type",
        "date",
        "from",
        "message-id",
        "mime-version",
        "subject",
        "to",
    ]
    assert message["Subject"] == header_text(subject)
    assert len(message["Subject"]) <= 200
    assert [address.addr_spec for address in message["To"].addresses] == ["ada@example.com"]
    assert len(_bodies(message)) == 2


@pytest.mark.parametrize("to", NO_RECIPIENTS, ids=range(len(NO_RECIPIENTS)))
async def test_what_is_no_address_is_refused_for_good(arranged: Arranged, to: str) -> None:
    with pytest.raises(Invalid) as refused:
        await arranged.mailer.send(replace(MAIL, to=to))
    assert refused.value.code == "mail-refused"
    assert arranged.arrived() == []


@pytest.mark.parametrize("key", ["a/../../b", "a b", "a>\r\nBcc: x@example.com", "ü", "", "x" * 10_000, "\ud800"])
async def test_any_key_makes_a_message_id_of_its_own(arranged: Arranged, key: str) -> None:
    await arranged.mailer.send(replace(MAIL, key=key))
    await arranged.mailer.send(MAIL)
    found = {str(message["Message-ID"]) for message in arranged.arrived()}
    assert len(found) == 2
    assert all(len(one) < 90 and one.endswith("@club.example>") and one.isascii() for one in found)


# Messages.


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=250), st.text(max_size=250))
@example("0000000000¡¡¡¡¡¡¡¡𐀀𐀀𐀀𐀀 ¡ ¡", "")
def test_any_subject_and_name_survive_on_one_line(subject: str, name: str) -> None:
    shown = header_text(name)
    mail = replace(MAIL, text=replace(MAIL.text, subject=subject))
    raw = as_bytes(as_message(mail, _named(shown)))
    assert raw.isascii()
    assert all(len(line) <= 998 for line in raw.split(b"\r\n"))
    message = _parsed(raw)
    assert message["Subject"] == header_text(subject)
    [sender] = message["From"].addresses
    assert sender.addr_spec == SENDER.addr_spec
    # Python reads a space between two encoded words of a name, though RFC 2047 (section 6.2) says that there is none.
    assert sender.display_name.replace(" ", "") == shown.replace(" ", "")


def test_the_date_is_told_in_utc() -> None:
    there = replace(MAIL, written_at=NOW.astimezone(timezone(timedelta(hours=5, minutes=30))))
    assert as_message(there, SENDER)["Date"] == as_message(MAIL, SENDER)["Date"]


# Memory.


async def test_memory_keeps_the_order_and_each_mail_once() -> None:
    mailer = MemoryMailer()
    again = replace(MAIL, to="grace@example.com")
    for mail in (MAIL, replace(MAIL, key="b"), again):
        await mailer.send(mail)
    assert mailer.sent == [again, replace(MAIL, key="b")]


async def test_memory_does_not_fill_up() -> None:
    mailer = MemoryMailer()
    for number in range(1010):
        await mailer.send(replace(MAIL, key=f"{number}"))
    assert [mailer.sent[0].key, mailer.sent[-1].key, len(mailer.sent)] == ["10", "1009", 1000]


# Files.


async def test_files_are_for_their_owner_alone_and_named_by_time(tmp_path: Path) -> None:
    folder = tmp_path / "data" / "mails"
    mailer = FileMailer(folder, sender=SENDER)
    await mailer.send(MAIL)
    await mailer.send(MAIL)
    assert _names(folder) == ["20260504T123015.250000Z.0198-key.eml"]
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert [stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()] == [0o600]


async def test_a_file_is_told_without_its_recipient(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    await FileMailer(tmp_path, sender=SENDER).send(MAIL)
    [record] = [record for record in caplog.records if record.name == "moothall.mail"]
    assert record.levelno == logging.INFO
    assert "20260504T123015.250000Z.0198-key.eml" in record.getMessage()
    assert "ada@" not in caplog.text


async def test_the_log_tells_the_whole_name_though_it_looks_random(tmp_path: Path) -> None:
    mail = replace(MAIL, key=hashlib.sha256(b"key").hexdigest())
    folder = Path("moothall-data") / "mails"
    await FileMailer(tmp_path, sender=SENDER).send(mail)
    (name,) = _names(tmp_path)
    said = f"A mail was written to {folder / name}."
    assert without_secrets(said) == said


async def test_a_folder_that_cannot_be_written_may_be_mended(tmp_path: Path) -> None:
    (tmp_path / "mails").touch()
    with pytest.raises(Unavailable) as failed:
        await FileMailer(tmp_path / "mails", sender=SENDER).send(MAIL)
    assert failed.value.code == "mail-unavailable"


async def test_a_file_is_there_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(Unavailable):
        await FileMailer(tmp_path, sender=SENDER).send(MAIL)
    assert _names(tmp_path) == []


def _bodies(message: EmailMessage) -> list[tuple[str, str]]:
    """The parts and their types, with the line ends of this machine."""
    parts = [part for part in message.iter_parts() if isinstance(part, EmailMessage)]
    return [(part.get_content_type(), part.get_content().replace("\r\n", "\n")) for part in parts]


def _names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


def _named(name: str) -> Address:
    return Address(name, SENDER.username, SENDER.domain)
