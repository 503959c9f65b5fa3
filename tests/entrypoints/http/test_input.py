"""Hostile and malformed input: a clear refusal, quickly, and never a 5xx (S22, S23)."""

import json
import re
from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.entrypoints.http.client import PASSWORD, Api, Tokens

JSON = {"Content-Type": "application/json"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def assert_is_problem(answer: Any, status: int, code: str) -> None:
    body = answer.json()
    assert (answer.status_code, body["code"]) == (status, code)
    assert answer.headers["content-type"] == "application/problem+json"
    assert {"type", "title", "status", "detail", "instance", "code", "request_id"} <= body.keys()
    assert body["request_id"] == answer.headers["x-request-id"]


HOSTILE = [
    "Robert'); DROP TABLE users;--",
    "<script>alert(1)</script>",
    "{{7*7}}${7*7}",
    "../../etc/passwd",
    "\u202egnirts desrever",
    "𝕿𝖍𝖊 𝖖𝖚𝖎𝖈𝖐 🦊",
    "ＮＵＬＬ",
    "null",
    "ﷺ" * 50,
    "a\u0301" * 20,
    "%00%0a",
    "=cmd|' /C calc'!A0",
    " leading and trailing ",
    "\\u0000",
]


@pytest.mark.parametrize("text", HOSTILE)
async def test_a_hostile_name_comes_back_as_it_was(api: Api, text: str) -> None:
    await api.register(first_name=text, last_name=text)
    ada = await api.log_in()
    assert (await api.me(ada)).json()["first_name"] == text
    assert (await api.me(ada)).json()["last_name"] == text


@pytest.mark.parametrize("text", ["a\0b", "a\nb", "a\r\nBcc: x", "a\x1bb", "a\u2028b", "\ud800", "", "   ", "x" * 101])
async def test_what_cannot_be_a_name_is_refused(api: Api, text: str) -> None:
    body = json.dumps({"email": "ada@example.com", "password": PASSWORD, "first_name": text})
    answer = await api.call("POST", "/auth/register", content=body, headers=JSON)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/first_name"


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(max_size=120))
async def test_any_text_round_trips_or_is_refused(api: Api, text: str) -> None:
    tokens: Tokens | None = getattr(api, "hypothesis_tokens", None)
    if tokens is None:
        await api.register()
        tokens = await api.log_in()
        api.hypothesis_tokens = tokens  # type: ignore[attr-defined]
    body = json.dumps({"first_name": text})
    answer = await api.call("PATCH", "/users/me", as_=tokens, content=body, headers=JSON)
    assert answer.status_code in (200, 422)
    if answer.status_code == 200:
        assert (await api.me(tokens)).json()["first_name"] == text


@pytest.mark.parametrize("path", ["/auth/login", "/auth/token", "/auth/revoke"])
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=80))
async def test_any_text_in_a_form_is_answered(api: Api, path: str, text: str) -> None:
    form = {"grant_type": "password", "username": text, "password": text, "token": text}
    if path == "/auth/login":
        form.pop("token")
    answer = await api.call("POST", path, data=form)
    assert answer.status_code in (200, 400, 401, 422)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("", "invalid-input"),
        ("{", "malformed-body"),
        ("[" * 100_000, "malformed-body"),
        ('{"a":' * 100_000, "malformed-body"),
        ("\xff\xfe", "malformed-body"),
        ("null", "invalid-input"),
        ("[]", "invalid-input"),
        ('{"email": 1e400, "password": "x"}', "invalid-input"),
        ('{"email": NaN, "password": "x"}', "invalid-input"),
        ('{"email": {"a": 1}, "password": ["x"]}', "invalid-input"),
        ('{"email": "a@example.com", "password": "\\ud800"}', "invalid-input"),
    ],
)
async def test_a_body_that_is_no_body_is_refused(api: Api, body: str, code: str) -> None:
    answer = await api.call("POST", "/auth/register", content=body.encode("latin-1"), headers=JSON)
    assert answer.status_code == 422
    assert_is_problem(answer, 422, answer.json()["code"])
    if code == "malformed-body":
        assert answer.json()["code"] == code


async def test_another_media_type_is_415(api: Api) -> None:
    for media_type in ("text/plain", "application/xml", "multipart/form-data; boundary=x"):
        answer = await api.call("POST", "/auth/register", content=b"{}", headers={"Content-Type": media_type})
        assert_is_problem(answer, 415, "unsupported-media-type")
    answer = await api.call("POST", "/auth/login", content=b"{}", headers=JSON)
    assert_is_problem(answer, 415, "unsupported-media-type")
    answer = await api.call("POST", "/auth/register", content=b"{}")
    assert_is_problem(answer, 415, "unsupported-media-type")


