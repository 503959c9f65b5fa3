"""Traces, by OpenTelemetry: on where its own environment variables ask for them, and the extra is installed.

A span for each request. None holds a path, a query, a header, or the text of an error: links in mails carry their
tokens there, and errors may tell what somebody sent.
"""

import os
from importlib.util import find_spec
from typing import TYPE_CHECKING

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from entrypoints.logs import TRACE_ID
from entrypoints.wrong_settings import SettingsError

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider

ASKED_BY = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_TRACES_EXPORTER")
NEEDED = ("opentelemetry.sdk.trace", "opentelemetry.exporter.otlp.proto.http.trace_exporter")
EXPORTERS = ("otlp", "none")
SERVICE = "moothall"
EXPORT_WITHIN = 2.0
"""Seconds; the end of a server waits for the last export."""


def are_wanted() -> bool:
    """Whether the environment asks for traces, as OpenTelemetry's specification of its variables has it.

    Raises:
        SettingsError: it does, but they cannot be had.
    """
    if os.environ.get("OTEL_SDK_DISABLED", "").lower() == "true" or os.environ.get("OTEL_TRACES_EXPORTER") == "none":
        return False
    if not any(os.environ.get(name) for name in ASKED_BY):
        return False
    exporter = os.environ.get("OTEL_TRACES_EXPORTER") or "otlp"
    if exporter not in EXPORTERS:
        raise SettingsError([f"OTEL_TRACES_EXPORTER: is one of {', '.join(EXPORTERS)}"])
    if not all(_is_installed(name) for name in NEEDED):
        asked_by = next(name for name in ASKED_BY if os.environ.get(name))
        raise SettingsError([f"{asked_by}: traces need the extra; install it with: pip install 'moothall[telemetry]'"])
    return True


def open_traces() -> "TracerProvider | None":
    """What makes spans, and sends them off; None where nobody asked. Whoever opened it shuts it down, which may take
    as long as the exporter waits for an answer.

    Raises:
        SettingsError: traces are asked for, but cannot be had.
    """
    if not are_wanted():
        return None
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415 (an extra)
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415

    named = {} if os.environ.get("OTEL_SERVICE_NAME") else {"service.name": SERVICE}
    timeout = None if os.environ.get("OTEL_EXPORTER_OTLP_TIMEOUT") else EXPORT_WITHIN
    provider = TracerProvider(resource=Resource.create(named))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(timeout=timeout)))
    return provider


class Traced:
    """Around the application: a server span for each request, named `METHOD template`. What is refused before
    anything is done has none."""

    def __init__(self, app: ASGIApp, *, provider: "TracerProvider") -> None:
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator  # noqa: PLC0415

        self._app = app
        self._tracer = provider.get_tracer(SERVICE)
        self._callers_span = TraceContextTextMapPropagator().extract

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        from opentelemetry.trace import SpanKind, StatusCode, use_span  # noqa: PLC0415

        status = 0

        async def noting_status(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        sent = {
            name.decode("latin-1"): value.decode("latin-1")
            for name, value in scope["headers"]
            if name in (b"traceparent", b"tracestate")
        }
        method = scope["method"]
        span = self._tracer.start_span(method, self._callers_span(sent), SpanKind.SERVER)
        TRACE_ID.set(f"{span.get_span_context().trace_id:032x}")
        try:
            with use_span(span, record_exception=False, set_status_on_exception=False):
                await self._app(scope, receive, noting_status)
        except Exception as error:
            status = status or 500
            span.set_attribute("error.type", type(error).__name__)
            raise
        finally:
            if "route" in scope:
                span.update_name(f"{method} {scope['route'].path}")
                span.set_attribute("http.route", scope["route"].path)
            span.set_attribute("http.request.method", method)
            span.set_attribute("url.scheme", scope["scheme"])
            span.set_attribute("moothall.request_id", scope["state"]["request_id"])
            if status:
                span.set_attribute("http.response.status_code", status)
            if status >= 500:
                span.set_status(StatusCode.ERROR)
            span.end()


def _is_installed(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except ModuleNotFoundError:  # not even what it would be in
        return False
