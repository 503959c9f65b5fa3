"""How commands reach the product: settings read, the application opened, the work done, everything closed."""

import os
import pwd
import shutil
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from domain.access import actor as actors
from domain.access.actor import Actor
from domain.access.roles import ADMIN

if TYPE_CHECKING:
    from application.app import Application
    from application.paging import Page, PageRequest
    from entrypoints.settings import Settings

T = TypeVar("T")


def this_program() -> str:
    """What to type to run this command again: its name where that finds it, else its path."""
    found = shutil.which("moothall")
    own = Path(sys.argv[0])
    if own.name != "moothall" or (found and own.exists() and own.samefile(found)):
        return "moothall"
    return sys.argv[0]


def first_admin() -> str:
    """What makes the first administrator."""
    return f"{this_program()} users create-admin --email you@example.com"


def operator() -> Actor:
    """Whoever runs this command, by the name that the system knows them by: not the one that they call themselves."""
    try:
        return actors.operator(pwd.getpwuid(os.getuid()).pw_name)
    except KeyError:  # containers run under ids that have no name
        return actors.operator(str(os.getuid()))


def read_settings(**overrides: object) -> "Settings":
    """Raises SettingsError, with a line for each setting that is wrong."""
    from entrypoints import settings

    return settings.load(**overrides)


def run(work: Coroutine[object, object, T], *, is_long: bool = False) -> T:
    """The one event loop of a command; for long work that of servers, which takes a moment longer to be there."""
    if is_long:
        import uvloop

        return uvloop.run(work)
    import asyncio

    return asyncio.run(work)


def on_application(
    work: "Callable[[Application, Actor], Awaitable[T]]", settings: "Settings | None" = None, *, is_long: bool = False
) -> T:
    """Do the work as the operator, on the configured database."""
    from entrypoints.bootstrap import open_application

    chosen = settings or read_settings()

    async def opened() -> T:
        async with open_application(chosen) as application:
            return await work(application, operator())

    return run(opened(), is_long=is_long)


async def pages(
    fetch: "Callable[[PageRequest], Awaitable[Page[T]]]", limit: int | None = None
) -> AsyncIterator[Sequence[T]]:
    """Follow a list's cursor to its end, or until there were `limit` items."""
    from application.paging import LARGEST_PAGE, PageRequest

    cursor: str | None = ""
    left = limit
    while cursor is not None and left != 0:
        page = await fetch(PageRequest(size=min(left or LARGEST_PAGE, LARGEST_PAGE), cursor=cursor))
        yield page.items
        cursor = page.next_cursor
        left = left - len(page.items) if left is not None else None


async def has_administrator(application: "Application", actor: Actor) -> bool:
    """Whether anybody could administer this installation over HTTP."""
    from application.identity.views import UserFilters
    from application.paging import PageRequest

    found = await application.identity.list_users(
        actor, filters=UserFilters(role=ADMIN, is_active=True), page=PageRequest(size=1, cursor="")
    )
    return bool(found.items)
