"""What should have followed from events, and was set aside: seen, and tried again."""

from datetime import datetime
from typing import Any
from uuid import uuid4

import httpx
import pytest

from domain.identity.events import EmailVerified, VerificationRequested
from domain.jobs.job import MOST_STRIKES, Job
from tests.entrypoints.http.client import Api, Tokens
from tests.entrypoints.work import a_delivery, a_job, begun, failed, store

PARTS = {"id", "event_id", "event", "reaction", "actor", "at", "attempts", "error", "failed_at"}


async def _stored(api: Api, **fields: Any) -> Job:
    delivery = a_delivery(api.clock.now(), **fields)
    await store(api.application, delivery)
    return delivery


async def _set_aside(api: Api, tokens: Tokens, **query: Any) -> dict[str, Any]:
    answer = await api.call("GET", "/outbox/failed", as_=tokens, params=query)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def _retry(api: Api, delivery: Job, tokens: Tokens | None = None, **headers: str) -> httpx.Response:
    return await api.call("POST", f"/outbox/failed/{delivery.id}/retry", as_=tokens, headers=headers)


def _refused(answer: httpx.Response, status: int, code: str) -> None:
    assert (answer.status_code, answer.json()["code"]) == (status, code)


async def test_what_was_set_aside_says_what_failed_and_why(api: Api) -> None:
    _, reader = await api.staff("reader", "outbox:read")
    delivery = await _stored(api)
    assert delivery.emitted is not None
    [found] = (await _set_aside(api, reader))["items"]
    assert found.keys() == PARTS
    assert (found["id"], found["event_id"]) == (str(delivery.id), str(delivery.emitted.id))
    assert (found["event"], found["reaction"], found["actor"]) == ("email.verified", "mail-welcome", "anonymous")
    assert (found["attempts"], found["error"]) == (1, "mail-refused: Nobody of that name here.")
    assert datetime.fromisoformat(found["at"]) == datetime.fromisoformat(found["failed_at"]) == api.clock.now()
    assert found["at"].endswith("Z")


async def test_only_what_is_given_up_is_set_aside(api: Api) -> None:
    _, reader = await api.staff("reader", "outbox:read")
    now = api.clock.now()
    waiting, running, done, cancelled, struck = (
        a_job(now, kind=delivery.kind, emitted=delivery.emitted, strikes=strikes)
        for delivery, strikes in zip([a_delivery(now) for _ in range(5)], (0, 0, 0, 0, MOST_STRIKES - 1), strict=True)
    )
    dead = begun(struck).struck(now, "ValueError: no", 0.0)
    await store(api.application, waiting, begun(running), begun(done).succeeded(now), cancelled.cancelled(now), dead)
    await store(api.application, failed(a_job(now)))
    [found] = (await _set_aside(api, reader))["items"]
    assert (found["id"], found["attempts"], found["error"]) == (str(dead.id), 1, "ValueError: no")


async def test_what_failed_last_comes_first_page_by_page(api: Api) -> None:
    _, reader = await api.staff("reader", "outbox:read")
    stored = []
    for number in range(5):
        api.clock.advance(seconds=number % 2)
        stored.append(await _stored(api))
    wanted = [str(job.id) for job in sorted(stored, key=lambda job: (job.created_at, job.id), reverse=True)]
    second = await _set_aside(api, reader, page=2, page_size=2)
    assert [item["id"] for item in second["items"]] == wanted[2:4]
    assert (second["total"], second["page"], second["pages"]) == (5, 2, 3)
    seen: list[str] = []
    url = "/outbox/failed?cursor=&page_size=2"
    while url:
        answer = await api.call("GET", url, as_=reader)
        seen += [item["id"] for item in answer.json()["items"]]
        url = answer.headers.get("link", "").removeprefix("</api/v1").partition(">")[0]
    assert seen == wanted


@pytest.mark.parametrize("query", [{"reaction": "mail-welcome"}, {"cursor": "nonsense"}, {"page": 0}])
async def test_a_bad_question_is_refused_where_it_stands(api: Api, query: dict[str, Any]) -> None:
    _, root = await api.admin()
    answer = await api.call("GET", "/outbox/failed", as_=root, params=query)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] in {f"/{name}" for name in query}


