"""Members brought in from files."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Annotated, BinaryIO
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response

from application.idempotency import AnsweredAlready, Once
from application.imports.ports import LARGEST_FILE
from application.imports.starting import StartImport
from application.imports.views import ImportView
from domain.access.policy import require
from domain.imports.members_import import OnDuplicate, Source
from entrypoints.csv_files import CSV as CSV_FILE
from entrypoints.http.downloads import Download
from entrypoints.http.errors import UnsupportedMediaType
from entrypoints.http.idempotency import Repeatable, TheKey, fingerprint, replayed
from entrypoints.http.openapi import Responses, file_schema, problems
from entrypoints.http.resources import API, NO_STORE, answer
from entrypoints.http.routing import StrictRoute, charset, media_type, operation_id
from entrypoints.http.security import SignedIn, TheApplication
from entrypoints.http.uploads import MULTIPART, one_file
from entrypoints.rejected_rows import as_csv

router = APIRouter(
    prefix=f"{API}/imports", route_class=StrictRoute, generate_unique_id_function=operation_id, tags=["Imports"]
)

CSV = "text/csv"
PIECE = 65_536
"""Bytes of a file in a form that are read at once."""

_BODIES = {
    "requestBody": {
        "required": True,
        "content": {
            CSV: {
                "schema": {"type": "string", "format": "binary", "contentMediaType": CSV},
                "example": "email,first_name\nada@example.com,Ada\n",
            },
            MULTIPART: {"schema": file_schema("MembersFile", "file", media_type=CSV, description="2 GiB at most.")},
        },
    }
}
_REJECTS: Responses = {
    200: {
        "description": "A line for each refused row: where it begins in the file, the column, why, and the row.",
        "content": {CSV: {"schema": {"type": "string"}, "example": "line,column,reason,row\r\n"}},
    }
}

_the_file = one_file("file", largest=LARGEST_FILE)


async def the_content(request: Request, actor: SignedIn) -> AsyncGenerator[AsyncIterator[bytes]]:
    """The body itself, or the file in a form, which lies on the disk before anybody asks for it: so the right is asked
    for first."""
    require(actor, StartImport.rule)
    if media_type(request) == CSV:
        if charset(request) not in (None, "utf-8", "utf-16"):
            raise UnsupportedMediaType(f"{CSV}; charset=utf-8")
        yield request.stream()
        return
    if media_type(request) != MULTIPART:
        raise UnsupportedMediaType(f"{CSV} or {MULTIPART}")
    async for file in _the_file(request):
        yield _pieces(file)


@router.post(
    "",
    status_code=202,
    response_model=ImportView,
    responses=problems(use_case="start_import"),
    openapi_extra=_BODIES,
    summary="Import members from a CSV file",
)
async def start_import(
    request: Request,
    application: TheApplication,
    actor: SignedIn,
    content: Annotated[AsyncIterator[bytes], Depends(the_content)],
    key: TheKey,
    dry_run: Annotated[bool, Query(description="Change nothing; tell what would happen.")] = False,
    on_duplicate: Annotated[
        OnDuplicate, Query(description="What becomes of a row whose e-mail address has an account already.")
    ] = OnDuplicate.REJECT,
    source: Annotated[
        Source, Query(description="Where the file comes from, which says what its columns are called.")
    ] = Source.MOOTHALL,
    invite: Annotated[bool, Query(description="Mail a link to whoever gets an account without a password.")] = False,
) -> Response:
    """The first line names the columns, in any order: `email`, and whichever of `username`, `first_name`, `last_name`,
    `roles`, `is_active`, `is_verified`, `password_hash`, `external_id`, `created_at`. UTF-8, or UTF-16 with a byte
    order mark; commas, semicolons or tabs. It is a job: ask for it, or for the import, until it is finished."""

    def once_for(digest: bytes) -> Once[ImportView] | None:
        return Repeatable(key, fingerprint(request, digest)).once(_started)

    try:
        found = await application.imports.start_import(
            actor,
            content=content,
            source=source,
            on_duplicate=on_duplicate,
            dry_run=dry_run,
            invite=invite,
            once_for=once_for,
        )
    except AnsweredAlready as kept:
        return replayed(kept)
    return _started(found)


@router.get(
    "/{import_id}", response_model=ImportView, responses=problems(use_case="show_import"), summary="Show an import"
)
async def show_import(application: TheApplication, actor: SignedIn, import_id: UUID) -> Response:
    """How far it is, and what became of the rows. The id of its job will do, too. Kept for a week after its end."""
    return answer(await application.imports.show_import(actor, import_id=import_id), headers=NO_STORE)


@router.get(
    "/{import_id}/rejects.csv",
    response_class=Response,
    responses=problems(use_case="list_rejected_rows") | _REJECTS,
    summary="The rows that an import refused",
)
async def list_rejected_rows(application: TheApplication, actor: SignedIn, import_id: UUID) -> Response:
    """So far, if it still runs. The row is told as it stands in the file, without password hashes; what a spreadsheet
    would take for a formula has an apostrophe before it."""
    rows = await application.imports.list_rejected_rows(actor, import_id=import_id)
    return Download(as_csv(rows), filename="rejects.csv", media_type=CSV_FILE)


def _started(found: ImportView) -> Response:
    return answer(found, status=202, headers=NO_STORE | {"Location": f"{API}/jobs/{found.job_id}"})


async def _pieces(file: BinaryIO) -> AsyncIterator[bytes]:
    while piece := await asyncio.to_thread(file.read, PIECE):
        yield piece
