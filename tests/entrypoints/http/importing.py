"""What tests of imports share."""

import csv
import io
from collections.abc import AsyncIterator
from typing import Any

from tests.entrypoints.http.client import Api, Tokens


async def started(api: Api, as_: Tokens, content: str | bytes, **query: Any) -> dict[str, Any]:
    """An import that waits for a worker."""
    body = content.encode() if isinstance(content, str) else content
    answer = await api.call(
        "POST", "/imports", as_=as_, content=body, headers={"Content-Type": "text/csv"}, params=query
    )
    assert answer.status_code == 202, answer.text
    found: dict[str, Any] = answer.json()
    assert answer.headers["location"] == f"/api/v1/jobs/{found['job_id']}"
    return found


async def imported(api: Api, as_: Tokens, content: str | bytes, **query: Any) -> dict[str, Any]:
    """An import that is over."""
    found = await started(api, as_, content, **query)
    await api.application.runner.drain()
    return await shown(api, as_, found["id"])


async def shown(api: Api, as_: Tokens, import_id: str) -> dict[str, Any]:
    answer = await api.call("GET", f"/imports/{import_id}", as_=as_)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def rejects(api: Api, as_: Tokens, found: dict[str, Any]) -> list[dict[str, str]]:
    answer = await api.call("GET", f"/imports/{found['id']}/rejects.csv", as_=as_)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/csv")
    return list(csv.DictReader(io.StringIO(answer.text)))


def counts(found: dict[str, Any]) -> dict[str, int]:
    """What became of the rows, but for what became of none."""
    return {name: found[name] for name in ("created", "updated", "skipped", "rejected") if found[name]}


async def users(api: Api, as_: Tokens) -> dict[str, dict[str, Any]]:
    """Everybody but the administrator, by their addresses."""
    answer = await api.call("GET", "/users", as_=as_, params={"page_size": 100})
    return {user["email"]: user for user in answer.json()["items"] if user["username"] != "root"}


async def streamed(*pieces: bytes) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece
