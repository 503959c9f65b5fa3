"""Connections that end in order when their worker does.

Stopping, uvicorn closes the connections on which it is answering nothing at that moment; but a request may be on its
way to it on any of them, and on a new one always is. Here they live on for a moment, and each ends with an answer that
says so (`Connection: close`, RFC 9112, section 9.6).
"""

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

IDLE_FOR = 1.0
"""Seconds that a connection without a request still gets."""


class DrainingProtocol(HttpToolsProtocol):
    draining = False

    def shutdown(self) -> None:
        self.draining = True
        if self._is_idle():
            self.loop.call_later(IDLE_FOR, self._close_if_idle)
        else:
            self.cycle.keep_alive = False

    def on_headers_complete(self) -> None:
        super().on_headers_complete()
        if self.draining and self.cycle is not None:
            self.cycle.keep_alive = False

    def _close_if_idle(self) -> None:
        if self._is_idle() and not self.transport.is_closing():
            self.transport.close()

    def _is_idle(self) -> bool:
        return self.cycle is None or self.cycle.response_complete
