"""What tests of the HTTP API share: an application on a store, and a client that speaks to it in process."""

import re
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import httpx
from fastapi import FastAPI

from adapters.mail import MemoryMailer
from application.app import Application
from application.mail import Mail
from domain.access.actor import operator
from tests.clock import OwnClock

PASSWORD = "violet-anchor-42-lamp"
ANOTHER_PASSWORD = "amber-harbour-17-kite"
OPERATOR = operator("test")


@dataclass
class Tokens:
    """What signing in gave, as headers and for refreshing."""

    access_token: str
    refresh_token: str
    device_token: str | None = None

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.access_token}"}


@dataclass
class Api:
    """The service under test."""

    app: FastAPI
    http: httpx.AsyncClient
    clock: OwnClock
    mailer: MemoryMailer = field(default_factory=MemoryMailer)
    application: Application = field(init=False)

    def __post_init__(self) -> None:
        self.application = self.app.state.application

    async def call(
        self, method: str, path: str, *, as_: Tokens | None = None, headers: dict[str, Any] | None = None, **rest: Any
    ) -> httpx.Response:
        """A request under `/api/v1` (or at the root, for a path that begins with `//`)."""
        url = path[1:] if path.startswith("//") else f"/api/v1{path}"
        return await self.http.request(method, url, headers={**(as_.headers if as_ else {}), **(headers or {})}, **rest)

    async def register(self, email: str = "ada@example.com", **fields: Any) -> dict[str, Any]:
        answer = await self.call("POST", "/auth/register", json={"email": email, "password": PASSWORD, **fields})
        assert answer.status_code == 201, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def log_in(self, login: str = "ada@example.com", password: str = PASSWORD, **fields: str) -> Tokens:
        answer = await self.call("POST", "/auth/login", data={"username": login, "password": password, **fields})
        assert answer.status_code == 200, answer.text
        body = answer.json()
        return Tokens(body["access_token"], body["refresh_token"], body["device_token"])

    async def member(self, name: str = "ada") -> tuple[dict[str, Any], Tokens]:
        """Somebody who has just registered and signed in."""
        user = await self.register(f"{name}@example.com", username=name)
        return user, await self.log_in(name)

    async def mails(self) -> list[Mail]:
        """What was mailed since this was asked for last, once all that is due was done."""
        await self.application.runner.drain()
        mails, self.mailer.sent = self.mailer.sent, []
        return mails

    async def token_mailed(self) -> str:
        """The token in the link of the one mail that is new."""
        [mail] = await self.mails()
        return token_in(mail)

    async def admin(self) -> tuple[dict[str, Any], Tokens]:
        user = await self.application.identity.create_first_admin(
            OPERATOR, email="root@example.com", password=PASSWORD, username="root"
        )
        tokens = await self.log_in("root")
        return {"id": str(user.value.id)}, tokens

    async def refresh(self, token: str) -> httpx.Response:
        return await self.call("POST", "/auth/refresh", json={"refresh_token": token})

    async def me(self, tokens: Tokens) -> httpx.Response:
        return await self.call("GET", "/users/me", as_=tokens)

    async def staff(self, name: str, *permissions: str) -> tuple[dict[str, Any], Tokens]:
        """A member whose role, of the same name, allows these."""
        user, tokens = await self.member(name)
        await self.application.access.create_role(OPERATOR, name=name, permissions=permissions)
        await self.give(user, "member", name)
        return user, tokens

    async def give(self, user: dict[str, Any], *roles: str) -> None:
        """The roles that the member has from now on, by the operator."""
        await self.application.identity.set_roles(OPERATOR, user_id=UUID(user["id"]), roles=roles)

    async def key(self, tokens: Tokens, *permissions: str, **fields: Any) -> dict[str, Any]:
        """An API key of one's own."""
        body = {"name": "nightly report", "permissions": list(permissions), **fields}
        answer = await self.call("POST", "/api-keys", as_=tokens, json=body)
        assert answer.status_code == 201, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def trail(self, tokens: Tokens, **filters: Any) -> list[dict[str, Any]]:
        """The audit trail, the latest entry first; of 100 at most."""
        answer = await self.call("GET", "/audit", as_=tokens, params={"page_size": 100, **filters})
        assert answer.status_code == 200, answer.text
        items: list[dict[str, Any]] = answer.json()["items"]
        return items


def token_in(mail: Mail) -> str:
    """Of the link that the text of the mail holds, which is the same in the HTML."""
    tokens: set[str] = set(re.findall(r"\?token=([\w-]+)", mail.text.plain))
    [token] = tokens
    assert token in mail.text.html
    return token
