"""`GET /metrics`: what is counted, by which names, and who may see it."""

import asyncio
import time
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest
from asgi_lifespan import LifespanManager
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.jobs.job import Job
from entrypoints.http.app import create_app
from entrypoints.http.metrics import STORE_AT_MOST_EVERY, TICK
from entrypoints.settings import Settings
from tests.entrypoints.http.client import PASSWORD, Api
from tests.entrypoints.http.metrics import Samples, read, total, value

REQUESTS = "moothall_http_requests_total"


def _engine(api: Api) -> AsyncEngine:
    engine: AsyncEngine = api.application.store._schema._engine  # type: ignore[attr-defined]
    return engine


async def scraped(api: Api) -> Samples:
    answer = await api.call("GET", "//metrics")
    assert answer.status_code == 200
    return read(answer.text)


async def test_requests_are_counted_by_template_method_and_status(api: Api) -> None:
    user, ada = await api.member()
    for _ in range(3):
        assert (await api.me(ada)).status_code == 200
    await api.call("GET", f"/users/{user['id']}", as_=ada)
    await api.call("GET", f"/users/{uuid4()}", as_=ada)
    await api.call("HEAD", "/users/me", as_=ada)
    samples = await scraped(api)
    assert value(samples, REQUESTS, method="GET", route="/api/v1/users/me", status="200") == 3
    assert value(samples, REQUESTS, method="HEAD", route="/api/v1/users/me", status="200") == 1
    assert total(samples, REQUESTS, route="/api/v1/users/{user_id}") == 2
    durations = "moothall_http_request_duration_seconds"
    assert total(samples, f"{durations}_count") == total(samples, REQUESTS)
    assert total(samples, f"{durations}_bucket", le="+Inf") == total(samples, REQUESTS)
    assert total(samples, f"{durations}_sum") > 0


async def test_whatever_is_sent_the_labels_are_few(api: Api) -> None:
    for n in range(5):
        await api.call("GET", f"//no/such/{n}?token=secret{n}")
        await api.call(f"ODD{n}", "/users/me")
    answer = await api.call("GET", "//metrics")
    samples = read(answer.text)
    assert value(samples, REQUESTS, method="GET", route="unmatched", status="404") == 5
    assert value(samples, REQUESTS, method="other", route="/api/v1/users/me", status="405") == 5
    assert "secret" not in answer.text
    assert "ODD" not in answer.text


async def test_the_store_tells_its_backlog(api: Api) -> None:
    job = Job(id=uuid4(), kind="odd", args={}, created_at=api.clock.now(), due_at=api.clock.now())
    async with api.application.identity.register.transactions.begin() as uow:
        for n in range(2):
            await uow.jobs.add(replace(job, id=uuid4(), due_at=api.clock.now() - timedelta(seconds=60 * (n + 1))))
    samples = await scraped(api)
    assert value(samples, "moothall_store_up") == 1
    assert value(samples, "moothall_jobs_due") == 2
    assert value(samples, "moothall_outbox_lag_seconds") >= 120
    assert value(samples, "moothall_deliveries_set_aside") == 0


async def test_what_can_be_exhausted_is_told(api: Api, store_name: str) -> None:
    samples = await scraped(api)
    assert value(samples, "moothall_password_hashing_threads_limit") >= 1
    assert value(samples, "moothall_password_hashing_threads_waiting") == 0
    assert value(samples, "moothall_database_connections_limit") == (0 if store_name == "memory" else 30)
    assert value(await scraped(api), "moothall_http_requests_in_flight") == 0


async def test_a_blocked_event_loop_shows(api: Api) -> None:
    before = await scraped(api)
    await asyncio.sleep(TICK * 1.5)
    time.sleep(TICK * 4)  # noqa: ASYNC251 - it is what no code may do
    await asyncio.sleep(TICK * 1.5)
    after = await scraped(api)
    assert value(after, "moothall_event_loop_lag_worst_seconds") > TICK
    late = {"le": "0.1"}
    on_time = value(after, "moothall_event_loop_lag_seconds_bucket", **late)
    assert value(after, "moothall_event_loop_lag_seconds_count") > max(
        on_time, value(before, "moothall_event_loop_lag_seconds_count")
    )


async def test_build_and_process_are_told(api: Api) -> None:
    samples = await scraped(api)
    assert total(samples, "moothall_build_info", version=api.app.version) == 1
    assert value(samples, "moothall_workers") == 1
    assert value(samples, "process_resident_memory_bytes") > 1_000_000
    assert value(samples, "process_cpu_seconds_total") > 0


async def test_open_metrics_are_given_to_who_asks_for_them(api: Api) -> None:
    answer = await api.call("GET", "//metrics", headers={"Accept": "application/openmetrics-text; version=1.0.0"})
    assert answer.headers["content-type"].startswith("application/openmetrics-text")
    assert answer.text.endswith("# EOF\n")
    assert (await api.call("GET", "//metrics")).headers["content-type"].startswith("text/plain")


@pytest.mark.parametrize("store_name", ["postgresql"])
async def test_many_scrapes_ask_the_store_once_a_second(api: Api, store_name: str) -> None:
    asked: list[str] = []

    def note(_: Any, __: Any, statement: str, *___: Any) -> None:
        asked.extend(["backlog"] if "set_aside" in statement else [])

    event.listen(_engine(api).sync_engine, "before_cursor_execute", note)
    began = time.monotonic()
    for _ in range(3):
        answers = await asyncio.gather(*(api.call("GET", "//metrics") for _ in range(20)))
        assert {answer.status_code for answer in answers} == {200}
    assert 1 <= len(asked) <= 1 + (time.monotonic() - began) / STORE_AT_MOST_EVERY


async def test_with_a_token_only_who_has_it_sees_them() -> None:
    app = create_app(Settings.model_validate({"metrics_token": PASSWORD}), in_memory=True)
    transport = httpx.ASGITransport(app)
    async with LifespanManager(app), httpx.AsyncClient(transport=transport, base_url="http://testserver") as client:
        for given in (None, "Bearer wrong", f"Basic {PASSWORD}", PASSWORD, "Bearer "):
            headers = {} if given is None else {"Authorization": given}
            answer = await client.get("/metrics", headers=headers)
            assert (answer.status_code, answer.json()["code"]) == (401, "bad-token")
            assert answer.headers["www-authenticate"].startswith("Bearer")
        assert (await client.get("/metrics", headers={"Authorization": f"Bearer {PASSWORD}"})).status_code == 200


@pytest.mark.parametrize("store_name", ["postgresql"])
async def test_a_store_that_is_away_is_told_as_that(api: Api, store_name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not as an empty backlog: the database's connections are taken, all of them."""
    engine = _engine(api)
    monkeypatch.setattr(engine.pool, "_max_overflow", 0)
    held = [await engine.connect() for _ in range(10)]
    try:
        samples = await scraped(api)
    finally:
        for connection in held:
            await connection.close()
    assert value(samples, "moothall_store_up") == 0
    assert value(samples, "moothall_jobs_due") != value(samples, "moothall_jobs_due")  # not a number
    assert value(samples, "moothall_database_connections_in_use") == 10
