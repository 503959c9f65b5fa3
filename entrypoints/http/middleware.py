"""What happens around every request, as plain ASGI: a request id, timing, a bound on the body, no stack traces."""

import logging
import random
import re
import time
from collections.abc import Iterable
from http import HTTPStatus

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from entrypoints.http import limits
from entrypoints.http.errors import CODE_OF_STATUS, BodyTooLarge, problem

log = logging.getLogger("moothall.http")

ACCEPTABLE_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,128}")
UNTIMED = ("/api/v1/auth/", "/verify-email", "/reset-password", "/accept-invitation")
"""Here the time that an answer took would tell about passwords and accounts."""


class RequestContext:
    """The outermost layer of our own: whatever happens inside, the answer has an id and a shape."""

    def __init__(self, app: ASGIApp, *, max_body_size: int) -> None:
        self._app = app
        self._max_body_size = max_body_size

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        given_id, announced_size = _read(scope["headers"])
        request_id = given_id or f"{random.getrandbits(128):032x}"
        scope.setdefault("state", {})["request_id"] = request_id
        answering = False
        without_body = scope["method"] == "HEAD"
        if without_body:  # what GET would answer, but for the body (RFC 9110, section 9.3.2)
            scope = {**scope, "method": "GET"}

        async def send_with_headers(message: Message) -> None:
            nonlocal answering
            if message["type"] == "http.response.start":
                answering = True
                headers = message["headers"]
                headers.append((b"x-request-id", request_id.encode()))
                headers.extend(limits.headers_of(scope["state"]))
                if not scope["path"].startswith(UNTIMED):
                    seconds = time.perf_counter() - began
                    headers.append((b"x-process-time", b"%.6f" % seconds))
                    headers.append((b"server-timing", b"app;dur=%.3f" % (seconds * 1000)))
            elif without_body:
                message = {**message, "body": b""}
            await send(message)

        try:
            if announced_size > self._max_body_size:
                await _too_large(scope, self._max_body_size)(scope, receive, send_with_headers)
            else:
                await self._app(scope, self._bounded(receive), send_with_headers)
        except Exception:
            log.exception("unexpected error in request %s", request_id)
            if answering:
                raise
            answer = problem(
                scope,
                HTTPStatus.INTERNAL_SERVER_ERROR,
                "internal-error",
                "Something went wrong on our side; the request id helps to find out what.",
            )
            await answer(scope, receive, send_with_headers)

    def _bounded(self, receive: Receive) -> Receive:
        """A body that announced no size, or the wrong one, is counted as it comes."""
        received = 0

        async def receive_at_most() -> Message:
            nonlocal received
            message = await receive()
            if message["type"] == "http.request":
                received += len(message.get("body", b""))
                if received > self._max_body_size:
                    raise BodyTooLarge(self._max_body_size)
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


def _too_large(scope: Scope, limit: int) -> ASGIApp:
    error = BodyTooLarge(limit)
    return problem(scope, error.status_code, CODE_OF_STATUS[error.status_code], error.detail)
