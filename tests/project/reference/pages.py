"""Every page of the reference by its name."""

from collections.abc import Callable, Mapping

from tests.project.places import REPOSITORY
from tests.project.reference import cli, errors, events, http, schemas, settings

FOLDER = REPOSITORY / "docs" / "reference"

MAKERS: Mapping[str, Callable[[], str]] = {
    "http.md": http.page,
    "schemas.md": schemas.page,
    "cli.md": cli.page,
    "settings.md": settings.page,
    "errors.md": errors.page,
    "events.md": events.page,
}


def pages() -> dict[str, str]:
    return {name: make() for name, make in MAKERS.items()}
