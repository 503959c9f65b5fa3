"""What members are told, and what they want to be told."""

from collections.abc import Mapping
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import Field, RootModel, create_model

from application.idempotency import Once
from application.jobs.views import JobView
from application.notifications.views import Inbox, NotificationView
from application.paging import PageRequest
from domain.notifications.notification import Kind
from domain.notifications.preferences import Choice
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

router = APIRouter(
    prefix=f"{API}/notifications",
    route_class=StrictRoute,
    generate_unique_id_function=operation_id,
    tags=["Notifications"],
)


class ToAll(Body):
    title: str = Field(examples=["The hall is closed on Thursday"], description="One line; 200 characters at most.")
    body: str = Field(examples=["The heating is being mended."], description="4,000 characters at most.")


class Message(ToAll):
    user_id: UUID = Field(strict=False, description="To whom.")


class ChannelChanges(Body):
    """What is left out stays as it is."""

    in_app: bool = Field(default=True, description="As a notification here.")
    mail: bool = Field(default=False, description="By mail.")


class Preferences(RootModel[Mapping[str, Choice]]):
    """By the kind of notification."""


_KINDS: dict[str, Any] = {
    kind.name.lower(): (ChannelChanges, Field(default=ChannelChanges(), alias=kind.value)) for kind in Kind
}
PreferenceChanges: type[Body] = create_model("PreferenceChanges", __base__=Body, **_KINDS)


@router.get("", response_model=Inbox, responses=problems(use_case="list_notifications"), summary="My notifications")
async def list_notifications(
    request: Request,
    application: TheApplication,
    actor: SignedIn,
    page: Annotated[PageRequest, Depends(page_request)],
    unread: Annotated[bool | None, Query(description="Only those that are unread, or only those that are not.")] = None,
) -> Response:
    """Newest first. `unread` counts all that are unread, whatever the page shows."""
    found = await application.notifications.list_notifications(actor, unread=unread, page=page)
    return listing(request, found, Inbox)


@router.post(
    "",
    status_code=201,
    response_model=NotificationView,
    responses=problems(use_case="send_notification"),
    summary="Write to a member",
)
async def send_notification(
    application: TheApplication, actor: SignedIn, body: Message, repeatable: TheRequest
) -> Response:
    """A notification of the kind `message`; by mail too, if they want that."""

    async def create(once: Once[NotificationView] | None) -> NotificationView:
        return await application.notifications.send_notification(actor, once=once, **body.model_dump())

    return await repeatable.answer(
        create,
        lambda made: answer(made, status=201, headers={**NO_STORE, "Location": f"{API}/notifications/{made.id}"}),
    )


@router.post(
    "/broadcast",
    status_code=202,
    response_model=JobView,
    responses=problems(use_case="broadcast_notification"),
    summary="Write to all members",
)
async def broadcast_notification(
    application: TheApplication, actor: SignedIn, body: ToAll, repeatable: TheRequest
) -> Response:
    """It is long work: `Location` is the job, which tells how far it is. Every active member gets it once, unless they
    do not want broadcasts."""

    async def create(once: Once[JobView] | None) -> JobView:
        return await application.notifications.broadcast_notification(actor, once=once, **body.model_dump())

    return await repeatable.answer(
        create, lambda job: answer(job, status=202, headers={**NO_STORE, "Location": f"{API}/jobs/{job.id}"})
    )


@router.post(
    "/read-all",
    status_code=204,
    response_model=None,
    responses=problems(use_case="read_all_notifications"),
    summary="Mark all my notifications as read",
)
async def read_all_notifications(application: TheApplication, actor: SignedIn) -> Response:
    """Those that are there now."""
    await application.notifications.read_all_notifications(actor)
    return no_content()


@router.get(
    "/preferences",
    response_model=Preferences,
    responses=problems(use_case="show_preferences"),
    summary="What I want to be told",
)
async def show_preferences(application: TheApplication, actor: SignedIn) -> Response:
    """Each kind of notification: whether it comes here (`in_app`), and by `mail`."""
    return resource(await application.notifications.show_preferences(actor))


@router.patch(
    "/preferences",
    response_model=Preferences,
    responses=problems(use_case="change_preferences"),
    summary="Change what I want to be told",
)
async def change_preferences(
    application: TheApplication,
    actor: SignedIn,
    body: PreferenceChanges,
    expected: Expected,
) -> Response:
    """Only what is sent changes. Some cannot be switched off: 422 `always-on`."""
    changes = body.model_dump(exclude_unset=True, by_alias=True)
    return resource(await application.notifications.change_preferences(actor, changes=changes, expected=expected))


@router.get(
    "/{notification_id}",
    response_model=NotificationView,
    responses=problems(use_case="show_notification"),
    summary="Show a notification",
)
async def show_notification(application: TheApplication, actor: SignedIn, notification_id: UUID) -> Response:
    """To look at it does not mark it as read."""
    found = await application.notifications.show_notification(actor, notification_id=notification_id)
    return answer(found, headers={"Cache-Control": "private, no-cache"})


@router.post(
    "/{notification_id}/read",
    response_model=NotificationView,
    responses=problems(use_case="read_notification"),
    summary="Mark a notification as read",
)
async def read_notification(application: TheApplication, actor: SignedIn, notification_id: UUID) -> Response:
    """The second time changes nothing: `read_at` stays."""
    return answer(
        await application.notifications.read_notification(actor, notification_id=notification_id), headers=NO_STORE
    )
