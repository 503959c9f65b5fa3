"""Jobs: seen, cancelled and retried by whose they are, and by who may do so for everybody."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from domain.jobs.job import Job, Progress
from tests.entrypoints.http.client import Api, Tokens
from tests.entrypoints.work import a_delivery, a_job, begun, failed, store

PARTS = {
    "id", "kind", "status", "progress", "result", "error", "attempts", "user_id", "cancel_requested", "created_at",
    "not_before", "started_at", "finished_at",
}  # fmt: skip


async def _stored(api: Api, user: dict[str, Any] | None = None, **fields: Any) -> Job:
    """A job of that member's, or of nobody's, that waits."""
    job = a_job(api.clock.now(), UUID(user["id"]) if user else None, **fields)
    await store(api.application, job)
    return job


async def _running(api: Api, user: dict[str, Any], **fields: Any) -> Job:
    job = begun(a_job(api.clock.now(), UUID(user["id"]), **fields))
    await store(api.application, job)
    return job


async def _failed(api: Api, user: dict[str, Any], **fields: Any) -> Job:
    job = failed(a_job(api.clock.now(), UUID(user["id"]), **fields))
    await store(api.application, job)
    return job


async def _settle(api: Api, job: Job, outcome: Job) -> None:
    """As the worker does who has the job."""
    assert job.lease_id is not None
    async with api.application.jobs.retry_job.transactions.begin() as uow:
        assert await uow.jobs.settle(outcome, job.lease_id) is not None


async def _show(api: Api, job: Job, tokens: Tokens | None) -> httpx.Response:
    return await api.call("GET", f"/jobs/{job.id}", as_=tokens)


async def _post(api: Api, job: Job, verb: str, tokens: Tokens | None = None, **headers: str) -> httpx.Response:
    return await api.call("POST", f"/jobs/{job.id}/{verb}", as_=tokens, headers=headers)


async def _listed(api: Api, tokens: Tokens | None, **query: Any) -> list[str]:
    answer = await api.call("GET", "/jobs", as_=tokens, params=query)
    assert answer.status_code == 200, answer.text
    return [job["id"] for job in answer.json()["items"]]


def _refused(answer: httpx.Response, status: int, code: str) -> None:
    assert (answer.status_code, answer.json()["code"]) == (status, code)


# Seen


async def test_a_job_says_how_far_it_is(api: Api) -> None:
    user, ada = await api.member()
    job = await _stored(api, user, progress=Progress(3, 10, 1))
    answer = await _show(api, job, ada)
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    assert "etag" not in answer.headers
    found = answer.json()
    assert found.keys() == PARTS
    now = found["created_at"]
    assert now.endswith("Z")
    assert datetime.fromisoformat(now) == api.clock.now()
    assert found == {
        "id": str(job.id), "kind": "count", "status": "queued", "progress": {"done": 3, "total": 10, "rejected": 1},
        "result": None, "error": None, "attempts": 0, "user_id": user["id"], "cancel_requested": False,
        "created_at": now, "not_before": now, "started_at": None, "finished_at": None,
    }  # fmt: skip


async def test_who_asks_again_sees_the_progress_and_the_result(api: Api) -> None:
    user, ada = await api.member()
    job = await _running(api, user)
    api.clock.advance(seconds=1)
    async with api.application.jobs.retry_job.transactions.begin() as uow:
        assert job.lease_id is not None
        await uow.jobs.note_progress(job.id, job.lease_id, Progress(5))
    found = (await _show(api, job, ada)).json()
    assert (found["status"], found["attempts"], found["not_before"]) == ("running", 1, None)
    assert found["progress"] == {"done": 5, "total": None, "rejected": 0}
    await _settle(api, job, job.succeeded(api.clock.now(), {"imported": 5, "names": ["ada", "é"]}))
    found = (await _show(api, job, ada)).json()
    assert (found["status"], found["result"]) == ("succeeded", {"imported": 5, "names": ["ada", "é"]})
    assert datetime.fromisoformat(found["started_at"]) == api.clock.now() - timedelta(seconds=1)
    assert datetime.fromisoformat(found["finished_at"]) == api.clock.now()


async def test_members_see_their_own_jobs_and_learn_of_no_others(api: Api) -> None:
    (one, ada), (two, bob) = await api.member("ada"), await api.member("bob")
    own, others, nobodys = await _stored(api, one), await _stored(api, two), await _stored(api, kind="sweep")
    assert await _listed(api, ada) == [str(own.id)]
    assert await _listed(api, bob) == [str(others.id)]
    for hidden in (others, nobodys, a_job(api.clock.now())):
        _refused(await _show(api, hidden, ada), 404, "job-not-found")
    _refused(await _show(api, own, None), 401, "not-signed-in")
    assert (await api.call("GET", "/jobs")).status_code == 401
    assert (await api.call("GET", "/jobs/not-an-id", as_=ada)).status_code == 422


async def test_who_may_read_all_jobs_sees_everybodys_and_those_of_nobody(api: Api) -> None:
    user, _ = await api.member("ada")
    _, reader = await api.staff("reader", "jobs:read")
    own, nobodys = await _stored(api, user), await _stored(api, kind="sweep")
    assert set(await _listed(api, reader)) == {str(own.id), str(nobodys.id)}
    assert (await _show(api, own, reader)).json()["user_id"] == user["id"]
    assert (await _show(api, nobodys, reader)).json()["user_id"] is None


async def test_jobs_are_found_by_status_kind_and_member(api: Api) -> None:
    (one, ada), (two, _) = await api.member("ada"), await api.member("bob")
    _, reader = await api.staff("reader", "jobs:read")
    waiting = str((await _stored(api, one)).id)
    other = str((await _stored(api, two, kind="export")).id)
    running, lost = str((await _running(api, one, kind="export")).id), str((await _failed(api, one)).id)
    sweep = str((await _stored(api, kind="sweep")).id)
    for query, wanted in (
        ({"status": "queued"}, {waiting, other, sweep}),
        ({"status": "running"}, {running}),
        ({"status": "dead"}, set()),
        ({"kind": "export"}, {running, other}),
        ({"kind": "exp"}, set()),
        ({"kind": "a\0b"}, set()),
        ({"kind": "export", "status": "queued"}, {other}),
        ({"user_id": one["id"]}, {waiting, running, lost}),
        ({"user_id": one["id"], "status": "failed"}, {lost}),
        ({"user_id": str(uuid4())}, set()),
    ):
        assert set(await _listed(api, reader, **query)) == wanted, query
    assert set(await _listed(api, ada, kind="export")) == {running}
    assert set(await _listed(api, ada, user_id=one["id"])) == {waiting, running, lost}
    answer = await api.call("GET", "/jobs", as_=ada, params={"user_id": two["id"]})
    _refused(answer, 403, "not-allowed")


async def test_jobs_are_listed_newest_first_page_by_page(api: Api) -> None:
    user, ada = await api.member()
    made = []
    for number in range(5):
        api.clock.advance(seconds=number % 2)
        made.append(await _stored(api, user))
    wanted = [str(job.id) for job in sorted(made, key=lambda job: (job.created_at, job.id), reverse=True)]
    first = (await api.call("GET", "/jobs", as_=ada, params={"page_size": 2, "page": 2})).json()
    assert [job["id"] for job in first["items"]] == wanted[2:4]
    assert (first["total"], first["page"], first["page_size"], first["pages"]) == (5, 2, 2, 3)
    seen: list[str] = []
    url = "/jobs?cursor=&page_size=2&status=queued"
    while url:
        answer = await api.call("GET", url, as_=ada)
        assert answer.json()["total"] is None
        seen += [job["id"] for job in answer.json()["items"]]
        url = answer.headers.get("link", "").removeprefix("</api/v1").partition(">")[0]
    assert seen == wanted


@pytest.mark.parametrize(
    "query",
    [
        {"status": "late"}, {"status": ""}, {"status": "QUEUED"}, {"kind": ""}, {"kind": "x" * 201}, {"user_id": "ada"},
        {"cursor": "nonsense"}, {"page_size": 101}, {"sort": "kind"}, {"status": ["queued", "dead"]},
    ],
)  # fmt: skip
async def test_a_bad_question_is_refused_where_it_stands(api: Api, query: dict[str, Any]) -> None:
    _, ada = await api.member()
    answer = await api.call("GET", "/jobs", as_=ada, params=query)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] in {f"/{name}" for name in query}


# Cancelled


async def test_a_job_that_waits_is_cancelled_at_once(api: Api) -> None:
    user, ada = await api.member()
    job = await _stored(api, user)
    answer = await _post(api, job, "cancel", ada)
    found = answer.json()
    assert (answer.status_code, found["status"], found["cancel_requested"]) == (200, "cancelled", False)
    assert (datetime.fromisoformat(found["finished_at"]), found["not_before"]) == (api.clock.now(), None)
    assert (await _show(api, job, ada)).json() == found


async def test_a_job_that_runs_is_asked_to_stop(api: Api) -> None:
    user, ada = await api.member()
    job = await _running(api, user)
    for _ in range(2):
        answer = await _post(api, job, "cancel", ada)
        assert (answer.status_code, answer.json()["status"], answer.json()["cancel_requested"]) == (
            200,
            "running",
            True,
        )
    _, root = await api.admin()
    assert len(await api.trail(root, action="job.cancelled")) == 1
    await _settle(api, job, job.cancelled(api.clock.now()))
    assert (await _show(api, job, ada)).json()["status"] == "cancelled"


async def test_what_is_finished_is_not_cancelled(api: Api) -> None:
    user, ada = await api.member()
    now = api.clock.now()
    done, lost, cancelled = (begun(a_job(now, UUID(user["id"]))) for _ in range(3))
    for finished in (done.succeeded(now), lost.failed(now, "no"), cancelled.cancelled(now)):
        await store(api.application, finished)
        before = (await _show(api, finished, ada)).json()
        _refused(await _post(api, finished, "cancel", ada), 409, "job-finished")
        assert (await _show(api, finished, ada)).json() == before


# Retried


@pytest.mark.parametrize("end", ["failed", "dead", "cancelled"])
async def test_what_failed_is_begun_anew_when_somebody_says_so(api: Api, end: str) -> None:
    user, ada = await api.member()
    await api.application.runner.drain()
    now = api.clock.now()
    job = begun(a_job(now, UUID(user["id"]), kind="sweep", progress=Progress(3, 10, 1), strikes=7, attempts=7))
    ended = {"failed": job.failed(now, "no"), "dead": job.struck(now, "no", 0.0), "cancelled": job.cancelled(now)}[end]
    assert ended.status.value == end
    await store(api.application, ended)
    assert await api.application.runner.drain() == 0
    api.clock.advance(seconds=5)
    answer = await _post(api, ended, "retry", ada)
    found = answer.json()
    assert (answer.status_code, found["status"], found["attempts"], found["error"]) == (200, "queued", 0, None)
    assert found["progress"] == {"done": 0, "total": None, "rejected": 0}
    assert (datetime.fromisoformat(found["not_before"]), found["finished_at"]) == (api.clock.now(), None)
    assert await api.application.runner.drain() == 1
    assert (await _show(api, ended, ada)).json()["result"]["sessions"] == 0


async def test_what_did_not_fail_is_not_retried(api: Api) -> None:
    user, ada = await api.member()
    waiting, running = await _stored(api, user), await _running(api, user)
    done = begun(a_job(api.clock.now(), UUID(user["id"]))).succeeded(api.clock.now())
    await store(api.application, done)
    for job in (waiting, running, done):
        before = (await _show(api, job, ada)).json()
        _refused(await _post(api, job, "retry", ada), 409, "job-not-retryable")
        assert (await _show(api, job, ada)).json() == before


async def test_a_job_is_not_retried_beside_another_one_of_its_sort(api: Api) -> None:
    _, manager = await api.staff("manager", "jobs:*")
    old = await _stored(api, kind="sweep", unique_key="sweep")
    assert (await _post(api, old, "cancel", manager)).status_code == 200
    await _stored(api, kind="sweep", unique_key="sweep")
    _refused(await _post(api, old, "retry", manager), 409, "job-unfinished")
    assert (await _show(api, old, manager)).json()["status"] == "cancelled"


# By whom


async def test_others_jobs_are_neither_cancelled_nor_retried_nor_told_of(api: Api) -> None:
    (one, ada), (_, bob) = await api.member("ada"), await api.member("bob")
    waiting, lost, nobodys = await _stored(api, one), await _failed(api, one), await _stored(api, kind="sweep")
    before = await api.call("GET", "/jobs", as_=ada)
    for job in (waiting, lost, nobodys, a_job(api.clock.now())):
        for verb in ("cancel", "retry"):
            _refused(await _post(api, job, verb, bob), 404, "job-not-found")
            _refused(await _post(api, job, verb), 401, "not-signed-in")
    assert (await api.call("GET", "/jobs", as_=ada)).json() == before.json()
    _, reader = await api.staff("reader", "jobs:read")
    _refused(await _post(api, waiting, "cancel", reader), 404, "job-not-found")


async def test_who_manages_jobs_cancels_and_retries_everybodys(api: Api) -> None:
    user, ada = await api.member("ada")
    boss, manager = await api.staff("manager", "jobs:manage")
    _, root = await api.admin()
    waiting, nobodys = await _stored(api, user), await _stored(api, kind="sweep")
    for job in (waiting, nobodys):
        for verb, status in (("cancel", "cancelled"), ("retry", "queued")):
            answer = await _post(api, job, verb, manager)
            assert (answer.status_code, answer.json()["status"]) == (200, status)
    entries = await api.trail(root, actor=boss["id"])
    told = {(entry["action"], entry["subject"], entry["item"]) for entry in entries if entry["item"]}
    assert told >= {
        (action, subject, item)
        for subject, item in ((user["id"], str(waiting.id)), (None, str(nobodys.id)))
        for action in ("job.cancelled", "job.retried")
    }
    assert (await _show(api, waiting, ada)).json()["status"] == "queued"


async def test_a_key_sees_its_owners_jobs_and_changes_them_by_permission_only(api: Api) -> None:
    user, staff = await api.staff("staff", "jobs:*")
    waiting, lost, nobodys = await _stored(api, user), await _failed(api, user), await _stored(api, kind="sweep")
    empty = {"X-API-Key": (await api.key(staff))["key"]}
    answer = await api.call("GET", "/jobs", headers=empty)
    assert {job["id"] for job in answer.json()["items"]} == {str(waiting.id), str(lost.id)}
    assert (await api.call("GET", f"/jobs/{waiting.id}", headers=empty)).status_code == 200
    _refused(await api.call("GET", f"/jobs/{nobodys.id}", headers=empty), 404, "job-not-found")
    _refused(await _post(api, waiting, "cancel", **empty), 403, "not-in-person")
    _refused(await _post(api, lost, "retry", **empty), 403, "not-in-person")
    reading = {"X-API-Key": (await api.key(staff, "jobs:read"))["key"]}
    assert (await api.call("GET", f"/jobs/{nobodys.id}", headers=reading)).status_code == 200
    _refused(await _post(api, nobodys, "cancel", **reading), 403, "not-in-person")
    managing = {"X-API-Key": (await api.key(staff, "jobs:manage"))["key"]}
    assert (await _post(api, waiting, "cancel", **managing)).json()["status"] == "cancelled"
    assert (await _post(api, lost, "retry", **managing)).json()["status"] == "queued"


async def test_who_acts_in_a_members_place_sees_their_jobs_and_leaves_them_alone(api: Api) -> None:
    user, _ = await api.member("ada")
    _, root = await api.admin()
    job = await _stored(api, user)
    answer = await api.call("POST", f"/users/{user['id']}/impersonate", as_=root, json={})
    acting = Tokens(answer.json()["access_token"], "")
    assert await _listed(api, acting) == [str(job.id)]
    _refused(await _post(api, job, "cancel", acting), 403, "not-in-person")


# What is no job to whoever looks


async def test_deliveries_are_no_jobs(api: Api) -> None:
    _, root = await api.admin()
    delivery = a_delivery(api.clock.now())
    await store(api.application, delivery)
    assert str(delivery.id) not in await _listed(api, root)
    assert await _listed(api, root, kind="mail-welcome") == []
    _refused(await _show(api, delivery, root), 404, "job-not-found")
    for verb in ("cancel", "retry"):
        _refused(await _post(api, delivery, verb, root), 404, "job-not-found")


async def test_jobs_go_with_their_member(api: Api) -> None:
    user, _ = await api.member("ada")
    _, root = await api.admin()
    job = await _stored(api, user)
    assert (await api.call("DELETE", f"/users/{user['id']}", as_=root)).status_code == 204
    _refused(await _show(api, job, root), 404, "job-not-found")


async def test_a_job_is_described_as_it_is_answered(api: Api) -> None:
    document = (await api.call("GET", "//openapi.json")).json()
    schemas = document["components"]["schemas"]
    assert set(schemas["JobView"]["properties"]) == PARTS
    assert set(schemas["Status"]["enum"]) == {"queued", "running", "succeeded", "failed", "cancelled", "dead"}
    for path in ("/jobs/{job_id}/cancel", "/jobs/{job_id}/retry"):
        answers = document["paths"][f"/api/v1{path}"]["post"]["responses"]
        assert answers.keys() >= {"200", "401", "403", "404", "409"}
        assert "jobs:manage" in answers["403"]["description"]
