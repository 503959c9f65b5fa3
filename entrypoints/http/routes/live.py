"""Rooms, and tickets for live connections."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request, Response
from pydantic import Field

from application.live.tickets import OpenedTicket
from application.live.views import RoomView
from application.paging import Page, PageRequest
from entrypoints.http.idempotency import TheRequest
from entrypoints.http.openapi import problems
from entrypoints.http.resources import (
    API,
    NO_STORE,
    Body,
    Expected,
    answer,
    listing,
    no_content,
    page_request,
    resource,
)
from entrypoints.http.routing import StrictRoute, operation_id
from entrypoints.http.security import SignedIn, TheApplication

router = APIRouter(prefix=API, route_class=StrictRoute, generate_unique_id_function=operation_id, tags=["Live"])

Name = Annotated[str, Path(max_length=50, examples=["lounge"])]


class NewRoom(Body):
    name: str = Field(
        examples=["lounge"], description="Small letters and digits, with hyphens between them; 50 characters at most."
    )
    title: str = Field(examples=["The lounge"], description="100 characters at most.")
    permission: str | None = Field(
        default=None, examples=["posts:create"], description="Whoever holds it may enter; `null`: every member."
    )


@router.get("/rooms", response_model=Page[RoomView], responses=problems(use_case="list_rooms"), summary="List rooms")
async def list_rooms(
    request: Request,
    application: TheApplication,
    actor: SignedIn,
    page: Annotated[PageRequest, Depends(page_request)],
) -> Response:
    """Those that the caller may enter, newest first."""
    return listing(request, await application.live.list_rooms(actor, page=page), Page[RoomView])


@router.post(
    "/rooms",
    status_code=201,
    response_model=RoomView,
    responses=problems(use_case="create_room"),
    summary="Open a room",
)
async def create_room(application: TheApplication, actor: SignedIn, body: NewRoom, repeatable: TheRequest) -> Response:
    """Its `permission` has to be one that the caller holds."""
    return await repeatable.answer(
        lambda once: application.live.create_room(actor, once=once, **body.model_dump()),
        lambda room: resource(room, status=201, location=f"{API}/rooms/{room.value.name}"),
    )


@router.get("/rooms/{name}", response_model=RoomView, responses=problems(use_case="show_room"), summary="Show a room")
async def show_room(application: TheApplication, actor: SignedIn, name: Name) -> Response:
    """One that the caller may enter; of others it is not told whether they exist."""
    return resource(await application.live.show_room(actor, name=name))


@router.delete(
    "/rooms/{name}",
    status_code=204,
    response_model=None,
    responses=problems(use_case="close_room"),
    summary="Close a room",
)
async def close_room(application: TheApplication, actor: SignedIn, name: Name, expected: Expected) -> Response:
    """All that was said in it goes with it."""
    await application.live.close_room(actor, name=name, expected=expected)
    return no_content()


@router.post(
    "/live/tickets",
    response_model=OpenedTicket,
    responses=problems(use_case="open_ticket"),
    summary="Get a ticket for a live connection",
)
async def open_ticket(application: TheApplication, actor: SignedIn) -> Response:
    """For browsers, which send no headers when they open one: `?ticket=` opens a socket once within 30 seconds, or a
    stream of events, whose reconnects it stays good for. It is told this once, and ends with the session."""
    return answer(await application.live.open_ticket(actor), headers=NO_STORE)
