"""`moothall permissions`: what there is to be allowed."""

from typing import TYPE_CHECKING

import typer

from domain.access.actor import Actor
from entrypoints.cli.nouns import noun
from entrypoints.cli.output import Output
from entrypoints.cli.running import on_application, pages

if TYPE_CHECKING:
    from application.app import Application

COLUMNS = ("name", "description")

app = noun("What there is to be allowed.")


@app.command("list")
def list_(context: typer.Context) -> None:
    """List the permissions by name. Roles and API keys may also hold RESOURCE:* or *."""

    async def work(application: "Application", actor: Actor) -> None:
        with Output.of(context).listing(COLUMNS) as add:
            async for page in pages(lambda page: application.access.list_permissions(actor, page=page)):
                add(page)

    on_application(work)
