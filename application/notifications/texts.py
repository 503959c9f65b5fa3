"""What the product itself tells members, in each language that it speaks."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

Said = tuple[str, str]
"""A title and a body."""


@dataclass(frozen=True, slots=True)
class Texts:
    """`orders` and `jobs` are by what became of them; their texts take a `number`, and a `kind` of job."""

    welcome: Said
    sign_in: Said
    unknown_device: str
    unknown_address: str
    orders: Mapping[str, Said]
    jobs: Mapping[str, Said]

    def of_sign_in(self, *, device: str | None, address: str | None, at: datetime) -> Said:
        title, body = self.sign_in
        told = {"device": device or self.unknown_device, "address": address or self.unknown_address}
        return title, body.format(at=f"{at:%Y-%m-%d %H:%M} UTC", **told)

    def of_order(self, happened: str, number: str) -> Said:
        title, body = self.orders[happened]
        return title.format(number=number), body.format(number=number)

    def of_job(self, status: str, kind: str) -> Said | None:
        """None where nothing is told about what became of it."""
        if status not in self.jobs:
            return None
        title, body = self.jobs[status]
        return title.format(kind=kind), body.format(kind=kind)


ENGLISH = Texts(
    welcome=("Welcome", "Your address is confirmed, and your account is ready."),
    sign_in=(
        "A new sign-in",
        "Somebody signed in to your account on {at}, with {device}, from {address}. If that was not you, change your "
        "password at once, and end the sessions that you do not know.",
    ),
    unknown_device="an unknown device",
    unknown_address="an unknown address",
    orders={
        "order.placed": ("Order {number} has arrived", "Thank you. We tell you when it is paid."),
        "order.paid": ("Order {number} is paid", "We have got your payment, and see to your order."),
        "order.fulfilled": ("Order {number} is fulfilled", "Your order is on its way, or done."),
        "order.cancelled": ("Order {number} is cancelled", "Nothing more will come of this order."),
        "order.refunded": ("Order {number} is refunded", "You get back what you paid."),
    },
    jobs={
        "succeeded": ("Done: {kind}", "What you asked for is done."),
        "failed": ("Failed: {kind}", "What you asked for could not be done. The job says why."),
        "dead": ("Given up: {kind}", "What you asked for was tried often, and could not be done. The job says why."),
    },
)

GERMAN = Texts(
    welcome=("Willkommen", "Ihre Adresse ist bestätigt, und Ihr Konto ist bereit."),
    sign_in=(
        "Eine neue Anmeldung",
        "Jemand hat sich am {at} bei Ihrem Konto angemeldet, mit {device}, von {address}. Falls Sie das nicht waren, "
        "ändern Sie sofort Ihr Passwort, und beenden Sie die Sitzungen, die Sie nicht kennen.",
    ),
    unknown_device="einem unbekannten Gerät",
    unknown_address="einer unbekannten Adresse",
    orders={
        "order.placed": (
            "Bestellung {number} ist eingegangen",
            "Vielen Dank. Wir sagen Bescheid, wenn sie bezahlt ist.",
        ),
        "order.paid": ("Bestellung {number} ist bezahlt", "Ihre Zahlung ist da, wir kümmern uns um Ihre Bestellung."),
        "order.fulfilled": ("Bestellung {number} ist erledigt", "Ihre Bestellung ist unterwegs oder abgeschlossen."),
        "order.cancelled": ("Bestellung {number} ist storniert", "Aus dieser Bestellung wird nichts mehr."),
        "order.refunded": ("Bestellung {number} ist erstattet", "Sie bekommen zurück, was Sie bezahlt haben."),
    },
    jobs={
        "succeeded": ("Erledigt: {kind}", "Was Sie wollten, ist getan."),
        "failed": ("Gescheitert: {kind}", "Was Sie wollten, ging nicht. Der Auftrag sagt, warum."),
        "dead": ("Aufgegeben: {kind}", "Was Sie wollten, wurde oft versucht und ging nicht. Der Auftrag sagt, warum."),
    },
)


def texts_in(language: str) -> Texts:
    """German where mails are German, else English: a language of the operator's own has mails, and nothing else."""
    return GERMAN if language.partition("-")[0] == "de" else ENGLISH
