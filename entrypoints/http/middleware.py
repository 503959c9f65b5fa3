"""What happens around every request, as plain ASGI: a request id, timing, metrics, headers for browsers, bounds on
what is taken, no stack traces."""

import asyncio
import logging
import random
import re
import time
from collections.abc import Callable, Iterable
from http import HTTPStatus

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from application.imports.ports import LARGEST_FILE
from application.profiles.ports import LARGEST_IMAGE
from domain.errors import Unavailable
from entrypoints.http import limits
from entrypoints.http.connections import STREAMS
from entrypoints.http.downloads import WITHOUT_BODY
from entrypoints.http.errors import CODE_OF_STATUS, BodyTooLarge, BodyTooSlow, headers_of, problem
from entrypoints.http.metrics import UNMATCHED, Metrics
from entrypoints.logs import REQUEST_ID

log = logging.getLogger("moothall.http")
access_log = logging.getLogger("moothall.access")

ACCEPTABLE_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,128}")
UNTIMED = ("/api/v1/auth/", "/verify-email", "/reset-password", "/accept-invitation")
"""Here the time that an answer took would tell about passwords and accounts."""

HASH_A_PASSWORD = frozenset(("/api/v1/auth/login", "/api/v1/auth/register"))
"""Reading such a request takes longer than refusing it; in a flood of them that alone would hold up everything else."""

LARGER_BODIES = {
    ("PUT", "/api/v1/users/me/avatar"): LARGEST_IMAGE + 16_384,
    ("POST", "/api/v1/imports"): LARGEST_FILE + 16_384,
}
"""Where more may be sent than elsewhere: as many bytes, and that is the limit there, whatever the setting says."""

BODY_WITHIN = 10.0
SLOWEST_BODY = 10_000
"""A body gets so many seconds, and another one for each so many bytes that have come."""

NEVER_REFUSED = frozenset(("/health", "/metrics"))
"""What has to be seen of a server that has too much to do."""


HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
)
HSTS = (b"strict-transport-security", b"max-age=31536000")
UNLESS_GIVEN = (
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"cache-control", b"no-store"),
    (b"cross-origin-resource-policy", b"same-origin"),  # asks nothing of who reads answers by CORS
)
"""Routes that answer with pages, or with what may be kept, say so themselves."""


