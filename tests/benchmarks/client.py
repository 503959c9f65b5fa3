"""A blocking JSON client over one kept-alive connection: for seeding, for checks and for the login clients."""

import http.client
import json
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlencode

from .servers import HOST

TIMEOUT = 60.0  # seconds for one answer


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


class AnswerError(RuntimeError):
    """A server answered with another status than the benchmark relies on."""


class Client:
    """Not thread-safe: one for each thread."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection(HOST, port, timeout=TIMEOUT)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._connection.close()

    def call(
        self,
        method: str,
        path: str,
        *,
        json_body: Any = None,
        form: Mapping[str, str] | None = None,
        token: str | None = None,
    ) -> Answer:
        headers: dict[str, str] = {}
        body: bytes | None = None
        if json_body is not None:
            headers["Content-Type"] = "application/json"
            body = json.dumps(json_body).encode()
        elif form is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
            body = urlencode(form).encode()
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        try:
            self._connection.request(method, path, body, headers)
            response = self._connection.getresponse()
            return Answer(response.status, response.read())
        except (OSError, http.client.HTTPException):
            self._connection.close()  # the next call connects again
            raise

    def expect(self, status: int, method: str, path: str, **options: Any) -> Answer:
        """Like `call`.

        Raises:
            AnswerError: the status is not `status`.
        """
        answer = self.call(method, path, **options)
        if answer.status != status:
            raise AnswerError(f"{method} {path}: {answer.status} instead of {status}: {answer.body[:300]!r}")
        return answer
