"""Every mailer hands a mail over whole, once, and to nobody else; and says which failures will not mend."""

import email
import hashlib
import logging
import os
import stat
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta, timezone
from email import policy
from email.headerregistry import Address
from email.message import EmailMessage
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from moothall.contracts.mailers import (
    HOSTILE,
    KEYS,
    MAIL,
    SENDER,
    WRITTEN_AT,
    MailerContract,
    MailerOutageContract,
    Outgoing,
)

from adapters.mail import FileMailer, MemoryMailer
from adapters.mail.message import as_bytes, as_message, plain_key
from adapters.mail.smtp import SmtpMailer, SmtpServer
from adapters.mail.text import header_text
from application.mail import Mailer
from domain.errors import Unavailable
from entrypoints.redaction import without_secrets
from tests.smtp_server import RunningServer, smtp_server

HEADERS = ["auto-submitted", "content-type", "date", "from", "message-id", "mime-version", "subject", "to"]
ADDED_BY_OUR_SERVER = ("X-Peer", "X-MailFrom", "X-RcptTo")


def _parsed(raw: bytes) -> EmailMessage:
    return email.message_from_bytes(raw, policy=policy.default)


@pytest.fixture(scope="module")
def good_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with smtp_server(tmp_path_factory.mktemp("mails")) as server:
        yield server


class TestMailers(MailerContract):
    @pytest.fixture(params=["memory", "files", "smtp"])
    def outgoing(self, request: pytest.FixtureRequest, tmp_path: Path, good_server: RunningServer) -> Outgoing:
        if request.param == "memory":
            memory = MemoryMailer()
            return Outgoing(memory, lambda: [_parsed(as_bytes(as_message(mail, SENDER))) for mail in memory.sent])
        if request.param == "files":
            folder = tmp_path / "data" / "mails"
            files = FileMailer(folder, sender=SENDER)
            return Outgoing(files, lambda: [_parsed(path.read_bytes()) for path in sorted(folder.glob("*"))])
        good_server.forget()
        return Outgoing(SmtpMailer(SmtpServer.of(good_server.url), sender=SENDER, timeout=5), good_server.messages)

    @pytest.mark.parametrize("subject", HOSTILE, ids=range(len(HOSTILE)))
    async def test_a_subject_arrives_as_headers_may_hold_it(self, outgoing: Outgoing, subject: str) -> None:
        await outgoing.mailer.send(replace(MAIL, text=replace(MAIL.text, subject=subject)))
        [message] = outgoing.arrived()
        assert message["Subject"] == header_text(subject)
        assert len(message["Subject"]) <= 200
        assert sorted(name.lower() for name in message.keys() if name not in ADDED_BY_OUR_SERVER) == HEADERS  # noqa: SIM118

    @pytest.mark.parametrize("key", [MAIL.key, "another", *KEYS], ids=range(2 + len(KEYS)))
    async def test_the_message_id_is_made_of_the_key(self, outgoing: Outgoing, key: str) -> None:
        await outgoing.mailer.send(replace(MAIL, key=key))
        [message] = outgoing.arrived()
        assert message["Message-ID"] == f"<{plain_key(key)}@club.example>"
        assert len(message["Message-ID"]) < 90
        assert plain_key(key) == key or key in KEYS


class TestMailersThatReachNobody(MailerOutageContract):
    @pytest.fixture(params=["files", "smtp"])
    def unreachable(self, request: pytest.FixtureRequest, tmp_path: Path) -> Mailer:
        if request.param == "files":
            (tmp_path / "mails").touch()
            return FileMailer(tmp_path / "mails", sender=SENDER)
        return SmtpMailer(SmtpServer.of("smtp://127.0.0.1:1"), sender=SENDER, timeout=5)


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
    there = replace(MAIL, written_at=WRITTEN_AT.astimezone(timezone(timedelta(hours=5, minutes=30))))
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


async def test_a_file_is_there_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(Unavailable):
        await FileMailer(tmp_path, sender=SENDER).send(MAIL)
    assert _names(tmp_path) == []


def _names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


def _named(name: str) -> Address:
    return Address(name, SENDER.username, SENDER.domain)
