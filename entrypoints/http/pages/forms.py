"""Reading what a page's form sent: its own fields, each once, and not much."""

from collections.abc import Set
from urllib.parse import parse_qsl

from fastapi import Request

from entrypoints.http.errors import BodyTooLarge, MalformedBody, UnsupportedMediaType
from entrypoints.http.routing import FORM, LARGEST_FORM, MOST_FIELDS, media_type


async def read_form(request: Request, *forms: Set[str]) -> dict[str, str]:
    """The fields of one of these forms.

    Raises:
        UnsupportedMediaType, BodyTooLarge, MalformedBody: it is none of them.
    """
    if media_type(request) != FORM:
        raise UnsupportedMediaType(FORM)
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > LARGEST_FORM:
            raise BodyTooLarge(LARGEST_FORM)
    try:
        pairs = parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=MOST_FIELDS, errors="strict")
    except ValueError as error:
        raise MalformedBody from error
    fields = dict(pairs)
    if len(fields) < len(pairs) or not any(fields.keys() <= form for form in forms):
        raise MalformedBody
    return fields
