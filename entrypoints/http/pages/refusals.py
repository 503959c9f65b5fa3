"""A use case's refusal, as the page tells it: beside the fields that are wrong, or above them all."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace

from domain.errors import Conflict, Invalid, MoothallError, Throttled, Unavailable
from entrypoints.http.pages.page import Page
from entrypoints.http.pages.texts import Texts

FIELD_OF: Mapping[str, str] = {"username-taken": "username"}
"""Where what is not Invalid concerns one field."""


def refused(page: Page, error: MoothallError, texts: Texts) -> Page:
    """The page with the same form, which says what is wrong."""
    form = page.form
    errors = _by_field(error, texts)
    if form is not None and errors.keys() <= {field.name for field in form.fields} and errors:
        return replace(page.as_error(), form=form.telling(errors))
    return replace(page.as_error(), alert=_alert(error, texts))


def _by_field(error: MoothallError, texts: Texts) -> dict[str, tuple[str, ...]]:
    found: defaultdict[str, tuple[str, ...]] = defaultdict(tuple)
    if isinstance(error, Invalid):
        for problem in error.problems:
            found[problem.pointer.removeprefix("/")] += (_reason(error.code, problem.detail, texts),)
    elif error.code in FIELD_OF:
        found[FIELD_OF[error.code]] = (_reason(error.code, error.detail, texts),)
    return found


def _reason(code: str, detail: str, texts: Texts) -> str:
    if code == "password-refused":
        return texts.password_reason(detail)
    return texts.refusals.get(code, detail)


def _alert(error: MoothallError, texts: Texts) -> str:
    if isinstance(error, Unavailable | Throttled):
        return texts.try_later
    return texts.try_again if isinstance(error, Conflict) else error.detail
