"""The contract of mailers: a mail is handed over whole, once, and to nobody else; and which failures will not mend."""

import asyncio
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage

import pytest

from application.mail import Mail, Mailer, Text
from domain.errors import Invalid, Unavailable

WRITTEN_AT = datetime(2026, 5, 4, 12, 30, 15, 250_000, tzinfo=UTC)
SENDER = Address("Moothall", "no-reply", "club.example")
"""Whom the mails of the mailer under test have to come from."""

MAIL = Mail("0198-key", "ada@example.com", Text("Welcome", "Hello Ada\n", "<p>Hello Ada</p>\n"), WRITTEN_AT)
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
"""Subjects that strangers may write: with line ends, plain and encoded, that turn the direction, that never end."""

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
KEYS = ["a/../../b", "a b", "a>\r\nBcc: x@example.com", "ü", "", "x" * 10_000, "\ud800"]

_NOT_ON_A_LINE = frozenset({"Cc", "Cs", "Zl", "Zp"})
_TURN_THE_READING = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


@dataclass(frozen=True)
class Outgoing:
    """A mailer that sends as `SENDER`, and all that arrived of what it sent, the oldest first, as mail programs read
    it: parsed with `policy=email.policy.default`."""

    mailer: Mailer
    arrived: Callable[[], Sequence[EmailMessage]]


def bodies(message: EmailMessage) -> list[tuple[str, str]]:
    """The parts and their types, with the line ends of this machine."""
    parts = [part for part in message.iter_parts() if isinstance(part, EmailMessage)]
    return [(part.get_content_type(), part.get_content().replace("\r\n", "\n")) for part in parts]


