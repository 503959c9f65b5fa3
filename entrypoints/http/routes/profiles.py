"""What members show of themselves."""

import re
from collections.abc import Iterable
from http import HTTPStatus
from typing import Annotated, BinaryIO
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Query, Request, Response
from pydantic import Field

from application.profiles.ports import LARGEST_IMAGE
from application.profiles.views import ProfileView
from domain.profiles.profile import LONGEST_BIO, LONGEST_WEBSITE, AvatarSize
from entrypoints.http.openapi import Responses, file_schema, problems
from entrypoints.http.resources import API, Body, Expected, no_content, resource
from entrypoints.http.routing import StrictRoute, operation_id
from entrypoints.http.security import Anybody, SignedIn, TheApplication
from entrypoints.http.uploads import MULTIPART, one_file

mine = APIRouter(
    prefix=f"{API}/users/me", route_class=StrictRoute, generate_unique_id_function=operation_id, tags=["Profiles"]
)
everybodys = APIRouter(
    prefix=f"{API}/users/{{user_id}}",
    route_class=StrictRoute,
    generate_unique_id_function=operation_id,
    tags=["Profiles"],
)

FOR_EVER = "public, max-age=31536000, immutable"
FOR_A_WHILE = "public, max-age=60"

OUR_ETAG = re.compile(r'(?:W/)?"([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})-([a-z]+)"')

THE_PICTURE: Responses = {
    200: {"description": "The picture.", "content": {"image/webp": {"schema": {"type": "string", "format": "binary"}}}},
    304: {"description": "The caller has it already: `If-None-Match` names it."},
}


THE_UPLOAD = {
    "requestBody": {
        "required": True,
        "content": {
            MULTIPART: {
                "schema": file_schema(
                    "AvatarUpload",
                    "file",
                    media_type="application/octet-stream",
                    description="JPEG of 40 million pixels, PNG or WebP of 20 million; 5 MiB.",
                )
            }
        },
    }
}


class ProfileChanges(Body):
    bio: str | None = Field(
        default=None,
        examples=["I count sheep.\nAnd votes."],
        description=f"{LONGEST_BIO} characters at most; may have line breaks.",
    )
    website: str | None = Field(
        default=None,
        examples=["https://ada.example/about"],
        description=f"An `http://` or `https://` URL of {LONGEST_WEBSITE} characters at most.",
    )


@mine.get("/profile", response_model=ProfileView, responses=problems(use_case="show_my_profile"), summary="My profile")
async def show_my_profile(application: TheApplication, actor: SignedIn) -> Response:
    """As everybody sees it."""
    return resource(await application.profiles.show_my_profile(actor))


@mine.patch(
    "/profile",
    response_model=ProfileView,
    responses=problems(use_case="update_profile"),
    summary="Change my profile",
)
async def change_my_profile(
    application: TheApplication, actor: SignedIn, body: ProfileChanges, expected: Expected
) -> Response:
    """Only the fields that are sent change; `null` clears one. Names are changed with the account."""
    return resource(await application.profiles.update_profile(actor, expected=expected, **body.sent()))


@mine.put(
    "/avatar",
    response_model=ProfileView,
    responses=problems(use_case="replace_avatar"),
    openapi_extra=THE_UPLOAD,
    summary="Change my picture",
)
async def replace_my_avatar(
    application: TheApplication,
    actor: SignedIn,
    expected: Expected,
    image: Annotated[BinaryIO, Depends(one_file("file", largest=LARGEST_IMAGE))],
) -> Response:
    """It is cut square in the middle, and kept in two sizes, without anything else that was in the file: no place, no
    time, no name of a camera. Answers the profile, with the address of the new picture."""
    return resource(await application.profiles.replace_avatar(actor, image=image, expected=expected))


@mine.delete(
    "/avatar",
    status_code=204,
    response_model=None,
    responses=problems(use_case="remove_avatar"),
    summary="Remove my picture",
)
async def remove_my_avatar(application: TheApplication, actor: SignedIn, expected: Expected) -> Response:
    await application.profiles.remove_avatar(actor, expected=expected)
    return no_content()


@everybodys.get(
    "/profile",
    response_model=ProfileView,
    responses=problems(use_case="show_profile"),
    summary="A member's profile",
)
async def show_profile(application: TheApplication, actor: Anybody, user_id: UUID) -> Response:
    """For everybody. Of who is deactivated there is none."""
    return resource(await application.profiles.show_profile(actor, user_id=user_id))


@everybodys.patch(
    "/profile",
    response_model=ProfileView,
    responses=problems(use_case="update_profile"),
    summary="Change a member's profile",
)
async def update_profile(
    application: TheApplication, actor: SignedIn, user_id: UUID, body: ProfileChanges, expected: Expected
) -> Response:
    """For who keeps the house clean; what is one's own is changed so too."""
    changes = body.sent()
    return resource(await application.profiles.update_profile(actor, user_id=user_id, expected=expected, **changes))


@everybodys.get(
    "/avatar",
    response_class=Response,
    responses=problems(use_case="show_avatar") | THE_PICTURE,
    summary="A member's picture",
)
async def show_avatar(
    request: Request,
    application: TheApplication,
    actor: Anybody,
    user_id: UUID,
    size: Annotated[AvatarSize, Query(description="512 or 128 pixels wide, or less.")] = AvatarSize.LARGE,
    v: Annotated[UUID | None, Query(description="Which one, as `avatar_url` says: it may be kept for ever.")] = None,
    if_none_match: Annotated[str | None, Header(description="As RFC 9110, section 13.1.2.")] = None,
) -> Response:
    """A WebP file. With `v` of an older one it is the picture of today, which is not to be kept for long."""
    found = await application.profiles.show_avatar(
        actor, user_id=user_id, size=size, known=_known(request.headers.getlist("if-none-match"), size)
    )
    headers = {
        "ETag": f'"{found.id}-{size}"',
        "Cache-Control": FOR_EVER if v == found.id else FOR_A_WHILE,
        "Cross-Origin-Resource-Policy": "cross-origin",  # front-ends elsewhere show it
    }
    if found.content is None:
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    headers["Content-Disposition"] = 'inline; filename="avatar.webp"'
    return Response(found.content, headers=headers, media_type="image/webp")


@everybodys.delete(
    "/avatar",
    status_code=204,
    response_model=None,
    responses=problems(use_case="remove_avatar"),
    summary="Remove a member's picture",
)
async def remove_avatar(application: TheApplication, actor: SignedIn, user_id: UUID, expected: Expected) -> Response:
    """For who keeps the house clean."""
    await application.profiles.remove_avatar(actor, user_id=user_id, expected=expected)
    return no_content()


def _known(lines: Iterable[str], size: AvatarSize) -> set[UUID]:
    """Which pictures the caller has, in this size."""
    tags = (OUR_ETAG.fullmatch(tag.strip()) for line in lines for tag in line.split(","))
    return {UUID(tag[1]) for tag in tags if tag is not None and tag[2] == size}
