"""`moothall profiles`: what members show of themselves."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from domain.access.actor import Actor
from entrypoints.cli.errors import wrong_usage
from entrypoints.cli.nouns import noun
from entrypoints.cli.output import Output
from entrypoints.cli.running import on_application

if TYPE_CHECKING:
    from application.app import Application
    from application.profiles.views import ProfileView

app = noun("What members show of themselves. A USER is an id, an e-mail address or a username.")

User = Annotated[str, typer.Argument(metavar="USER", help="An id, an e-mail address or a username.")]


@app.command()
def show(context: typer.Context, user: User) -> None:
    """Show a profile as everybody sees it."""

    async def work(application: "Application", actor: Actor) -> "ProfileView":
        user_id = await application.identity.find_user(actor, name=user)
        return (await application.profiles.show_profile(actor, user_id=user_id)).value

    Output.of(context).show(on_application(work))


@app.command()
def update(
    context: typer.Context,
    user: User,
    bio: Annotated[str | None, typer.Option(metavar="TEXT", help="500 characters at most; '' clears it.")] = None,
    website: Annotated[str | None, typer.Option(metavar="URL", help="http:// or https://; '' clears it.")] = None,
) -> None:
    """Change a profile. Only what is given changes."""
    given: dict[str, Any] = {"bio": bio, "website": website}
    changes = {field: value or None for field, value in given.items() if value is not None}
    if not changes:
        raise wrong_usage("Say what to change.")

    async def work(application: "Application", actor: Actor) -> "ProfileView":
        user_id = await application.identity.find_user(actor, name=user)
        return (await application.profiles.update_profile(actor, user_id=user_id, **changes)).value

    Output.of(context).show(on_application(work))


@app.command("set-avatar")
def set_avatar(
    context: typer.Context,
    user: User,
    file: Annotated[
        Path, typer.Argument(metavar="FILE", exists=True, dir_okay=False, readable=True, help="PNG, JPEG or WebP.")
    ],
) -> None:
    """Give a member a picture."""

    async def work(application: "Application", actor: Actor) -> "ProfileView":
        user_id = await application.identity.find_user(actor, name=user)
        with file.open("rb") as image:
            return (await application.profiles.replace_avatar(actor, user_id=user_id, image=image)).value

    Output.of(context).show(on_application(work))


@app.command("remove-avatar")
def remove_avatar(context: typer.Context, user: User) -> None:
    """Remove a member's picture. Asks first."""
    output = Output.of(context)
    output.confirm(f"Remove the picture of {user}?")

    async def work(application: "Application", actor: Actor) -> None:
        user_id = await application.identity.find_user(actor, name=user)
        await application.profiles.remove_avatar(actor, user_id=user_id)

    on_application(work)
    output.say(f"{user} has no picture now.")
