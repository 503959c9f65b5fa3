"""`moothall keys`: what signs access tokens."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import typer

from domain.access.actor import Actor
from entrypoints.cli.nouns import noun
from entrypoints.cli.output import Output
from entrypoints.cli.running import on_application

if TYPE_CHECKING:
    from application.app import Application
    from application.identity.views import SigningKeyView

COLUMNS = ("kid", "algorithm", "created_at", "retired_at", "expires_at")

app = noun("The keys that sign access tokens.")


@app.command("list")
def list_(context: typer.Context) -> None:
    """List the keys, newest first; a retired one verifies until it expires."""

    async def work(application: "Application", actor: Actor) -> "Sequence[SigningKeyView]":
        return await application.identity.list_signing_keys(actor)

    with Output.of(context).listing(COLUMNS) as add:
        add(on_application(work))


@app.command()
def rotate(context: typer.Context) -> None:
    """Sign with a new key from now on. Nobody is signed out."""

    async def work(application: "Application", actor: Actor) -> "SigningKeyView":
        return await application.identity.rotate_signing_keys(actor)

    Output.of(context).show(on_application(work))
