"""`/api/v1/live/events`: for who only listens, as Server-Sent Events (WHATWG HTML, section 9.2)."""

from typing import Annotated

from fastapi import APIRouter, Depends, Header, Query, Request, Response
from fastapi.responses import StreamingResponse

from application.app import Application
from application.identity.caller import Caller
from application.live.connection import Connection
from application.live.outgoing import Ending
from domain.access.actor import ActorKind
from domain.errors import Invalid, Unauthenticated
from entrypoints.http import limits
from entrypoints.http.event_stream import EventStream
from entrypoints.http.live_commands import cursors
from entrypoints.http.live_places import LivePlaces
from entrypoints.http.openapi import problems
from entrypoints.http.resources import API
from entrypoints.http.routing import StrictRoute, operation_id
from entrypoints.http.security import Credentials, TheApplication, read_credentials
from entrypoints.queue_outlet import QueueOutlet

MOST_ROOMS = 20
EVENT = {
    "title": "LiveEvent",
    "type": "object",
    "required": ["event", "data"],
    "properties": {
        "event": {"type": "string", "description": "The type of the message.", "examples": ["notification"]},
        "data": {
            "type": "string",
            "contentMediaType": "application/json",
            "description": "The message.",
            "examples": ['{"type":"notification","unread":1}'],
        },
        "id": {
            "type": "string",
            "description": "Where the client is; it goes on from there with `Last-Event-ID`.",
            "examples": ["n12"],
        },
        "retry": {
            "type": "integer",
            "description": "Milliseconds to wait before the next attempt.",
            "examples": [2000],
        },
    },
}

router = APIRouter(
    prefix=f"{API}/live", route_class=StrictRoute, generate_unique_id_function=operation_id, tags=["Live"]
)


class Listener(Credentials):
    """Whoever listens: by token or API key as everywhere, or with a ticket, which stays good for this stream."""

    async def __call__(self, request: Request) -> Caller:  # type: ignore[override]
        """Raises as `Credentials` does, and Unauthenticated (`bad-ticket`)."""
        ticket = request.query_params.get("ticket")
        credentials, origin = read_credentials(request.scope)
        if ticket is None or credentials:
            return await super().__call__(request)
        application: Application = request.app.state.application
        try:
            caller = await application.live.redeem_ticket(ticket, for_stream=True, origin=origin)
        except Unauthenticated:
            await limits.count_stranger(request, origin)
            raise
        request.scope["state"]["user_id"] = caller.actor.user_id
        await limits.count(request, str(caller.actor.user_id))
        return caller


@router.get(
    "/events",
    response_class=StreamingResponse,
    responses={
        200: {
            "description": "Each message of docs/live.md as an event: its type is the event's, its JSON the data.",
            "content": {"text/event-stream": {"schema": EVENT}},
        },
        **problems(use_case="show_room", codes={422: ["bad-cursor", "too-many-rooms"]}),
    },
    summary="Listen to what happens",
)
async def live_events(
    request: Request,
    application: TheApplication,
    caller: Annotated[Caller, Depends(Listener())],
    ticket: Annotated[str | None, Query(description="From `POST /live/tickets`; browsers cannot send headers.")] = None,
    rooms: Annotated[
        str | None, Query(description="Also what is said in these rooms: names, with commas between them; 20 at most.")
    ] = None,
    since: Annotated[str | None, Query(description="The id of the last event that was seen.")] = None,
    last_event_id: Annotated[str | None, Header(description="The same, as browsers send it.")] = None,
) -> Response:
    """My notifications, how many are unread, how far my jobs are, and what is said in rooms; nobody sees who listens.
    It ends when the session does."""
    names = dict.fromkeys(rooms.split(",")) if rooms else {}
    if len(names) > MOST_ROOMS:
        raise Invalid.field("too-many-rooms", "/rooms", f"One stream hears {MOST_ROOMS} rooms at most.")
    found = [(await application.live.show_room(caller.actor, name=name)).value for name in names]
    outlet = QueueOutlet(lambda: connection.end(Ending.TOO_SLOW))
    connection = Connection(
        application.live.switchboard,
        caller.actor,
        tell=outlet.tell,
        end=outlet.end,
        drained=outlet.drained,
        api_key=_key_of(request) if caller.actor.kind is ActorKind.API_KEY else None,
    )
    places: LivePlaces = request.app.state.live_places
    return EventStream(
        connection,
        outlet,
        rooms=found,
        since=cursors(last_event_id or since),
        place=places.place(caller.actor.origin.address),
    )


def _key_of(request: Request) -> str:
    [(key, _)], _ = read_credentials(request.scope)
    return key