@pytest.mark.asyncio
class MailerContract:
    """Override `outgoing`."""

    @pytest.fixture
    def outgoing(self) -> Outgoing:
        """Your mailer, through which nothing was sent yet, and a way to see what arrived."""
        pytest.fail("Override the fixture `outgoing`: it hands over the mailer, and what arrived of it.", pytrace=False)

    async def test_a_mail_arrives_whole(self, outgoing: Outgoing) -> None:
        await outgoing.mailer.send(MAIL)
        [message] = outgoing.arrived()
        assert message["From"] == "Moothall <no-reply@club.example>"
        assert message["To"] == "ada@example.com"
        assert message["Subject"] == "Welcome"
        assert message["Date"].datetime == WRITTEN_AT.replace(microsecond=0)
        assert message["Auto-Submitted"] == "auto-generated"
        assert message["MIME-Version"] == "1.0"
        assert message.get_content_type() == "multipart/alternative"
        assert bodies(message) == [("text/plain", "Hello Ada\n"), ("text/html", "<p>Hello Ada</p>\n")]

    async def test_letters_of_all_alphabets_arrive(self, outgoing: Outgoing) -> None:
        """And lines that mean something where mails are sent or kept."""
        words = "Grüße, مرحبا, 你好, 🜁"
        long = "<p>" + words * 500 + "</p>\n"
        await outgoing.mailer.send(replace(MAIL, text=Text(words, f"{words}\n.\n..\nFrom here\n", long)))
        [message] = outgoing.arrived()
        assert message["Subject"] == words
        assert bodies(message) == [("text/plain", f"{words}\n.\n..\nFrom here\n"), ("text/html", long)]

    async def test_a_mail_that_is_sent_again_can_be_told_to_be_the_same(self, outgoing: Outgoing) -> None:
        for mail in (MAIL, replace(MAIL, key="another"), MAIL):
            await outgoing.mailer.send(mail)
        ids = {str(message["Message-ID"]) for message in outgoing.arrived()}
        assert len(ids) == 2

    async def test_many_that_are_sent_at_once_arrive_each_once(self, outgoing: Outgoing) -> None:
        mails = [replace(MAIL, key=f"key-{number}", to=f"member{number}@example.com") for number in range(20)]
        await asyncio.gather(*(outgoing.mailer.send(mail) for mail in mails))
        arrived = outgoing.arrived()
        assert sorted(message["To"] for message in arrived) == sorted(mail.to for mail in mails)
        assert all(len(bodies(message)) == 2 for message in arrived)

    @pytest.mark.parametrize(
        "typed", ["ada@bücher.example", "ada@intranet.local", "ada@club.test", "o'hara+x@example.com"]
    )
    async def test_every_address_that_can_register_gets_mail(self, outgoing: Outgoing, typed: str) -> None:
        await outgoing.mailer.send(replace(MAIL, to=typed))
        [message] = outgoing.arrived()
        assert message["To"] == typed.replace("bücher", "xn--bcher-kva")

    async def test_an_address_with_other_than_ascii_letters_gets_mail(self, outgoing: Outgoing) -> None:
        await outgoing.mailer.send(replace(MAIL, to="jürgen@bücher.example"))
        [message] = outgoing.arrived()
        [address] = message["To"].addresses
        local = address.username.encode("utf-8", "surrogateescape").decode()
        assert (local, address.domain) == ("jürgen", "xn--bcher-kva.example")

    @pytest.mark.parametrize("subject", HOSTILE, ids=range(len(HOSTILE)))
    async def test_a_hostile_subject_makes_no_header_and_no_recipient(self, outgoing: Outgoing, subject: str) -> None:
        await outgoing.mailer.send(MAIL)
        await outgoing.mailer.send(replace(MAIL, key="hostile", text=replace(MAIL.text, subject=subject)))
        harmless, message = outgoing.arrived()
        assert sorted(name.lower() for name in message.keys()) == sorted(name.lower() for name in harmless.keys())  # noqa: SIM118
        assert [address.addr_spec for address in message["To"].addresses] == ["ada@example.com"]
        assert len(bodies(message)) == 2
        shown = str(message["Subject"])
        assert shown.strip()
        assert not {unicodedata.category(letter) for letter in shown} & _NOT_ON_A_LINE
        assert not set(shown) & _TURN_THE_READING

    @pytest.mark.parametrize("to", NO_RECIPIENTS, ids=range(len(NO_RECIPIENTS)))
    async def test_what_is_no_address_is_refused_for_good(self, outgoing: Outgoing, to: str) -> None:
        with pytest.raises(Invalid) as refused:
            await outgoing.mailer.send(replace(MAIL, to=to))
        assert refused.value.code == "mail-refused"
        assert outgoing.arrived() == []

    @pytest.mark.parametrize("key", KEYS, ids=range(len(KEYS)))
    async def test_any_key_makes_a_message_id_of_its_own(self, outgoing: Outgoing, key: str) -> None:
        await outgoing.mailer.send(replace(MAIL, key=key))
        await outgoing.mailer.send(MAIL)
        found = {str(message["Message-ID"]) for message in outgoing.arrived()}
        assert len(found) == 2
        assert all(one.isascii() and one.isprintable() and " " not in one and len(one) < 250 for one in found)
        assert all(one.startswith("<") and one.endswith(">") and one.count("@") == 1 for one in found)


@pytest.mark.asyncio
class MailerOutageContract:
    """Override `unreachable`."""

    @pytest.fixture
    def unreachable(self) -> Mailer:
        """A mailer of your own that cannot hand a mail over now, though it might later."""
        pytest.fail("Override the fixture `unreachable`: it hands over a mailer that reaches nobody.", pytrace=False)

    async def test_a_mail_that_cannot_be_handed_over_now_may_be_later(self, unreachable: Mailer) -> None:
        with pytest.raises(Unavailable) as failed:
            await unreachable.send(MAIL)
        assert failed.value.code == "mail-unavailable"

    async def test_what_is_no_address_is_refused_for_good_even_then(self, unreachable: Mailer) -> None:
        """Else it would be tried for days."""
        with pytest.raises(Invalid) as refused:
            await unreachable.send(replace(MAIL, to="ada"))
        assert refused.value.code == "mail-refused"
