"""Thirty steps, from registering to deleting, and what was answered to each."""

import re
from typing import Any

from tests.entrypoints.http.client import ANOTHER_PASSWORD, PASSWORD, Api, Tokens


class Transcript:
    """What was asked and answered, with everything that differs from run to run given a name by order of appearance."""

    _VARIABLE = re.compile(
        r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}"  # ids
        r"|\d{4}-\d\d-\d\dT[0-9:.]+Z"  # times
        r"|ey[\w-]+\.[\w-]+\.[\w-]+|[\w-]{64,}|\"[0-9a-f]{32}\"|WyI[\w-]+"  # tokens, request ids, cursors
    )

    def __init__(self) -> None:
        self.lines: list[str] = []

    def note(self, step: str, answer: Any) -> None:
        body = re.sub(r'"request_id": ?"[^"]*"', '"request_id": …', answer.text)
        self.lines.append(f"{len(self.lines) + 1:02} {step} -> {answer.status_code} {self._VARIABLE.sub('…', body)}")


async def thirty_steps(api: Api, root: Tokens) -> list[str]:
    """By `root`, an administrator, and somebody who is new: Ada."""
    transcript = Transcript()

    async def step(method: str, path: str, as_: Tokens | None = None, **rest: Any) -> Any:
        answer = await api.call(method, path, as_=as_, **rest)
        shown = re.sub(r"[0-9a-f-]{36}", "…", path)
        shown = re.sub(r"cursor=[\w-]+", "cursor=…", shown)
        transcript.note(f"{method} {shown}", answer)
        return answer

    def tokens(answer: Any) -> Tokens:
        return Tokens(answer.json()["access_token"], answer.json()["refresh_token"])

    new = {"email": "Ada@Example.com", "password": PASSWORD, "username": "Ada", "first_name": "Ada"}
    user = (await step("POST", "/auth/register", json=new)).json()
    await step("POST", "/auth/register", json={**new, "username": "other"})
    await step("POST", "/auth/register", json={**new, "email": "b@example.com"})
    await step("POST", "/auth/register", json={"email": "x", "password": "short", "username": "?"})
    await step("POST", "/auth/login", data={"username": "ada", "password": "wrong"})
    ada = tokens(await step("POST", "/auth/login", data={"username": "ada@example.com", "password": PASSWORD}))
    await step("GET", "/users/me", ada)
    await step("GET", "/users/me")
    changed = await step("PATCH", "/users/me", ada, json={"last_name": "Lovelace"})
    await step("PATCH", "/users/me", ada, json={"first_name": None}, headers={"If-Match": '"1"'})
    await step("PATCH", "/users/me", ada, json={"first_name": None}, headers={"If-Match": changed.headers["etag"]})
    await step("PATCH", "/users/me", ada, json={"roles": ["admin"]})
    api.clock.advance(seconds=1)
    fresh = tokens(await step("POST", "/auth/refresh", json={"refresh_token": ada.refresh_token}))
    await step("POST", "/auth/refresh", json={"refresh_token": ada.refresh_token})
    await step("GET", "/auth/sessions", fresh)
    second = tokens(
        await step("POST", "/auth/token", data={"grant_type": "password", "username": "ADA", "password": PASSWORD})
    )
    await step("DELETE", "/auth/sessions", second)
    await step("GET", "/users/me", fresh)
    await step(
        "PUT", "/users/me/password", second, json={"current_password": PASSWORD, "new_password": ANOTHER_PASSWORD}
    )
    await step("GET", "/users", second)
    page = await step("GET", "/users?page_size=1", root)
    await step("GET", f"/users?page_size=1&cursor={page.json()['next_cursor']}", root)
    await step("GET", "/users?q=lov&role=member&is_active=true&sort=username", root)
    await step("PUT", f"/users/{user['id']}/roles", root, json={"roles": ["admin", "member"]})
    await step("GET", f"/users/{user['id']}", second)
    await step("PATCH", f"/users/{user['id']}", root, json={"is_active": False})
    await step("POST", "/auth/login", data={"username": "ada", "password": ANOTHER_PASSWORD})
    await step("PATCH", f"/users/{user['id']}", root, json={"is_active": True})
    back = tokens(await step("POST", "/auth/login", data={"username": "ada", "password": ANOTHER_PASSWORD}))
    await step("DELETE", "/users/me", back)
    await step("POST", "/auth/refresh", json={"refresh_token": back.refresh_token})
    assert len(transcript.lines) >= 30
    return transcript.lines