class RequestContext:
    """The outermost layer of our own: whatever happens inside, the answer has an id and a shape."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        metrics: Metrics,
        max_body_size: int,
        max_in_flight: int,
        https: bool,
        cors: Callable[[ASGIApp], ASGIApp] | None,
    ) -> None:
        """`max_body_size` in bytes. Beyond `max_in_flight` requests at once others are refused. `cors` is around the
        application already; it is put around the answers that are made here, which other origins shall read too."""
        self._app = app
        self._metrics = metrics
        self._max_body_size = max_body_size
        self._max_in_flight = max_in_flight
        self._headers = (*HEADERS, HSTS) if https else HEADERS
        self._cors = cors or (lambda answer: answer)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        given_id, announced_size = _read(scope["headers"])
        request_id = given_id or f"{random.getrandbits(128):032x}"  # nosec B311 # a name, not a secret
        REQUEST_ID.set(request_id)
        scope.setdefault("state", {})["request_id"] = request_id
        metrics, method, status, answered_in = self._metrics, scope["method"], 0, 0.0
        # What goes on for hours is counted as a live connection, and its time ends with the first word.
        is_long_lived = scope["path"] in STREAMS
        without_body = method == "HEAD" and not is_long_lived
        if without_body:  # what GET would answer, but for the body (RFC 9110, section 9.3.2)
            scope = {**scope, "method": "GET"}
            scope["state"][WITHOUT_BODY] = True

        async def send_with_headers(message: Message) -> None:
            nonlocal status, answered_in
            if message["type"] == "http.response.start":
                status, answered_in = message["status"], time.perf_counter() - began
                headers = message["headers"]
                given = {name for name, _ in headers}
                headers.extend(self._headers)
                headers.extend([header for header in UNLESS_GIVEN if header[0] not in given])
                headers.append((b"x-request-id", request_id.encode()))
                headers.extend(limits.headers_of(scope["state"]))
                if not scope["path"].startswith(UNTIMED):
                    seconds = time.perf_counter() - began
                    headers.append((b"x-process-time", b"%.6f" % seconds))
                    headers.append((b"server-timing", b"app;dur=%.3f" % (seconds * 1000)))
            elif without_body:
                message = {**message, "body": b""}
            await send(message)

        largest = LARGER_BODIES.get((method, scope["path"]), self._max_body_size)
        counts = scope["path"] not in NEVER_REFUSED and not is_long_lived
        refusal = self._refusal(scope, announced_size, largest) if counts else None
        metrics.in_flight += counts
        try:
            if refusal is not None:
                await self._cors(refusal)(scope, receive, send_with_headers)
            else:
                await self._app(scope, self._bounded(receive, largest), send_with_headers)
        except ClientDisconnect:
            log.debug("the client went away")
        except Exception:
            log.exception("unexpected error")
            if status:
                raise
            answer = problem(
                scope,
                HTTPStatus.INTERNAL_SERVER_ERROR,
                "internal-error",
                "Something went wrong on our side; the request id helps to find out what.",
            )
            await self._cors(answer)(scope, receive, send_with_headers)
        finally:
            metrics.in_flight -= counts
            seconds = answered_in if is_long_lived else time.perf_counter() - began
            route = scope["route"].path if "route" in scope else UNMATCHED
            metrics.answered(method, route, status, seconds)
            if access_log.isEnabledFor(logging.DEBUG):
                _log_access(scope, method, route, status, seconds)

    def _refusal(self, scope: Scope, announced_size: int, largest: int) -> ASGIApp | None:
        """What is answered before anything is done."""
        if self._metrics.in_flight >= self._max_in_flight:
            return _unavailable(
                scope, "overloaded", "There is more to do here than can be done; try again in a moment."
            )
        if scope["path"] in HASH_A_PASSWORD and scope["app"].state.application.load.hashing.usage().is_full:
            return _unavailable(scope, "busy", "Too many passwords are being checked at the moment; try again soon.")
        if announced_size > largest:
            return _too_large(scope, largest)
        return None

    def _bounded(self, receive: Receive, largest: int) -> Receive:
        """A body that announced no size, or the wrong one, is counted as it comes; and one that hardly comes is not
        waited for: it would take up room."""
        received, is_whole = 0, False
        began = 0.0

        async def receive_at_most() -> Message:
            nonlocal received, is_whole, began
            if is_whole:  # what is waited for now is that the client goes away
                return await receive()
            now = asyncio.get_running_loop().time()
            began = began or now
            try:
                async with asyncio.timeout_at(began + BODY_WITHIN + received / SLOWEST_BODY):
                    message = await receive()
            except TimeoutError:
                raise BodyTooSlow from None
            if message["type"] == "http.request":
                received += len(message.get("body", b""))
                is_whole = not message.get("more_body", False)
                if received > largest:
                    raise BodyTooLarge(largest)
            return message

        return receive_at_most


def _read(headers: Iterable[tuple[bytes, bytes]]) -> tuple[str | None, int]:
    """The request id that the client gave, if it is an acceptable one, and the size of the body that it announced."""
    given_id, size = None, 0
    for name, value in headers:
        if name == b"x-request-id" and ACCEPTABLE_REQUEST_ID.fullmatch(value):
            given_id = value.decode("ascii")
        elif name == b"content-length" and value.isdigit():
            size = int(value)
    return given_id, size


def _unavailable(scope: Scope, code: str, detail: str) -> ASGIApp:
    error = Unavailable(code, detail)
    return problem(scope, HTTPStatus.SERVICE_UNAVAILABLE, error.code, error.detail, headers=headers_of(error))


def _too_large(scope: Scope, limit: int) -> ASGIApp:
    error = BodyTooLarge(limit)
    return problem(scope, error.status_code, CODE_OF_STATUS[error.status_code], error.detail)


def _log_access(scope: Scope, method: str, route: str, status: int, seconds: float) -> None:
    """Neither the path nor the query: links in mails carry their tokens there."""
    beside = {"method": method, "route": route, "status": status, "duration": round(seconds, 6)}
    user_id = scope["state"].get("user_id")
    if user_id is not None:
        beside["user_id"] = user_id
    access_log.debug("answered", extra=beside)
