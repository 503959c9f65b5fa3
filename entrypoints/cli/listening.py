"""A small receiver of webhooks: it prints what comes, and says what it thinks of it."""

import asyncio
import getpass
import json
import os
import socket
import sys
from collections.abc import Awaitable, Callable, MutableMapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import uvicorn

from domain.webhooks.signature import PREFIX, flaw, signature
from entrypoints.cli.errors import wrong_usage
from entrypoints.cli.output import Output

VARIABLE = "WEBHOOK_SECRET"
LARGEST_BODY = 1_048_576
MOST_REMEMBERED = 10_000
"""Ids of messages, to know a repeat by."""

Message = MutableMapping[str, Any]


def secret_from(from_stdin: bool, from_file: Path | None) -> str:
    """Never an argument, where others could read it.

    Raises:
        CommandError: there is none, or it is none.
    """
    if from_stdin and from_file is not None:
        raise wrong_usage("Take the secret from --secret-stdin or from --secret-file, not from both.")
    if from_stdin:
        text = sys.stdin.readline()
    elif from_file is not None:
        try:
            text = from_file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise wrong_usage(f"The secret file cannot be read: {error}") from None
    elif VARIABLE in os.environ:
        text = os.environ[VARIABLE]
    elif sys.stdin.isatty():
        text = getpass.getpass("Secret: ")
    else:
        raise wrong_usage(f"Say the secret with --secret-stdin, with --secret-file FILE or in {VARIABLE}.")
    secret = text.strip()
    try:
        signature(secret, "", "", b"")
    except ValueError:
        secret = ""  # nosec B105 # none
    if not secret.startswith(PREFIX):
        raise wrong_usage(f"This is no secret of a webhook: one is {PREFIX} and base64.")
    return secret


def listen(output: Output, secret: str, *, host: str, port: int, count: int | None) -> None:
    """Until Ctrl-C, or so many messages."""
    asyncio.run(_Receiver(output, secret, count).serve(host, port))


class _Receiver:
    def __init__(self, output: Output, secret: str, count: int | None) -> None:
        self._output = output
        self._secret = secret
        self._left = count
        self._seen: dict[str, None] = {}
        self._server: uvicorn.Server | None = None

    async def serve(self, host: str, port: int) -> None:
        config = uvicorn.Config(
            self, host=host, port=port, lifespan="off", access_log=False, server_header=False, log_level="error"
        )
        self._server = _Server(config, self._output)
        await self._server.serve()

    async def __call__(
        self,
        scope: Message,
        receive: Callable[[], Awaitable[Message]],
        send: Callable[[Message], Awaitable[None]],
    ) -> None:
        """One request (ASGI). Whatever is no POST is no webhook."""
        status = 405
        if scope["type"] == "http" and scope["method"] == "POST":
            body = await _body(receive)
            status = 413 if body is None else self._take(dict(scope["headers"]), body)
        await send({"type": "http.response.start", "status": status, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body"})
        if self._left is not None and self._left <= 0 and self._server is not None:
            self._server.should_exit = True

    def _take(self, headers: dict[bytes, bytes], body: bytes) -> int:
        """The status to answer with. A message that is not good is no reason to keep its id in mind."""
        message_id, timestamp, signatures = (
            headers.get(f"webhook-{name}".encode(), b"").decode("latin-1") for name in ("id", "timestamp", "signature")
        )
        wrong = flaw(
            self._secret,
            message_id=message_id,
            timestamp=timestamp,
            signatures=signatures,
            body=body,
            now=datetime.now(UTC),
        )
        is_repeat = message_id in self._seen
        if wrong is None:
            self._seen[message_id] = None
            if len(self._seen) > MOST_REMEMBERED:
                del self._seen[next(iter(self._seen))]
        self._print(message_id, wrong, is_repeat, body.decode("utf-8", "replace"))
        if self._left is not None:
            self._left -= 1
        return 204 if wrong is None else 400

    def _print(self, message_id: str, wrong: str | None, is_repeat: bool, body: str) -> None:
        try:
            content = json.loads(body)
        except ValueError:
            content = body
        kind = content.get("type") if isinstance(content, dict) else None
        record = {
            "id": message_id,
            "type": kind if isinstance(kind, str) else None,
            "verified": wrong is None,
            "error": wrong,
            "repeat": is_repeat,
            "body": content,
        }
        if self._output.json:
            self._output.show(record)
        else:
            said = "verified" if wrong is None else f"NOT GOOD: {wrong}"
            line = [message_id, said + (", a repeat" if is_repeat else ""), body]
            print(
                "\t".join("".join(c if c.isprintable() else repr(c)[1:-1] for c in text) for text in line), flush=True
            )


class _Server(uvicorn.Server):
    """Says where it is once it is there."""

    def __init__(self, config: uvicorn.Config, output: Output) -> None:
        super().__init__(config)
        self._output = output

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            host, port = self.servers[0].sockets[0].getsockname()[:2]
            address = f"[{host}]" if ":" in host else host
            self._output.say(f"Listening at http://{address}:{port}; Ctrl-C ends it.")


async def _body(receive: Callable[[], Awaitable[Message]]) -> bytes | None:
    """None where it is too large."""
    body = bytearray()
    while True:
        part = await receive()
        body += part.get("body", b"")
        if len(body) > LARGEST_BODY:
            return None
        if not part.get("more_body"):
            return bytes(body)
