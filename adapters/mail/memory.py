"""Mails that stay in this process, for tests and for trying out."""

from adapters.mail.message import recipient
from application.mail import Mail, Mailer

KEPT = 1000


class MemoryMailer(Mailer):
    """`sent` has the last mails, the oldest first. One that is sent again takes the place of the first."""

    def __init__(self) -> None:
        self.sent: list[Mail] = []

    async def send(self, mail: Mail) -> None:
        recipient(mail.to)
        for number, earlier in enumerate(self.sent):
            if earlier.key == mail.key:
                self.sent[number] = mail
                return
        self.sent.append(mail)
        del self.sent[:-KEPT]
