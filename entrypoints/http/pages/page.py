"""What a page is made of, and how it becomes an answer."""

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING

from fastapi import Response
from fastapi.responses import HTMLResponse

from entrypoints.http.pages.texts import Saying, Texts

if TYPE_CHECKING:
    from jinja2 import Template

HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Field:
    name: str
    label: str
    kind: str
    autocomplete: str
    hint: str = ""
    value: str = ""
    required: bool = False
    errors: tuple[str, ...] = ()

    @property
    def plain(self) -> bool:
        """Whether what is typed is no word of a language."""
        return self.autocomplete in ("email", "username")

    @property
    def described_by(self) -> str:
        parts = (("hint", self.hint), ("error", self.errors))
        return " ".join(f"{self.name}-{part}" for part, there in parts if there)


@dataclass(frozen=True, slots=True)
class Form:
    action: str
    button: str
    fields: tuple[Field, ...] = ()
    hidden: Mapping[str, str] = field(default_factory=dict)

    @property
    def first_wrong(self) -> Field | None:
        return next((each for each in self.fields if each.errors), None)

    def telling(self, errors: Mapping[str, tuple[str, ...]]) -> "Form":
        return replace(self, fields=tuple(replace(each, errors=errors.get(each.name, ())) for each in self.fields))


@dataclass(frozen=True, slots=True)
class Link:
    path: str
    text: str


@dataclass(frozen=True, slots=True)
class Page:
    heading: str
    paragraphs: tuple[str, ...]
    form: Form | None = None
    link: Link | None = None
    alert: str = ""
    is_error: bool = False

    @classmethod
    def saying(cls, saying: Saying, *, form: Form | None = None, link: Link | None = None) -> "Page":
        return cls(saying.heading, saying.paragraphs, form, link)

    def as_error(self) -> "Page":
        return replace(self, is_error=True)


def answer(
    page: Page,
    texts: Texts,
    site_name: str,
    *,
    status: int = HTTPStatus.OK,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """The address of a page holds a token: it is kept by nobody, and told to nobody."""
    html = _template().render(page=page, texts=texts, site_name=site_name, style=_style())
    return HTMLResponse(
        html,
        status,
        {
            "Content-Security-Policy": _policy(),
            "Cache-Control": "no-store",
            "X-Robots-Tag": "noindex",
            **(headers or {}),
        },
    )


@cache
def _template() -> "Template":
    from jinja2 import Environment, FileSystemLoader, StrictUndefined  # noqa: PLC0415 (the API does without)

    environment = Environment(
        loader=FileSystemLoader(HERE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    return environment.get_template("page.html.j2")


@cache
def _style() -> str:
    return (HERE / "page.css").read_text(encoding="utf-8")


@cache
def _policy() -> str:
    """Our one style, forms of our own, and nothing else."""
    digest = base64.b64encode(hashlib.sha256(_style().encode()).digest()).decode()
    return (
        f"default-src 'none'; style-src 'sha256-{digest}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )
