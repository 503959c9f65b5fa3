"""In which language a page answers."""

from collections.abc import Mapping

from entrypoints.http.pages.english import ENGLISH
from entrypoints.http.pages.german import GERMAN
from entrypoints.http.pages.texts import Texts

LANGUAGES: Mapping[str, Texts] = {texts.language: texts for texts in (ENGLISH, GERMAN)}


def texts_for(accepted: str) -> Texts:
    """The language that `Accept-Language` likes best (RFC 9110, section 12.5.4); English where it names none."""
    wishes = [_wish(part) for part in accepted.split(",")]
    ours = [wish for wish in wishes if wish[0] in LANGUAGES and wish[1] > 0]
    return LANGUAGES[max(ours, key=lambda wish: wish[1])[0]] if ours else ENGLISH


def _wish(part: str) -> tuple[str, float]:
    """A language and its weight: `de-AT;q=0.8` is German, with 0.8."""
    tag, _, parameter = part.partition(";")
    weight = parameter.strip().lower().removeprefix("q=")
    try:
        return tag.strip().lower().partition("-")[0], float(weight or 1)
    except ValueError:
        return "", 0
