"""Roles, and the permissions that they are made of."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request, Response
from pydantic import Field

from application.access.views import PermissionView, RoleView
from application.paging import Page, PageRequest
from entrypoints.http.idempotency import TheRequest
from entrypoints.http.openapi import problems
from entrypoints.http.resources import (
    API,
    Body,
    Expected,
    listing,
    no_content,
    page_request,
    resource,
)
from entrypoints.http.routing import StrictRoute, operation_id
from entrypoints.http.security import SignedIn, TheApplication

router = APIRouter(
    prefix=API,
    route_class=StrictRoute,
    generate_unique_id_function=operation_id,
    tags=["Roles and permissions"],
)

RoleName = Annotated[str, Path(max_length=50, examples=["editor"])]
Permissions = Annotated[
    list[str],
    Field(
        examples=[["users:read", "sessions:*"]],
        max_length=1000,
        description="As `GET /permissions` lists them; `resource:*` and `*` stand for several.",
    ),
]


class NewRole(Body):
    name: str = Field(examples=["editor"], description="1 to 50 of A-Z, a-z, 0-9, _ and -; differs by more than case.")
    description: str | None = Field(default=None, examples=["Looks after the members."])
    permissions: Permissions


class RoleChanges(Body):
    description: str | None = Field(default=None, examples=["Looks after the members."])
    permissions: Permissions = Field(default=[])


@router.get(
    "/permissions",
    response_model=Page[PermissionView],
    responses=problems(use_case="list_permissions"),
    summary="What may be allowed",
)
async def list_permissions(
    request: Request,
    application: TheApplication,
    actor: SignedIn,
    page: Annotated[PageRequest, Depends(page_request)],
) -> Response:
    """Every permission there is in this version, by name, with a sentence each, and whether the caller holds it."""
    return listing(request, await application.access.list_permissions(actor, page=page), Page[PermissionView])


@router.get("/roles", response_model=Page[RoleView], responses=problems(use_case="list_roles"), summary="List roles")
async def list_roles(
    request: Request,
    application: TheApplication,
    actor: SignedIn,
    page: Annotated[PageRequest, Depends(page_request)],
) -> Response:
    return listing(request, await application.access.list_roles(actor, page=page), Page[RoleView])


@router.post(
    "/roles",
    status_code=201,
    response_model=RoleView,
    responses=problems(use_case="create_role"),
    summary="Make a role",
)
async def create_role(application: TheApplication, actor: SignedIn, body: NewRole, repeatable: TheRequest) -> Response:
    """Nobody can put more into a role than they may do themselves."""
    return await repeatable.answer(
        lambda once: application.access.create_role(actor, once=once, **body.model_dump()),
        lambda role: resource(role, status=201, location=f"{API}/roles/{role.value.name}"),
    )


@router.get("/roles/{name}", response_model=RoleView, responses=problems(use_case="show_role"), summary="Show a role")
async def show_role(application: TheApplication, actor: SignedIn, name: RoleName) -> Response:
    return resource(await application.access.show_role(actor, name=name))


@router.patch(
    "/roles/{name}",
    response_model=RoleView,
    responses=problems(use_case="update_role"),
    summary="Change what a role allows",
)
async def update_role(
    application: TheApplication, actor: SignedIn, name: RoleName, body: RoleChanges, expected: Expected
) -> Response:
    """Only the fields that are sent change; `null` clears the description. It counts for everybody's next request."""
    return resource(await application.access.update_role(actor, name=name, expected=expected, **body.sent()))


@router.delete(
    "/roles/{name}",
    status_code=204,
    response_model=None,
    responses=problems(use_case="delete_role"),
    summary="Delete a role",
)
async def delete_role(application: TheApplication, actor: SignedIn, name: RoleName, expected: Expected) -> Response:
    """Whoever has it loses it. The built-in ones, `admin` and `member`, stay."""
    await application.access.delete_role(actor, name=name, expected=expected)
    return no_content()
