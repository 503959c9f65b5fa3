"""What members do to their own account."""

from datetime import datetime

from fastapi import APIRouter, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field

from application.access.views import ApiKeyView
from application.dashboard import Dashboard
from application.identity.views import SessionView, UserView
from application.jobs.views import JobView
from application.live.views import RoomMessageView
from application.notifications.views import NotificationView
from application.orders.views import OrderView
from application.posts.views import PostView
from application.profiles.views import ProfileView
from domain.audit.entry import Entry
from domain.notifications.preferences import Choice
from domain.orders.payment import Payment
from entrypoints.http.openapi import problems
from entrypoints.http.resources import API, NO_STORE, Body, Expected, accepted, answer, as_json, no_content, resource
from entrypoints.http.routing import StrictRoute, operation_id
from entrypoints.http.security import SignedIn, TheApplication, TheCaller
from entrypoints.personal_data import as_json as as_document

router = APIRouter(
    prefix=f"{API}/users/me", route_class=StrictRoute, generate_unique_id_function=operation_id, tags=["My account"]
)


class MyChanges(Body):
    username: str | None = Field(default=None, examples=["ada"])
    first_name: str | None = Field(default=None, examples=["Ada"])
    last_name: str | None = Field(default=None, examples=["King"])


class PasswordChange(Body):
    current_password: str = Field(examples=["violet-anchor-42-lamp"])
    new_password: str = Field(examples=["amber-harbour-17-kite"])


class EmailChange(Body):
    email: str = Field(examples=["ada@example.org"], json_schema_extra={"format": "email"})
    password: str = Field(examples=["violet-anchor-42-lamp"])


class PersonalDataAnswer(BaseModel):
    """Lists are whole, the newest first."""

    exported_at: datetime
    user: UserView
    profile: ProfileView | None
    external_id: str | None
    notification_preferences: dict[str, Choice]
    posts: list[PostView]
    orders: list[OrderView]
    payments: list[Payment]
    notifications: list[NotificationView]
    messages: list[RoomMessageView]
    sessions: list[SessionView]
    api_keys: list[ApiKeyView]
    jobs: list[JobView]
    audit: list[Entry]


@router.get("", response_model=UserView, summary="My account")
async def show_me(caller: TheCaller) -> Response:
    return resource(caller.account)  # as it was read to find out who is calling: one round trip


@router.patch("", response_model=UserView, responses=problems(use_case="change_me"), summary="Change my account")
async def change_me(application: TheApplication, actor: SignedIn, body: MyChanges, expected: Expected) -> Response:
    """Only the fields that are sent change; `null` clears one."""
    return resource(await application.identity.change_me(actor, expected=expected, **body.sent()))


@router.get(
    "/export",
    response_model=PersonalDataAnswer,
    responses=problems(use_case="export_personal_data"),
    summary="Everything that is kept about me",
)
async def export_me(application: TheApplication, actor: SignedIn) -> Response:
    """Comes as a stream, which is cut off without its last bracket should the database go away meanwhile."""
    data = await application.export_personal_data(actor)
    return StreamingResponse(
        as_document(data, lambda view: as_json(view).decode()),
        headers={**NO_STORE, "Content-Disposition": 'attachment; filename="my-data.json"'},
        media_type="application/json",
    )


@router.delete(
    "",
    status_code=204,
    response_model=None,
    responses=problems(use_case="delete_me"),
    summary="Delete my account",
)
async def delete_me(application: TheApplication, actor: SignedIn, expected: Expected) -> Response:
    """Needs a sign-in of the last 15 minutes, else 403 `sign-in-again`."""
    await application.identity.delete_me(actor, expected=expected)
    return no_content()


@router.put(
    "/password",
    status_code=204,
    response_model=None,
    responses=problems(use_case="change_password"),
    summary="Change my password",
)
async def change_password(
    application: TheApplication, actor: SignedIn, body: PasswordChange, expected: Expected
) -> Response:
    """Ends all my other sessions."""
    await application.identity.change_password(actor, expected=expected, **body.model_dump())
    return no_content()


@router.post(
    "/email",
    status_code=202,
    response_class=Response,
    responses=problems(use_case="change_email"),
    summary="Change my e-mail address",
)
async def change_email(application: TheApplication, actor: SignedIn, body: EmailChange) -> Response:
    """It changes once the link that is mailed to the new address was followed; the old one is told then."""
    await application.identity.change_email(actor, email=body.email, password=body.password)
    return accepted()


@router.get(
    "/dashboard", response_model=Dashboard, responses=problems(use_case="show_dashboard"), summary="My dashboard"
)
async def show_dashboard(application: TheApplication, actor: SignedIn) -> Response:
    """My account and my latest unread notifications. A part that cannot be read within a second is `null`, and
    `missing` says why."""
    return answer(await application.show_dashboard(actor), headers=NO_STORE)
