"""`moothall mail`: what mails look like, and whether they arrive."""

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from domain.errors import NotFound
from entrypoints.cli.errors import wrong_usage
from entrypoints.cli.nouns import noun
from entrypoints.cli.output import Output
from entrypoints.cli.running import read_settings, run
from entrypoints.wrong_settings import SettingsError

if TYPE_CHECKING:
    from application.mail import MailTemplates, Text
    from entrypoints.settings import Settings

COLUMNS = ("name", "subject", "values")
SHOWN_AT = datetime(2026, 5, 4, 12, 30, tzinfo=UTC)

Language = Annotated[str | None, typer.Option(metavar="LANGUAGE", help="Instead of MOOTHALL_MAIL_LANGUAGE.")]

app = noun("Mails: what they look like, and whether they arrive.")


@app.command("list")
def list_(context: typer.Context, language: Language = None) -> None:
    """List all mails, with their subjects and the values that their templates may use."""
    from application.mail import TEMPLATES

    settings, templates = _opened(language)
    records = [
        {"name": name, "subject": _written(name, settings, templates).subject, "values": values}
        for name, values in TEMPLATES.items()
    ]
    with Output.of(context).listing(COLUMNS) as add:
        add(records)


@app.command()
def preview(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Such as welcome; `moothall mail list` lists them.")],
    html: Annotated[bool, typer.Option("--html", help="Print the HTML instead of the plain text.")] = False,
    language: Language = None,
) -> None:
    """Print a mail with values that are made up. No database is needed, and nothing is sent."""
    settings, templates = _opened(language)
    text = _written(name, settings, templates)
    output = Output.of(context)
    if output.json:
        output.show({"name": name, "subject": text.subject, "plain": text.plain, "html": text.html})
        return
    output.say(f"Subject: {text.subject}")
    typer.echo(text.html if html else text.plain, nl=False)


@app.command()
def test(context: typer.Context, address: Annotated[str, typer.Argument(help="Where the mail is to go.")]) -> None:
    """Send a mail to an address, to see that it arrives. No database is needed."""
    from uuid import uuid4

    from application.mail import Mail
    from entrypoints.bootstrap import open_mailer

    settings, templates = _opened(None)
    text = _written("welcome", settings, templates)
    run(open_mailer(settings).send(Mail(f"test-{uuid4()}", address, text, datetime.now(UTC))))
    if settings.smtp_url is None:
        Output.of(context).say(f"The mail was written into {settings.mail_dir}: there is no MOOTHALL_SMTP_URL.")
    else:
        Output.of(context).say(f"The mail server took the mail for {address}.")


def _opened(language: str | None) -> "tuple[Settings, MailTemplates]":
    from entrypoints.bootstrap import open_templates

    if language is None:
        settings = read_settings()
        return settings, open_templates(settings)
    read_settings()
    try:
        settings = read_settings(mail_language=language)
        return settings, open_templates(settings)
    except SettingsError as error:
        raise wrong_usage(f"--language: {error.problems[0].partition(': ')[2]}") from None


def _written(name: str, settings: "Settings", templates: "MailTemplates") -> "Text":
    """Raises NotFound where there is no such mail."""
    from application.mail import TEMPLATES, Letter

    if name not in TEMPLATES:
        raise NotFound("mail-not-found", f"There is no mail '{name}'; there are {', '.join(TEMPLATES)}.")
    samples = _samples(settings)
    return templates.write(Letter("ada@example.com", name, {value: samples[value] for value in TEMPLATES[name]}))


def _samples(settings: "Settings") -> dict[str, Any]:
    """A value for each name that a template may use."""
    return {
        "name": "Ada Lovelace",
        "email": "ada@example.com",
        "old_email": "ada@example.com",
        "new_email": "lovelace@example.org",
        "link": str(settings.public_url),
        "expires_at": SHOWN_AT + timedelta(hours=1),
        "at": SHOWN_AT,
        "address": "203.0.113.7",
        "device": "Firefox on Linux",
        "number": "2026-000017",
        "lines": [
            {"name": "Mug with the town hall", "quantity": 2, "unit_price": 1250},
            {"name": "Postcard", "quantity": 10, "unit_price": 90},
        ],
        "currency": "EUR",
        "total": 3400,
        "placed_at": SHOWN_AT,
        "title": "The hall is closed on Thursday",
        "text": "The heating is being mended.\nWe meet again a week later.",
    }
