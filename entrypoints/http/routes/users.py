"""What administrators do to members' accounts."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, Field

from application.identity.views import USER_SORTS, SessionView, UserFilters, UserView
from application.paging import Page, PageRequest
from entrypoints.csv_files import CSV
from entrypoints.http.downloads import Download
from entrypoints.http.idempotency import TheRequest
from entrypoints.http.openapi import Responses, problems
from entrypoints.http.resources import (
    API,
    NO_STORE,
    Body,
    Expected,
    accepted,
    answer,
    listing,
    no_content,
    page_request,
    resource,
)
from entrypoints.http.routing import StrictRoute, operation_id
from entrypoints.http.security import SignedIn, TheApplication
from entrypoints.users_csv import COLUMNS, as_csv

router = APIRouter(
    prefix=f"{API}/users",
    route_class=StrictRoute,
    generate_unique_id_function=operation_id,
    tags=["Administration of members"],
)

exports = APIRouter(
    prefix=API, route_class=StrictRoute, generate_unique_id_function=operation_id, tags=["Administration of members"]
)

THE_FILE: Responses = {
    200: {
        "description": f"The columns are {', '.join(f'`{name}`' for name in COLUMNS)}.",
        "content": {"text/csv": {"schema": {"type": "string"}, "example": ",".join(COLUMNS) + "\r\n"}},
    }
}


class NewUser(Body):
    email: str = Field(examples=["grace@example.com"], json_schema_extra={"format": "email"})
    password: str | None = Field(
        default=None, examples=["violet-anchor-42-lamp"], description="Without one, nobody can sign in yet."
    )
    username: str | None = Field(default=None, examples=["grace"])
    first_name: str | None = Field(default=None, examples=["Grace"])
    last_name: str | None = Field(default=None, examples=["Hopper"])
    is_active: bool = True
    is_verified: bool = False
    roles: list[str] | None = Field(default=None, examples=[["member"]], max_length=100)


class Invitation(Body):
    email: str = Field(examples=["grace@example.com"], json_schema_extra={"format": "email"})
    roles: list[str] | None = Field(default=None, examples=[["member"]], max_length=100)


class UserChanges(Body):
    """Fields that may be null are cleared by null; the others may be left out, but not be null."""

    email: str = Field(default="", examples=["grace@example.org"], json_schema_extra={"format": "email"})
    username: str | None = Field(default=None, examples=["grace"])
    first_name: str | None = Field(default=None, examples=["Grace"])
    last_name: str | None = Field(default=None, examples=["Hopper"])
    is_active: bool = True
    is_verified: bool = False


class RoleNames(Body):
    roles: list[str] = Field(examples=[["admin", "member"]], max_length=100)


async def user_filters(
    role: Annotated[
        str | None, Query(pattern="^[A-Za-z0-9_-]{1,50}$", examples=["admin"], description="Who have this role.")
    ] = None,
    is_active: Annotated[bool | None, Query(description="Who may sign in, or who may not.")] = None,
    is_verified: Annotated[bool | None, Query(description="Whose address is confirmed, or is not.")] = None,
    q: Annotated[
        str | None, Query(max_length=200, description="Beginnings of words in e-mail, username and names.")
    ] = None,
) -> UserFilters:
    return UserFilters(role, is_active, is_verified, q if q and q.strip() else None)


@router.get("", response_model=Page[UserView], responses=problems(use_case="list_users"), summary="List members")
async def list_users(
    request: Request,
    application: TheApplication,
    actor: SignedIn,
    filters: Annotated[UserFilters, Depends(user_filters)],
    page: Annotated[PageRequest, Depends(page_request)],
    sort: Annotated[
        str, Query(description=f"One of {', '.join(USER_SORTS)}; a - turns it round.", examples=["-created_at"])
    ] = "-created_at",
) -> Response:
    found = await application.identity.list_users(actor, filters=filters, sort=sort, page=page)
    return listing(request, found, Page[UserView])


@exports.get(
    "/users.csv",
    response_class=Response,
    responses={**THE_FILE, **problems(use_case="export_users")},
    summary="All members as a file",
)
async def export_users(
    application: TheApplication, actor: SignedIn, filters: Annotated[UserFilters, Depends(user_filters)]
) -> Response:
    """CSV (RFC 4180), in the order of the ids, and as it was at one moment. Roles have a blank between them, `null` is
    an empty cell, and an apostrophe stands before what a spreadsheet would take for a formula. It comes as a stream;
    what goes wrong meanwhile breaks the connection, so that a part never looks like the whole. Two at once are served,
    more are asked to come again (503 `exports-busy`)."""
    members = await application.identity.export_users(actor, filters=filters)
    return Download(as_csv(members), filename="users.csv", media_type=CSV)


@router.post(
    "",
    status_code=201,
    response_model=UserView,
    responses=problems(use_case="create_user"),
    summary="Make an account for somebody",
)
async def create_user(application: TheApplication, actor: SignedIn, body: NewUser, repeatable: TheRequest) -> Response:
    return await repeatable.answer(
        lambda once: application.identity.create_user(actor, once=once, **body.model_dump()),
        lambda user: resource(user, status=201, location=f"{API}/users/{user.value.id}"),
    )


@router.post(
    "/invite",
    status_code=202,
    response_model=UserView,
    responses=problems(use_case="invite_user"),
    summary="Invite somebody",
)
async def invite_user(
    application: TheApplication, actor: SignedIn, body: Invitation, repeatable: TheRequest
) -> Response:
    """Makes an account that waits for its member, and mails them a link, which is good for 7 days. Who has not come yet
    may be invited again."""
    return await repeatable.answer(
        lambda once: application.identity.invite_user(actor, once=once, **body.model_dump()),
        lambda user: resource(user, status=202, location=f"{API}/users/{user.value.id}"),
    )


@router.get("/{user_id}", response_model=UserView, responses=problems(use_case="show_user"), summary="Show a member")
async def show_user(application: TheApplication, actor: SignedIn, user_id: UUID) -> Response:
    return resource(await application.identity.show_user(actor, user_id=user_id))


@router.patch(
    "/{user_id}",
    response_model=UserView,
    responses=problems(use_case="update_user"),
    summary="Change a member's account",
)
async def update_user(
    application: TheApplication, actor: SignedIn, user_id: UUID, body: UserChanges, expected: Expected
) -> Response:
    """Only the fields that are sent change. Who is deactivated, or gets another address, is signed out everywhere."""
    user = await application.identity.update_user(actor, user_id=user_id, expected=expected, **body.sent())
    return resource(user)


@router.delete(
    "/{user_id}",
    status_code=204,
    response_model=None,
    responses=problems(use_case="delete_user"),
    summary="Delete a member's account",
)
async def delete_user(application: TheApplication, actor: SignedIn, user_id: UUID, expected: Expected) -> Response:
    await application.identity.delete_user(actor, user_id=user_id, expected=expected)
    return no_content()


@router.put(
    "/{user_id}/roles",
    response_model=UserView,
    responses=problems(use_case="set_roles"),
    summary="Set the roles of a member",
)
async def set_roles(
    application: TheApplication, actor: SignedIn, user_id: UUID, body: RoleNames, expected: Expected
) -> Response:
    user = await application.identity.set_roles(actor, user_id=user_id, expected=expected, roles=body.roles)
    return resource(user)


@router.post(
    "/{user_id}/password-reset",
    status_code=202,
    response_class=Response,
    responses=problems(use_case="send_password_reset"),
    summary="Mail a member a link to choose a new password",
)
async def send_password_reset(application: TheApplication, actor: SignedIn, user_id: UUID) -> Response:
    """Good for an hour. The password that they have stays good until then."""
    await application.identity.send_password_reset(actor, user_id=user_id)
    return accepted()


class Impersonation(Body):
    permissions: list[str] = Field(
        default=[], max_length=100, description="Of those that the member has; without any, their own things alone."
    )


class ImpersonationAnswer(BaseModel):
    """An access token whose claim `act` (RFC 8693) names who acts; there is no refresh token."""

    access_token: str
    token_type: str = "bearer"  # noqa: S105
    expires_in: int = Field(examples=[900], description="Seconds.")
    scope: str = Field(examples=["users:read"], description="The permissions, a blank between them.")


@router.post(
    "/{user_id}/impersonate",
    response_model=ImpersonationAnswer,
    responses=problems(use_case="impersonate"),
    summary="Act in the place of a member",
)
async def impersonate(
    application: TheApplication, actor: SignedIn, user_id: UUID, body: Impersonation | None = None
) -> Response:
    """For 15 minutes, to see what the member sees: nothing that is their own can be changed. The member finds it
    among their sessions, and can end it. Needs `users:impersonate`, and a sign-in of one's own."""
    token = await application.access.impersonate(actor, user_id=user_id, permissions=body.permissions if body else ())
    found = ImpersonationAnswer(access_token=token.access_token, expires_in=token.expires_in, scope=token.scope)
    return answer(found, headers=NO_STORE)


@router.get(
    "/{user_id}/sessions",
    response_model=Page[SessionView],
    responses=problems(use_case="list_sessions"),
    summary="Where a member is signed in",
)
async def list_sessions_of(
    request: Request,
    application: TheApplication,
    actor: SignedIn,
    user_id: UUID,
    page: Annotated[PageRequest, Depends(page_request)],
) -> Response:
    found = await application.identity.list_sessions(actor, user_id=user_id, page=page)
    return listing(request, found, Page[SessionView])


@router.delete(
    "/{user_id}/sessions",
    status_code=204,
    response_model=None,
    responses=problems(use_case="end_sessions_of"),
    summary="Sign a member out everywhere",
)
async def end_sessions_of(application: TheApplication, actor: SignedIn, user_id: UUID) -> Response:
    await application.identity.end_sessions_of(actor, user_id=user_id)
    return no_content()
