"""Where a check of schemathesis is wrong about an answer of ours, and why; nothing else that it finds is let pass."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from schemathesis.core.failures import Failure
from schemathesis.core.mutations import Mutation, render_mutations
from schemathesis.core.parameters import ParameterLocation
from schemathesis.core.transport import Response
from schemathesis.generation.case import Case

from tests.proof.description import LINKS, OUR_FORMATS

RIGHTLY_REFUSED: Mapping[str, str] = {
    "stale-version": "`If-Match` names another version than the current one, as it may",
    "idempotency-key-reused": "the same key came with another request",
    "bad-page": "a page and a cursor were asked for at once, or a page too deep",
    "bad-sort": "drafts were to be sorted by when they were published",
    "bad-span": "a span ends before it begins",
    "bad-status": "what is pending is sent by itself, and cannot be asked for",
    "bad-link": "no link was mailed with a token that was made up",
    "unknown-product": "nobody sells what was made up",
    "bad-lines": "a product is on one line of an order",
    "always-on": "of signing in from somewhere new everybody is told",
    "another-source": "the file has the columns of another source than the one that was named",
    "control-characters": "where several kinds of values are allowed, schemathesis does not always keep to a format",
    "body-too-large": "with every character escaped a text may be larger than a body",
    "invalid_grant": "nobody has the password or the refresh token that was made up",
    "bad-instruction": "the gateway that was chosen takes no instruction",
    "wrong-password": "the password that was made up is not the current one",
    "bad-cursor": "no cursor was handed out that looks like this",
}
"""Codes of answers to requests that are valid as their schema goes, and wrong by what a schema cannot say."""

OTHERWISE_REFUSED: Mapping[str, str] = {
    "stale-version": "a version that cannot be is another version than the current one",
    "body-too-large": "it is refused before anybody looks what is wrong with it",
}
"""Codes of refusals that schemathesis does not count as such."""

BODY_FROM_LINK = {link.target for link in LINKS if link.body is not None}
_TOLD_ONCE = re.compile(r'"(key|secret)" is a required property')
_WRONG_FORMAT = re.compile(r"[Vv]iolates `format` at /properties/([a-z_-]+)")


@dataclass(frozen=True)
class Found:
    """What a check objects to."""

    failure: Failure
    case: Case
    response: Response
    follows_link: bool
    """Whether it was made from what another one was answered."""
    by_another: bool
    """Whether somebody else asked for that: who was signed in then is not any more."""
    of_inactive: bool
    """Whether it is about a member who was made inactive."""

    @property
    def code(self) -> str | None:
        """Of the problem that was answered."""
        if not self.response.headers.get("content-type", [""])[0].endswith("json"):
            return None
        answer = self.response.json()
        return answer.get("code", answer.get("error")) if isinstance(answer, dict) else None

    def __str__(self) -> str:
        request = self.response.request
        return (
            f"{type(self.failure).__name__}: {self.failure.operation}: {self.response.status_code} {self.code}\n"
            f"{self.failure.message}\n{request.method} {request.url} {request.body!r:.500}\n{self.response.text:.500}\n"
        )


def excuse(found: Found) -> str | None:
    """Why it is right nevertheless; None where it is not."""
    name, label, code = type(found.failure).__name__, found.case.operation.label, found.code
    told = found.failure.message
    if name == "RejectedPositiveData" and code in RIGHTLY_REFUSED:
        return RIGHTLY_REFUSED[code]
    if name == "AcceptedNegativeData":
        data = found.case.meta.phase.data if found.case.meta is not None else None
        if data is None or (data.description or "").lower() == "positive test case":
            return "schemathesis says itself that it found nothing to make wrong"
        mutations = getattr(data, "mutations", ())
        if mutations and all(_is_nothing_wrong(mutation, found) for mutation in mutations):
            return "what was made wrong is an example of ours and no rule, or gave way to what a link says"
        if code in OTHERWISE_REFUSED:
            return OTHERWISE_REFUSED[code]
    if name == "JsonSchemaError" and "idempotency-replayed" in found.response.headers and _TOLD_ONCE.search(told):
        return "who asks again is not told the secret again"
    if name == "EnsureResourceAvailability":
        if code == "notification-not-found":
            return "a message is for the member to whom it was sent"
        if found.by_another:
            return "who made it is not signed in any more, and may have gone with all that was theirs"
        if found.of_inactive:
            return "a member who was made inactive shows nothing of themselves"
    if name == "IgnoredAuth" and label == "GET /api/v1/live/events" and "ticket=" in str(found.response.request.url):
        return "a ticket says who it is, as a browser cannot by a header"
    if name == "UseAfterFree" and label == "GET /api/v1/users/{user_id}/sessions":
        return "all that is in a list was removed, and the list is there still"
    return None


def _is_nothing_wrong(mutation: Mutation, found: Found) -> bool:
    """Whether what was broken is a format that only says what to try; or a body that a link replaced."""
    [told] = render_mutations([mutation])
    if part := _WRONG_FORMAT.search(told):
        return part[1] in OUR_FORMATS
    is_in_body = mutation.parameter_location is ParameterLocation.BODY
    operation = found.case.operation.definition.raw["operationId"]
    return is_in_body and found.follows_link and operation in BODY_FROM_LINK
