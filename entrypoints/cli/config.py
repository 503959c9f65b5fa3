"""`moothall config`: the settings, and what they come from."""

import os
import re
from typing import TYPE_CHECKING, get_args

import typer

from entrypoints.cli.nouns import noun
from entrypoints.cli.output import Output, Record
from entrypoints.cli.running import read_settings

if TYPE_CHECKING:
    from entrypoints.settings import Settings

COLUMNS = ("name", "value", "source")
_PASSWORD_BEFORE_HOST = re.compile(r"(://[^:/@]*:).*@")
_PASSWORD_IN_QUERY = re.compile(r"([?&][^=&]*pass[^=&]*=)[^&]*", re.IGNORECASE)

app = noun("The settings.")


@app.command()
def show(context: typer.Context) -> None:
    """Print every setting; of secrets only whether they are set."""
    with Output.of(context).listing(COLUMNS) as add:
        add(_described(read_settings()))


@app.command()
def check(context: typer.Context) -> None:
    """Tell whether all settings are good, and which have no effect."""
    from entrypoints.bootstrap import blob_place, open_mailer, open_templates, redis_server
    from entrypoints.settings import without_effect
    from entrypoints.traces import are_wanted

    settings = read_settings()
    open_templates(settings)
    open_mailer(settings)
    redis_server(settings)
    blob_place(settings)
    are_wanted()
    output = Output.of(context)
    idle = without_effect()
    if output.json:
        output.show({"without_effect": idle})
    for name in idle:
        output.say(f"warning: {name} has no effect in this version.")
    output.say("The settings are good.")


def masked(text: str) -> str:
    """A text without the passwords of the URL that it may be."""
    return _PASSWORD_IN_QUERY.sub(r"\1***", _PASSWORD_BEFORE_HOST.sub(r"\1***@", text))


def _described(settings: "Settings") -> list[Record]:
    """The values that count, with the defaults that follow from other settings filled in."""
    from pydantic import SecretStr

    from entrypoints.settings import PREFIX

    derived = {"database_url": settings.database, "issuer": settings.token_issuer, "docs": settings.serves_docs}
    derived["log_format"] = "json" if settings.logs_json else "text"
    in_environment = {name.upper() for name in os.environ}
    records: list[Record] = []
    for field, value in (settings.model_dump(mode="json") | derived).items():
        if SecretStr in get_args(type(settings).model_fields[field].annotation):
            value = "set" if value is not None else "not set"
        name = f"{PREFIX}{field.upper()}"
        source = "default"
        if name in in_environment:
            source = "environment"
        elif field in settings.model_fields_set:
            source = "file"
        records.append({"name": name, "value": masked(value) if isinstance(value, str) else value, "source": source})
    return records
