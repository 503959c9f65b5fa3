"""The mbox file keeps the contract of mailers."""

from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from mailbox import mbox
from pathlib import Path

import pytest
from club_adapters.mbox import MboxMailer
from moothall.contracts import SENDER, MailerContract, MailerOutageContract, Outgoing

from application.mail import Mailer


def mails_in(path: Path) -> list[EmailMessage]:
    if not path.exists():
        return []
    return list(mbox(path, factory=BytesParser(policy=policy.default).parse, create=False))


class TestMboxMailer(MailerContract):
    @pytest.fixture
    def outgoing(self, tmp_path: Path) -> Outgoing:
        path = tmp_path / "club.mbox"
        return Outgoing(MboxMailer(path, sender=SENDER), lambda: mails_in(path))


class TestMboxMailerWithoutItsFolder(MailerOutageContract):
    @pytest.fixture
    def unreachable(self, tmp_path: Path) -> Mailer:
        return MboxMailer(tmp_path / "no such folder" / "club.mbox", sender=SENDER)
