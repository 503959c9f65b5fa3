"""`moothall permissions`: what there is to be allowed."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import typer

from domain.access.actor import Actor
from entrypoints.cli.nouns import noun
from entrypoints.cli.output import Output
from entrypoints.cli.running import on_application

if TYPE_CHECKING:
    from application.access.views import PermissionView
    from application.app import Application

COLUMNS = ("name", "description")

app = noun("What there is to be allowed.")


@app.command("list")
def list_(context: typer.Context) -> None:
    """List the permissions by name. Roles and API keys may also hold RESOURCE:* or *."""

    async def work(application: "Application", actor: Actor) -> "Sequence[PermissionView]":
        return await application.access.list_permissions(actor)

    with Output.of(context).listing(COLUMNS) as add:
        add(on_application(work))
