"""Two workers of one machine: whatever the order, no read shows what was before a write that was acknowledged."""

import asyncio
import time
from contextlib import AsyncExitStack
from pathlib import Path
from random import Random
from typing import Any

import httpx
import pytest
from asgi_lifespan import LifespanManager
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from entrypoints.http.app import create_app
from entrypoints.settings import Settings
from tests.drills.client import Answer
from tests.drills.history import Register
from tests.drills.interleavings import Episode, planned
from tests.drills.servers import OFF, PASSWORD, ROOT, prepared
from tests.stores import POSTGRESQL, SQLITE


class InProcess:
    """A worker that is asked without a socket."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http

    @classmethod
    async def opened(cls, settings: Settings, stack: AsyncExitStack) -> "InProcess":
        app = create_app(settings, jobs=False)
        await stack.enter_async_context(LifespanManager(app, startup_timeout=30))
        http = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://testserver")
        return cls(await stack.enter_async_context(http))

    async def ask(
        self,
        method: str,
        path: str,
        *,
        token: str | None = None,
        key: str | None = None,
        body: Any = None,
        form: dict[str, str] | None = None,
    ) -> Answer:
        headers = {"Authorization": f"Bearer {token}"} if token else {"X-API-Key": key} if key else {}
        began = time.monotonic()
        answer = await self._http.request(method, f"/api/v1{path}", headers=headers, json=body, data=form)
        return Answer(answer.status_code, answer.content, began, time.monotonic(), stays_open=True)


@pytest.mark.parametrize("store", [SQLITE, POSTGRESQL])
def test_no_read_shows_what_was_before_an_acknowledged_write(
    store: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S16."""
    for name, value in prepared(store, tmp_path, more=OFF).items():
        monkeypatch.setenv(name, value)
    with asyncio.Runner() as runner:
        stack = AsyncExitStack()
        places = [runner.run(InProcess.opened(Settings(), stack)) for _ in range(2)]
        try:
            form = {"username": ROOT, "password": PASSWORD}
            admin = runner.run(places[0].ask("POST", "/auth/login", form=form)).body["access_token"]

            @settings(max_examples=10, deadline=None, phases=[Phase.generate])  # time goes its own way at each try
            @given(st.randoms(use_true_random=False))
            def holds(chance: Random) -> None:
                episode = Episode(places, admin)
                runner.run(episode.live(planned(chance)))
                assert episode.reads > 0
                assert episode.flaws == []

            holds()
        finally:
            runner.run(stack.aclose())


def test_a_read_may_show_the_last_acknowledged_value_and_what_was_written_since() -> None:
    register = Register("first")
    long_ago = time.monotonic()
    with register.written("second"):
        meanwhile = time.monotonic()
        assert register.may_show(long_ago, meanwhile) == {"first", "second"}
        assert register.may_show(long_ago, long_ago) == {"first"}
    assert register.may_show(time.monotonic(), time.monotonic()) == {"second"}
    assert register.may_show(long_ago, meanwhile) == {"first", "second"}
