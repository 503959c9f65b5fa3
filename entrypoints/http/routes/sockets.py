"""`/api/v1/live`: the WebSocket. docs/live.md says what is spoken on it."""

import asyncio
import logging
import random
from collections.abc import Mapping
from ipaddress import ip_address
from urllib.parse import urlsplit

from fastapi import Request, Response, WebSocket
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocketDisconnect, WebSocketState

from application.app import Application
from application.identity.caller import Caller
from application.limits import network
from application.live.connection import Connection
from application.live.outgoing import Ending, Outgoing
from application.live.plain import as_plain
from application.posts.views import AuthorView
from domain.access.actor import ActorKind, Origin
from domain.errors import MoothallError, Throttled, Unauthenticated, Unavailable
from domain.live.cursor import Cursor
from entrypoints.http.errors import STATUS_OF, headers_of, problem
from entrypoints.http.live_commands import Command, Gibberish, cursors, read_command
from entrypoints.http.live_places import LivePlaces
from entrypoints.http.live_protocol import EXTENSION, LiveProtocol
from entrypoints.http.resources import API
from entrypoints.http.security import read_credentials
from entrypoints.http.socket_outlet import SocketOutlet
from entrypoints.logs import REQUEST_ID
from entrypoints.queue_outlet import Gone, QueueOutlet

log = logging.getLogger("moothall.live")

PROTOCOL_ERROR = 1008
TRY_AGAIN_LATER = 1013
CLOSE_CODES: Mapping[Ending, tuple[int, str]] = {
    Ending.SIGNED_OUT: (4401, "not signed in"),
    Ending.DEMOTED: (4403, "not allowed"),
    Ending.RESTARTING: (1012, "restarting"),
    Ending.TOO_SLOW: (1013, "too slow"),
}
"""RFC 6455, section 7.4, and its registry; what begins with a 4 is ours."""

SIGNED_IN_WITHIN = 10.0
"""Seconds that a client gets to say who it is."""
MOST_REFUSED = 100
"""Messages in a row that came too fast; then the client is put out."""


async def live(websocket: WebSocket) -> None:
    """A ticket in the address or a token in the first message; then whatever there is to tell, and to say."""
    request_id = f"{random.getrandbits(128):032x}"  # nosec B311 # a name, not a secret
    REQUEST_ID.set(request_id)
    websocket.scope.setdefault("state", {})["request_id"] = request_id
    _, origin = read_credentials(websocket.scope)
    if not _is_welcome(websocket):
        await _refuse(
            websocket, 403, "foreign-origin", "Pages of this origin may not connect; see MOOTHALL_CORS_ORIGINS."
        )
        return
    places: LivePlaces = websocket.app.state.live_places
    try:
        with places.place(origin.address):
            await websocket.accept()
            try:
                await _Visit(websocket, origin, places).run()
            except (Gone, WebSocketDisconnect):
                log.debug("the client went away")
            finally:
                socket = _socket_of(websocket)
                if socket is not None:
                    await socket.gone()  # its place is taken until then
    except MoothallError as error:
        await _refuse(websocket, STATUS_OF[type(error)], error.code, error.detail, headers_of(error))


async def no_upgrade(request: Request) -> Response:
    """Somebody asks without a handshake (RFC 9110, section 15.5.22): a proxy that does not pass it on, most often."""
    detail = "This is a WebSocket. If you asked for one, a proxy in between did not pass the handshake on."
    return problem(request.scope, 426, "upgrade-required", detail, headers={"Upgrade": "websocket"})


routes = (WebSocketRoute(f"{API}/live", live, name="live"), Route(f"{API}/live", no_upgrade, methods=["GET"]))