async def test_what_is_retried_happens_at_the_next_occasion(api: Api) -> None:
    _, root = await api.admin()
    user, _ = await api.member("ada")
    await api.application.runner.drain()
    event = VerificationRequested(email_key="ada@example.com")
    delivery = await _stored(api, event=event, reaction="start-verification")
    assert await api.application.runner.drain() == 0
    before = len(await api.trail(root, action="verification.requested", subject=user["id"]))
    answer = await _retry(api, delivery, root)
    assert (answer.status_code, answer.content) == (204, b"")
    assert (await _set_aside(api, root))["items"] == []
    assert await api.application.runner.drain() == 2, "the follow-up, and the mail that comes of it"
    assert len(await api.trail(root, action="verification.requested", subject=user["id"])) == before + 1
    _refused(await _retry(api, delivery, root), 404, "delivery-not-found")


async def test_what_is_retried_counts_its_attempts_from_the_beginning(api: Api) -> None:
    """A mail to a member who is gone is none to be sent, and so it succeeds."""
    _, root = await api.admin()
    delivery = await _stored(api, event=EmailVerified(user_id=uuid4()))
    await _retry(api, delivery, root)
    _refused(await _retry(api, delivery, root), 404, "delivery-not-found")
    async with api.application.jobs.retry_job.transactions.begin() as uow:
        queued = await uow.jobs.get(delivery.id)
    assert queued is not None
    assert (queued.status.value, queued.attempts, queued.strikes) == ("queued", 0, 0)
    assert queued.due_at == api.clock.now()
    assert await api.application.runner.drain() == 1
    assert (await _set_aside(api, root))["total"] == 0


async def test_retrying_is_recorded(api: Api) -> None:
    _, root = await api.admin()
    operator, retrier = await api.staff("retrier", "outbox:retry")
    delivery = await _stored(api)
    assert (await _retry(api, delivery, retrier)).status_code == 204
    [entry] = await api.trail(root, action="delivery.retried")
    assert (entry["actor"], entry["subject"], entry["item"]) == (operator["id"], "mail-welcome", str(delivery.id))


async def test_it_is_read_and_retried_by_who_may(api: Api) -> None:
    _, ada = await api.member("ada")
    _, reader = await api.staff("reader", "outbox:read", "jobs:*")
    _, retrier = await api.staff("retrier", "outbox:retry", "jobs:*")
    delivery = await _stored(api)
    for tokens in (ada, retrier):
        _refused(await api.call("GET", "/outbox/failed", as_=tokens), 403, "not-allowed")
    for tokens in (ada, reader):
        for some in (delivery, a_job(api.clock.now())):
            _refused(await _retry(api, some, tokens), 403, "not-allowed")
    _refused(await _retry(api, delivery), 401, "not-signed-in")
    assert (await api.call("GET", "/outbox/failed")).status_code == 401
    reading, retrying = await api.key(reader, "outbox:read"), await api.key(retrier, "outbox:retry")
    assert (await api.call("GET", "/outbox/failed", headers={"X-API-Key": reading["key"]})).json()["total"] == 1
    empty = await api.key(retrier)
    _refused(await _retry(api, delivery, **{"X-API-Key": empty["key"]}), 403, "not-allowed")
    assert (await _retry(api, delivery, **{"X-API-Key": retrying["key"]})).status_code == 204


async def test_a_job_is_no_delivery(api: Api) -> None:
    _, root = await api.admin()
    job = failed(a_job(api.clock.now()))
    await store(api.application, job)
    for some in (job, a_job(api.clock.now())):
        _refused(await _retry(api, some, root), 404, "delivery-not-found")
    assert (await api.call("POST", "/outbox/failed/not-an-id/retry", as_=root)).status_code == 422
    assert (await api.call("GET", f"/jobs/{job.id}", as_=root)).json()["status"] == "failed"


async def test_what_is_discarded_is_gone(api: Api) -> None:
    _, root = await api.admin()
    _, reader = await api.staff("reader", "outbox:read")
    await api.application.runner.drain()
    delivery = await _stored(api)
    path = f"/outbox/failed/{delivery.id}"
    _refused(await api.call("DELETE", path, as_=reader), 403, "not-allowed")
    assert (await api.call("DELETE", path, as_=root)).status_code == 204
    assert (await _set_aside(api, root))["total"] == 0
    assert await api.application.runner.drain() == 0
    _refused(await api.call("DELETE", path, as_=root), 404, "delivery-not-found")
    _refused(await _retry(api, delivery, root), 404, "delivery-not-found")
