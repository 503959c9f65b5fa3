"""The service in this process, for tests: no port, no process, no file; some milliseconds each."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any, TypeVar
from uuid import UUID

import httpx
from anyio.from_thread import BlockingPortal, BlockingPortalProvider
from fastapi import FastAPI

from application.app import Application
from application.identity.views import UserView
from entrypoints.http.app import create_app
from entrypoints.settings import Settings
from entrypoints.testing.clock import TestersClock
from entrypoints.testing.faults import How
from entrypoints.testing.house import GivenSettings, House, SentMail, open_house

T = TypeVar("T")

URL = "http://moothall.test"
"""Where the service believes that it is; links in mails begin with it, and the clients follow them."""

DEFAULTS: Mapping[str, object] = {
    "public_url": URL,
    "webhooks_to_loopback": True,
    **{f"rate_limit_{name}": "off" for name in ("default", "login", "register", "mail", "live")},
}
"""What tests want unless they say otherwise; passwords are hashed as cheaply as can be."""


class Mailbox:
    """The mails that were sent. Whoever looks into it has done what is due before."""

    def __init__(self, house: House, drain: Callable[[], int]) -> None:
        self._house = house
        self._drain = drain

    def all(self) -> list[SentMail]:
        """The oldest first: `to`, `subject`, `text`, `html`, `links`."""
        self._drain()
        return self._house.mails()

    def to(self, address: str) -> list[SentMail]:
        return [mail for mail in self.all() if mail.to.lower() == address.lower()]

    def last(self, to: str | None = None) -> SentMail:
        """The latest, to that address or to anybody. Raises LookupError where there is none."""
        found = self.all() if to is None else self.to(to)
        if not found:
            raise LookupError(f"No mail was sent to {to}." if to else "No mail was sent.")
        return found[-1]

    def clear(self) -> None:
        """What was sent until now is forgotten."""
        self._drain()
        self._house.sent.clear()


class Moothall:
    """A service of one's own. Whatever waits for something here blocks the thread of the test, and not the service,
    which runs in another."""

    def __init__(self, house: House, portal: BlockingPortal, app: FastAPI) -> None:
        """Made by `open_moothall`."""
        self.settings: Settings = house.settings
        self.clock: TestersClock = house.clock
        self.mail = Mailbox(house, self.drain)
        transport = _InProcess(app, portal)
        self.client = httpx.Client(transport=transport, base_url=URL)
        self.async_client = httpx.AsyncClient(transport=transport, base_url=URL)
        self._house = house
        self._portal = portal

    @property
    def application(self) -> Application:
        """Every use case by its name; see `run`."""
        return self._house.application

    def run(self, work: Callable[..., Awaitable[T]], *arguments: Any, **options: Any) -> T:
        """The result of a use case, say: `moothall.run(moothall.application.posts.list_posts, ANONYMOUS)`."""
        return self._portal.call(partial(work, *arguments, **options))

    def drain(self) -> int:
        """Do all that is due, and what follows from it: mails, webhooks, jobs. How much that was."""
        return self.run(self._house.drain)

    def make_user(self, email: str, **fields: Any) -> UserView:
        """An account, with whatever else `POST /api/v1/users` takes; raises what that refuses."""
        return self.run(self._house.make_user, email, **fields)

    def token_for(self, user: "str | UUID | UserView | Mapping[str, Any]") -> str:
        """An access token for the member of that id, e-mail address or username, or for the user that an answer held.

        Raises:
            NotFound: `user-not-found`.
            Conflict: `account-disabled`.
        """
        return self.run(self._house.token_for, _name_of(user)).access_token

    def headers_for(self, user: "str | UUID | UserView | Mapping[str, Any]") -> dict[str, str]:
        """Those of a request of that member."""
        return {"Authorization": f"Bearer {self.token_for(user)}"}

    def fail(self, port: str, how: str = How.FAIL, *, times: int = 1, seconds: float = 1.0) -> None:
        """The port's next calls `fail`, are `slow`, or done and answered too `late`; faults.PORTS has
        their names. Raises ValueError, or Invalid (`unknown-port`)."""
        self._house.faults.plan(port, How(how), times, seconds)


@contextmanager
def open_moothall(**settings: Any) -> Iterator[Moothall]:
    """A new and empty service; `settings` as the environment has them, without their prefix and in small letters.

    Several may be open at once. Raises pydantic's ValidationError where a setting is wrong.
    """
    chosen = GivenSettings(**{**DEFAULTS, **settings})
    with PORTALS as portal, _app_for(chosen) as app, portal.wrap_async_context_manager(open_house(chosen)) as house:
        app.state.application = house.application
        house.application.live.switchboard.close()  # a stream tells what there is, and ends: it has no end otherwise
        yield Moothall(house, portal, app)


PORTALS = BlockingPortalProvider("asyncio")
"""To an event loop in a thread of its own, for tests that have a loop and for those that have none. It runs while
anybody is in here."""

_free: list[tuple[Settings, FastAPI]] = []
"""Making an ASGI application takes ten times as long as opening a house: those that nobody uses are used again."""


@contextmanager
def _app_for(settings: Settings) -> Iterator[FastAPI]:
    found = next((kept for kept in _free if kept[0] == settings), None)
    if found is not None:
        _free.remove(found)
    kept = found or (settings, create_app(settings, in_memory=True))
    try:
        yield kept[1]
    finally:
        _free.append(kept)


class _InProcess(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """Requests are answered in the service's thread, whatever thread and event loop they come from."""

    def __init__(self, app: FastAPI, portal: BlockingPortal) -> None:
        self._served = httpx.ASGITransport(app, raise_app_exceptions=False, client=("127.0.0.1", 50_000))
        self._portal = portal

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        request.read()
        return self._portal.call(self._answer, request)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await request.aread()
        return await asyncio.wrap_future(self._portal.start_task_soon(self._answer, request))

    async def _answer(self, request: httpx.Request) -> httpx.Response:
        request.stream = httpx.ByteStream(request.content)
        answer = await self._served.handle_async_request(request)
        return httpx.Response(
            answer.status_code, headers=answer.headers.raw, stream=httpx.ByteStream(await answer.aread())
        )


def _name_of(user: "str | UUID | UserView | Mapping[str, Any]") -> str:
    if isinstance(user, Mapping):
        return str(user["id"])
    return str(user.id if isinstance(user, UserView) else user)