class _Visit:
    """One client from the handshake to the end."""

    def __init__(self, websocket: WebSocket, origin: Origin, places: LivePlaces) -> None:
        self._websocket = websocket
        self._origin = origin
        self._places = places
        self._socket = _socket_of(websocket)
        self._application: Application = websocket.app.state.application
        self._refused = 0

    async def run(self) -> None:
        if set(self._websocket.query_params) - {"ticket", "since"}:
            await self._close(PROTOCOL_ERROR, "unknown parameter")
            return
        try:
            caller, api_key, since = await self._sign_in()
        except TimeoutError:
            await self._close(*CLOSE_CODES[Ending.SIGNED_OUT])
            return
        except Gibberish as error:
            await self._close(PROTOCOL_ERROR, str(error))
            return
        except MoothallError as error:
            if isinstance(error, Unauthenticated):
                await self._count_wrong_one()
            await self._websocket.send_text(Outgoing.refusal(error).text)
            await self._close(*_code_of(error))
            return
        await self._talk(caller, api_key, since)

    async def _sign_in(self) -> tuple[Caller, str | None, Mapping[str, Cursor]]:
        """Raises TimeoutError, Gibberish, and what is told to the client."""
        query = self._websocket.query_params
        ticket = query.get("ticket")
        if ticket is not None:
            since = cursors(query.get("since"))
            return (
                await self._application.live.redeem_ticket(ticket, for_stream=False, origin=self._origin),
                None,
                since,
            )
        async with asyncio.timeout(SIGNED_IN_WITHIN):
            command = read_command(await self._text())
        if command.type != "auth":
            raise Unauthenticated("not-signed-in", "Say who you are first: auth, with a token.")
        token = command.fields["token"]
        caller = await self._application.identity.identify_caller(token, origin=self._origin)
        is_key = caller.actor.kind is ActorKind.API_KEY
        return caller, token if is_key else None, command.since or cursors(query.get("since"))

    async def _count_wrong_one(self) -> None:
        """As over HTTP: bad credentials count for the address. One who brings too many is not let in for a while."""
        standing = await self._application.request_limit.count(network(self._origin.address))
        if standing is not None and not standing.taken:
            self._places.shut_out(self._origin.address, standing.seconds)

    async def _talk(self, caller: Caller, api_key: str | None, since: Mapping[str, Cursor]) -> None:
        outlet = self._outlet()
        connection = Connection(
            self._application.live.switchboard,
            caller.actor,
            tell=outlet.tell,
            end=outlet.end,
            drained=outlet.drained,
            person=as_plain(AuthorView.of(caller.account.value)),
            api_key=api_key,
        )
        self._connection = connection
        sending = asyncio.create_task(self._send(outlet)) if isinstance(outlet, QueueOutlet) else None
        try:
            await connection.open(since)
            while True:
                await self._hear(connection, str(caller.actor.api_key_id or caller.actor.user_id))
        except Gibberish as error:
            connection.close()
            await self._close(PROTOCOL_ERROR, str(error))
        except MoothallError as error:  # the store is away, say: the client comes again
            log.warning("A live connection could not be kept: %s", error)
            connection.close()
            await self._close(TRY_AGAIN_LATER, error.code)
        finally:
            connection.close()
            if sending is not None:
                outlet.end(Ending.SIGNED_OUT)
                sending.cancel()
                await asyncio.wait([sending])

    async def _hear(self, connection: Connection, caller: str) -> None:
        """One message, and what comes of it."""
        text = await self._text()
        about: dict[str, str] = {}
        try:
            command = read_command(text)
            about = _about(command)
            await self._count(caller)
            await command.carry_out(connection)
        except MoothallError as error:
            connection.tell(Outgoing.refusal(error, **about))

    async def _count(self, caller: str) -> None:
        """Raises Throttled (`too-many-messages`), and Gibberish for who does not stop."""
        standing = await self._application.live.limit.count(caller)
        if standing is None or standing.taken:
            self._refused = 0
            return
        self._refused += 1
        if self._refused > MOST_REFUSED:
            raise Gibberish("too many messages")
        raise Throttled(
            "too-many-messages", "There were too many messages; wait a moment.", retry_after=standing.seconds
        )

    async def _text(self) -> str:
        """Raises WebSocketDisconnect, and Gibberish for what is no text."""
        message = await self._websocket.receive()
        if message["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(message.get("code") or 1005)
        text = message.get("text")
        if text is None:
            raise Gibberish("Messages are texts.")
        return str(text)

    def _outlet(self) -> SocketOutlet | QueueOutlet:
        if self._socket is not None:
            return SocketOutlet(self._socket, CLOSE_CODES.__getitem__, self._put_out)
        return QueueOutlet(self._put_out)

    def _put_out(self) -> None:
        self._connection.end(Ending.TOO_SLOW)

    async def _send(self, outlet: QueueOutlet) -> None:
        """Under a server that is not ours: one message after the other, and then the end."""
        while (outgoing := await outlet.next()) is not None:
            await self._websocket.send_text(outgoing.text)
        if outlet.ending is not None:
            await self._close(*CLOSE_CODES[outlet.ending])

    async def _close(self, code: int, reason: str) -> None:
        """The second time does nothing."""
        if self._socket is not None:
            self._socket.put_out(code, reason)
        elif self._websocket.application_state is not WebSocketState.DISCONNECTED:
            await self._websocket.close(code, reason)


def _about(command: Command) -> dict[str, str]:
    """What an error is about, so that a client knows which of its messages was refused."""
    about = {"about": command.type}
    if "room" in command.fields:
        about["room"] = command.fields["room"][:50].encode("utf-8", "replace").decode()
    return about


def _code_of(error: MoothallError) -> tuple[int, str]:
    if isinstance(error, Unauthenticated):
        return CLOSE_CODES[Ending.SIGNED_OUT]
    return (TRY_AGAIN_LATER if isinstance(error, Throttled | Unavailable) else PROTOCOL_ERROR), error.code


def _socket_of(websocket: WebSocket) -> LiveProtocol | None:
    """None under another server than ours."""
    socket = websocket.scope.get("extensions", {}).get(EXTENSION)
    return socket if isinstance(socket, LiveProtocol) else None


def _is_welcome(websocket: WebSocket) -> bool:
    """Browsers say which page connects. Ours are those that the settings name, and those that this server itself has
    served: under a name that nobody else can have point here (a page could, otherwise, by DNS)."""
    origin = websocket.headers.get("origin")
    state = websocket.app.state
    if origin is None or origin == state.public_url or origin in state.cors_origins or "*" in state.cors_origins:
        return True
    try:
        asked = urlsplit(origin)
    except ValueError:
        return False
    return asked.netloc == websocket.headers.get("host", "") and _is_this_machine(asked.hostname or "")


def _is_this_machine(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return host == "localhost"
    return True


async def _refuse(
    websocket: WebSocket, status: int, code: str, detail: str, headers: Mapping[str, str] | None = None
) -> None:
    """Before the handshake: an answer that says why, where the server can give one."""
    if "websocket.http.response" in websocket.scope.get("extensions", {}):
        await websocket.send_denial_response(problem(websocket.scope, status, code, detail, headers=headers))
    else:
        await websocket.close(PROTOCOL_ERROR, code)
