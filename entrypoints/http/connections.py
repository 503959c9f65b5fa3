"""Connections that neither keep a worker waiting nor are cut off by its end."""

import asyncio
from collections.abc import Mapping
from typing import Any

from starlette.types import Receive
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEADERS_WITHIN = 10.0
"""Seconds that a client gets to say what it wants; uvicorn would wait for ever."""
CUT_OFF = "moothall.cut-off"
"""Where the scope of a stream or a download holds what ends its connection at once."""
STREAMS = frozenset(("/api/v1/live/events",))
DOWNLOADS = ".csv"
"""How the paths of files end that are sent while they are read, and must not look whole where they are not."""
IDLE_FOR = 1.0
"""Seconds that a connection without a request still gets when its worker stops."""


def cut_off(scope: Mapping[str, Any]) -> bool:
    """End the connection of a client that does not take what it is told: closing would wait for that. Whether it could
    be done: only our own servers know how."""
    end = scope.get("extensions", {}).get(CUT_OFF)
    if end is not None:
        end()
    return end is not None


async def client_left(receive: Receive) -> None:
    """Until the client is gone; what it still says is passed over."""
    while (await receive())["type"] != "http.disconnect":
        pass


def end_streams(scope: Mapping[str, Any]) -> None:
    """Whoever listens to a stream of events would go on for as long as the worker lets them."""
    app = scope.get("app")
    if app is not None:
        app.state.application.live.switchboard.close()


class OrderlyProtocol(HttpToolsProtocol):
    """Stopping, uvicorn closes the connections on which it is answering nothing at that moment; but a request may be on
    its way to it on any of them, and on a new one always is. Here they live on for a moment, and each ends with an
    answer that says so (`Connection: close`, RFC 9112, section 9.6).
    """

    draining = False
    upgraded = False
    headers_due: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._wait_for_headers()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.headers_due is None and self._is_idle() and not self.upgraded:  # it came in part
            self._wait_for_headers()

    def handle_websocket_upgrade(self) -> None:
        self.upgraded = True
        super().handle_websocket_upgrade()

    def on_headers_complete(self) -> None:
        self._wait_no_more()
        super().on_headers_complete()
        if self.draining and self.cycle is not None:
            self.cycle.keep_alive = False

    def connection_lost(self, exc: Exception | None) -> None:
        self._wait_no_more()
        super().connection_lost(exc)

    def _start_asgi_task(self, cycle: Any, app: Any) -> None:
        if cycle.scope["path"] in STREAMS or cycle.scope["path"].endswith(DOWNLOADS):
            cycle.scope["extensions"] = {CUT_OFF: self.transport.abort}
        super()._start_asgi_task(cycle, app)

    def shutdown(self) -> None:
        self.draining = True
        if self._is_idle():
            self.loop.call_later(IDLE_FOR, self._close_if_idle)
        else:
            self.cycle.keep_alive = False
            end_streams(self.cycle.scope)

    def _wait_for_headers(self) -> None:
        self.headers_due = self.loop.call_later(HEADERS_WITHIN, self._close_if_idle)

    def _wait_no_more(self) -> None:
        if self.headers_due is not None:
            self.headers_due.cancel()
            self.headers_due = None

    def _close_if_idle(self) -> None:
        if self._is_idle() and not self.upgraded and not self.transport.is_closing():
            self.transport.close()

    def _is_idle(self) -> bool:
        return self.cycle is None or self.cycle.response_complete
