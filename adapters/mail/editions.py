"""The two editions of a mail, plain text and HTML, made of one Jinja template."""

import re
import textwrap
import unicodedata
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from css_inline import CSSInliner
from jinja2 import Environment, FileSystemLoader, StrictUndefined, TemplateError, UndefinedError, meta, nodes

from adapters.mail.text import one_line
from application.mail import TEMPLATES, Letter, Text

EXTENSION = ".j2"
WIDTH = 72
LONGEST_VALUE = 300
LONGEST_NAME = 100

_LIKE_A_LINK = re.compile(r"://|www\.|@|/|[^\W\d_][.。][^\W\d_]{2,}", re.IGNORECASE)
_WITHOUT_MINOR_UNIT = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"
_WITH_THREE_DIGITS = "BHD IQD JOD KWD LYD OMR TND"


class Editions:
    """Of one language; in `folders` the first that has a template counts."""

    def __init__(self, folders: list[Path], language: str, site_name: str) -> None:
        shared = {"site_name": one_line(site_name, LONGEST_NAME), "language": language}
        self._html = _environment(folders, language, "html", shared)
        self._plain = _environment(folders, language, "text", shared)
        self._inliner = CSSInliner(keep_at_rules=True, load_remote_stylesheets=False)

    def write(self, letter: Letter) -> Text:
        if letter.template not in TEMPLATES:
            raise LookupError(f"There is no mail {letter.template!r}.")
        values = {name: _shown(name, value) for name, value in letter.values.items()}
        name = letter.template + EXTENSION
        try:
            plain = self._plain.get_template(name)
            subject = "".join(plain.blocks["subject"](plain.new_context(values)))
            return Text(
                subject=one_line(subject),
                plain=_tidied(plain.render(values)),
                html=self._inliner.inline(self._html.get_template(name).render(values)),
            )
        except UndefinedError as error:
            raise LookupError(f"The mail {letter.template!r} needs a value that it did not get: {error}") from error

    def check(self) -> None:
        """Compile everything. Raises ValueError for the first template that is missing or not good."""
        for environment in (self._plain, self._html):
            for name, allowed in TEMPLATES.items():
                path = name + EXTENSION
                try:
                    template = environment.get_template(path)
                    unknown = self.values_used(name) - {*allowed}
                    for other in ("layout", "parts", "words"):
                        environment.get_template(other + EXTENSION)
                except TemplateError as error:
                    raise ValueError(f"the mail {path} is not good: {_where(error)}") from error
                if "subject" not in template.blocks:
                    raise ValueError(f"the mail {path} has no block named subject")
                if unknown:
                    raise ValueError(f"the mail {path} uses {', '.join(sorted(unknown))}, which it does not get")

    def values_used(self, name: str) -> set[str]:
        """The names of the values that a mail's own template takes from its letter."""
        loader = self._plain.loader
        assert loader is not None  # noqa: S101 - the environment was made with one
        source, _, _ = loader.get_source(self._plain, name + EXTENSION)
        tree = self._plain.parse(source)
        modules = {imported.target for imported in tree.find_all(nodes.Import)}
        return meta.find_undeclared_variables(tree) - modules - self._plain.globals.keys()


def _environment(folders: list[Path], language: str, edition: str, shared: Mapping[str, str]) -> Environment:
    environment = Environment(  # nosec B701 # plain text has nothing to escape
        loader=FileSystemLoader([folder / part for folder in folders for part in (language, edition)]),
        autoescape=edition == "html",  # noqa: S701
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.globals.update(shared)
    environment.filters["wrap"] = _wrapped
    environment.filters["amount"] = _amount
    return environment


def _where(error: TemplateError) -> str:
    place, line = getattr(error, "filename", None), getattr(error, "lineno", None)
    return f"{place}, line {line}: {error.message}" if place and line else str(error.message)


def _shown(name: str, value: Any) -> Any:
    """A value as mails may show it: texts on one line and not endless, times in UTC."""
    match value:
        case str() if name == "link":
            return one_line(value, longest=None)
        case str() if name == "name":
            return _greeted(value)
        case str() if name == "text":
            return [one_line(line, longest=None) for line in value.splitlines()]
        case str():
            return one_line(value, LONGEST_VALUE)
        case datetime():
            return value.astimezone(UTC)
        case Mapping():
            return {key: _shown("", inner) for key, inner in value.items()}
        case list() | tuple():
            return [_shown("", inner) for inner in value]
        case _:
            return value


def _greeted(name: str) -> str | None:
    """A name to greet by; None for one that reads like a link.

    Anybody can register with anybody's address, and would send them an advertisement in the greeting.
    """
    shown = one_line(name, LONGEST_NAME)
    return None if _LIKE_A_LINK.search(unicodedata.normalize("NFKC", shown)) else shown or None


def _wrapped(text: str, indent: str = "") -> str:
    return textwrap.fill(
        " ".join(text.split()),
        WIDTH,
        initial_indent=indent,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _tidied(text: str) -> str:
    """One empty line between paragraphs, none around them, nothing behind a line."""
    lines = "\n".join(line.rstrip() for line in text.splitlines())
    return re.sub(r"\n{3,}", "\n\n", lines).strip("\n") + "\n"


def _amount(minor: int, currency: str) -> str:
    """Minor units as people write them: 1250 and EUR as 12.50 (ISO 4217 says how many digits)."""
    digits = 0 if currency in _WITHOUT_MINOR_UNIT.split() else 3 if currency in _WITH_THREE_DIGITS.split() else 2
    return str(Decimal(minor).scaleb(-digits).quantize(Decimal(1).scaleb(-digits)))