async def test_a_million_form_fields_are_refused(api: Api) -> None:
    answer = await api.call("POST", "/auth/login", content=b"a&" * 1_000_000, headers=FORM)
    assert_is_problem(answer, 413, "body-too-large")
    answer = await api.call("POST", "/auth/login", content=b"a&" * 400_000, headers=FORM)
    assert_is_problem(answer, 413, "body-too-large")
    answer = await api.call("POST", "/auth/login", content=b"a&" * 30_000, headers=FORM)
    assert_is_problem(answer, 422, "malformed-body")
    answer = await api.call("POST", "/auth/token", content=b"a&" * 30_000, headers=FORM)
    assert answer.json()["error"] == "invalid_request"


async def test_an_endless_body_is_cut_off(api: Api) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while sent < 100_000_000:
            sent += 65_536
            yield b" " * 65_536

    answer = await api.call("POST", "/auth/register", content=endless(), headers=JSON)
    assert_is_problem(answer, 413, "body-too-large")
    assert sent < 3_000_000


async def test_an_unknown_field_or_parameter_is_refused_by_name(api: Api) -> None:
    answer = await api.call("POST", "/auth/login", data={"username": "a", "password": "b", "extra": "c"})
    assert_is_problem(answer, 422, "invalid-input")
    assert answer.json()["errors"][0]["pointer"] == "/extra"
    answer = await api.call("GET", "//health", params={"a/b~c": "d"})
    assert_is_problem(answer, 422, "invalid-input")
    assert answer.json()["errors"][0]["pointer"] == "/a~1b~0c"


async def test_a_path_or_method_that_is_not_there_is_a_problem_too(api: Api) -> None:
    assert_is_problem(await api.call("GET", "/nothing/here"), 404, "not-found")
    answer = await api.call("DELETE", "/auth/login")
    assert_is_problem(answer, 405, "method-not-allowed")
    assert answer.headers["allow"] == "POST"
    assert (await api.call("PUT", "/users/me")).headers["allow"] == "DELETE, GET, HEAD, PATCH"


async def test_head_answers_as_get_does_without_the_body(api: Api) -> None:
    answer = await api.call("HEAD", "//health")
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["content-length"] == (await api.call("GET", "//health")).headers["content-length"]
    assert (await api.call("HEAD", "/users/me")).status_code == 401
    assert (await api.call("HEAD", "/auth/login")).status_code == 405


async def test_a_repeated_query_parameter_is_refused_by_name(api: Api) -> None:
    _, root = await api.admin()
    answer = await api.call("GET", "/users?page=1&page=2", as_=root)
    assert_is_problem(answer, 422, "invalid-input")
    assert answer.json()["errors"][0]["pointer"] == "/page"


async def test_the_pointer_to_a_whole_body_is_empty(api: Api) -> None:
    answer = await api.call("POST", "/auth/register", content=b"[]", headers=JSON)
    assert [problem["pointer"] for problem in answer.json()["errors"]] == [""]


@pytest.mark.parametrize(
    ("given_id", "kept"),
    [("abc-123", True), ("x" * 128, True), ("x" * 129, False), ("a b", False), ("", False), ("a\u00e9", False)],
)
async def test_a_request_id_is_taken_or_made(api: Api, given_id: str, kept: bool) -> None:
    answer = await api.call("GET", "//health", headers={"X-Request-ID": given_id.encode("latin-1")})
    assert (answer.headers["x-request-id"] == given_id) is kept
    assert re.fullmatch(r"[A-Za-z0-9._-]{1,128}", answer.headers["x-request-id"])


async def test_timing_is_told_everywhere_but_where_it_would_tell_too_much(api: Api) -> None:
    answer = await api.call("GET", "//health")
    assert float(answer.headers["x-process-time"]) >= 0
    assert answer.headers["server-timing"].startswith("app;dur=")
    answer = await api.call("POST", "/auth/login", data={"username": "a", "password": "b"})
    assert "x-process-time" not in answer.headers
    assert "server-timing" not in answer.headers


async def test_alive_and_ready(api: Api) -> None:
    assert (await api.call("GET", "//health")).json() == {"status": "ok"}
    assert (await api.call("GET", "//ready")).json() == {"status": "ready", "redis": None}


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ('{"email": "a@example.com", "email": "b@example.com", "password": "x"}', "/email"),
        ('{"email": "a@example.com", "password": "x", "first_name": {"a/b": 1, "a/b": 2}}', "/a~1b"),
    ],
)
async def test_a_field_that_was_sent_twice_is_refused_by_name(api: Api, body: str, pointer: str) -> None:
    """Else a filter in front of us might have looked at the one, and we at the other."""
    answer = await api.call("POST", "/auth/register", content=body, headers=JSON)
    assert_is_problem(answer, 422, "invalid-input")
    assert answer.json()["errors"] == [{"pointer": pointer, "detail": "This was sent more than once."}]


async def test_a_form_field_that_was_sent_twice_is_refused_by_name(api: Api) -> None:
    await api.register()
    body = f"username=ada%40example.com&password=wrong&password={PASSWORD}"
    answer = await api.call("POST", "/auth/login", content=body, headers=FORM)
    assert_is_problem(answer, 422, "invalid-input")
    assert answer.json()["errors"] == [{"pointer": "/password", "detail": "This was sent more than once."}]
