"""A file that comes in a form (RFC 7578): one, and nothing beside it."""

from collections.abc import AsyncIterator, Callable
from http import HTTPStatus
from typing import BinaryIO

from fastapi import Request
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException

from domain.errors import Invalid
from entrypoints.http.errors import BodyTooLarge, MalformedBody, UnsupportedMediaType
from entrypoints.http.routing import media_type

MULTIPART = "multipart/form-data"


def one_file(name: str, *, largest: int) -> Callable[[Request], AsyncIterator[BinaryIO]]:
    """A dependency: the file in the field of this name. It lies on the disk once it is larger than 1 MiB, and is gone
    when the request was answered. What it is called, and said to be, is not looked at.

    Depend on the caller before: the body is read here.
    """

    async def read(request: Request) -> AsyncIterator[BinaryIO]:
        if media_type(request) != MULTIPART:
            raise UnsupportedMediaType(MULTIPART)
        try:
            form = await request.form(max_files=1, max_fields=0)
        except HTTPException as error:
            if str(error.detail).startswith("Too many"):
                raise Invalid.field(
                    "more-than-a-file", f"/{name}", f"Send one file as {name}, and nothing else."
                ) from error
            if error.status_code == HTTPStatus.BAD_REQUEST:
                raise MalformedBody from error
            raise
        try:
            file = form.get(name)
            if not isinstance(file, UploadFile):
                raise Invalid.field("no-file", f"/{name}", "Send one file, in a field of this name.")
            if (file.size or 0) > largest:
                raise BodyTooLarge(largest)
            yield file.file
        finally:
            await form.close()

    return read
