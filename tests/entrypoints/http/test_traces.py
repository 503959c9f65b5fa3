"""Spans, as a collector receives them; and what comes of asking for them in vain."""

import logging
import subprocess
import sys
from collections.abc import Iterator

import httpx
import pytest
from asgi_lifespan import LifespanManager
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from entrypoints.http.app import create_app
from entrypoints.logs import JsonLines
from entrypoints.settings import Settings
from entrypoints.wrong_settings import SettingsError
from tests.entrypoints.http.collector import Collector, collecting
from tests.project.places import REPOSITORY, environment

TRACE = "0af7651916cd43dd8448eb211c80319c"
SECRET = "s3cret-of-a-link"


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    with collecting(monkeypatch) as server:
        yield server


def _attributes(span: Span) -> dict[str, object]:
    return {pair.key: getattr(pair.value, str(pair.value.WhichOneof("value"))) for pair in span.attributes}


async def test_a_span_for_each_request_reaches_the_collector(
    collector: Collector, caplog: pytest.LogCaptureFixture
) -> None:
    app = create_app(Settings(bcrypt_cost=4), in_memory=True)

    async def fail() -> None:
        raise ZeroDivisionError(SECRET)

    app.add_api_route("/fail", fail)
    lines = []

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(JsonLines().format(record))

    logging.getLogger("moothall").addHandler(keeping := Keep())
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    try:
        async with LifespanManager(app), httpx.AsyncClient(transport=transport, base_url="http://testserver") as client:
            parent = {"traceparent": f"00-{TRACE}-b7ad6b7169203331-01", "Authorization": f"Bearer {SECRET}"}
            id_ = "00000000-0000-7000-8000-000000000000"
            answer = await client.get(f"/api/v1/users/{id_}?no={SECRET}", headers=parent)
            await client.get("/fail", headers=parent)
            await client.get(f"/reset-password?token={SECRET}")
            await client.get(f"/no/such/{SECRET}")
    finally:
        logging.getLogger("moothall").removeHandler(keeping)
    spans = collector.spans()
    assert set(spans) == {"GET /api/v1/users/{user_id}", "GET /fail", "GET /reset-password", "GET"}
    span = spans["GET /api/v1/users/{user_id}"]
    assert span.kind == Span.SPAN_KIND_SERVER
    assert span.trace_id.hex() == TRACE
    assert span.parent_span_id.hex() == "b7ad6b7169203331"
    assert _attributes(span) == {
        "http.route": "/api/v1/users/{user_id}",
        "http.request.method": "GET",
        "http.response.status_code": answer.status_code,
        "url.scheme": "http",
        "moothall.request_id": answer.headers["x-request-id"],
    }
    assert spans["GET /fail"].status.code == 2
    assert _attributes(spans["GET /fail"])["error.type"] == "ZeroDivisionError"
    assert span.status.code == 0
    assert not any(SECRET.encode() in body for body in collector.received)
    assert any(f'"trace_id": "{TRACE}"' in line for line in lines)


@pytest.mark.parametrize("off", [{"OTEL_SDK_DISABLED": "true"}, {"OTEL_TRACES_EXPORTER": "none"}])
async def test_they_can_be_switched_off(
    collector: Collector, off: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in off.items():
        monkeypatch.setenv(name, value)
    app = create_app(Settings(), in_memory=True)
    transport = httpx.ASGITransport(app)
    async with LifespanManager(app), httpx.AsyncClient(transport=transport, base_url="http://testserver") as client:
        await client.get("/health")
    assert collector.received == []


@pytest.mark.parametrize("workers", ["1", "2"])
def test_asked_for_without_the_extra_the_start_stops_and_says_which(workers: str) -> None:
    """As if it were not installed: nothing below `opentelemetry` can be found."""
    hiding = (
        "import sys; sys.modules['opentelemetry'] = None\n"
        f"from entrypoints.cli.main import run; run(['serve', '--port', '0', '--workers', '{workers}'])"
    )
    ran = subprocess.run(
        [sys.executable, "-c", hiding],
        cwd=REPOSITORY,
        env=environment({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"}),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ran.returncode != 0
    assert "moothall[telemetry]" in ran.stderr
    assert "Traceback" not in ran.stderr


def test_another_exporter_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_TRACES_EXPORTER", "zipkin")
    with pytest.raises(SettingsError, match="OTEL_TRACES_EXPORTER"):
        create_app(Settings(), in_memory=True)


def test_nobody_who_does_not_ask_imports_any_of_it() -> None:
    asking = (
        "import sys; from entrypoints.http.app import create_app; from entrypoints.settings import Settings\n"
        "create_app(Settings(), in_memory=True).build_middleware_stack()\n"
        "print([name for name in sys.modules if name.startswith(('opentelemetry.sdk', 'opentelemetry.exporter'))])"
    )
    ran = subprocess.run(
        [sys.executable, "-c", asking], cwd=REPOSITORY, env=environment(), capture_output=True, text=True, timeout=60
    )
    assert ran.stdout.strip() == "[]", ran.stderr
