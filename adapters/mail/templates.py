"""Mails from Jinja templates: one source for each mail and language, of which the plain text and the HTML are made."""

import re
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from application.mail import Letter, MailTemplates, Text

if TYPE_CHECKING:
    from adapters.mail.editions import Editions

PACKAGED = Path(__file__).parent / "templates"
LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*")


class UnknownLanguage(ValueError):
    """There are no mails in this language."""


class JinjaTemplates(MailTemplates):
    """Files in the folder of the language; parts and layout stand in `html` and `text`.

    In `own`, a folder of the same build, the operator's files come first. They are all compiled at once, so that a
    mistake is found at the start; ours are compiled when they are needed first.
    """

    def __init__(self, *, language: str = "en", site_name: str = "Moothall", own: Path | None = None) -> None:
        """Raises UnknownLanguage, or ValueError where the own folder is missing or a template in it is not good."""
        if own is not None and not own.is_dir():
            raise ValueError(f"{own} is not a folder")
        self._folders = [PACKAGED] if own is None else [own, PACKAGED]
        self._language = language
        self._site_name = site_name
        if not LANGUAGE.fullmatch(language) or not any((folder / language).is_dir() for folder in self._folders):
            raise UnknownLanguage(f"there are no mails in {language!r}, only in {', '.join(_languages(self._folders))}")
        if own is not None:
            self.check()

    @cached_property
    def _editions(self) -> "Editions":
        from adapters.mail.editions import Editions  # noqa: PLC0415 (a start without mails does without)

        return Editions(self._folders, self._language, self._site_name)

    def write(self, letter: Letter) -> Text:
        return self._editions.write(letter)

    def check(self) -> None:
        """Compile everything. Raises ValueError for the first template that is missing or not good."""
        self._editions.check()

    def values_used(self, name: str) -> set[str]:
        """The names of the values that a mail's own template takes from its letter."""
        return self._editions.values_used(name)


def _languages(folders: list[Path]) -> list[str]:
    found = {path.name for folder in folders for path in folder.iterdir() if path.is_dir()}
    return sorted(name for name in found if LANGUAGE.fullmatch(name))
