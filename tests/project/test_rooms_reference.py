"""`docs/live.md` says of rooms what the code does."""

from application.live.rooms import CREATE, DELETE
from domain.live.room import KEPT, LONGEST_NAME, LONGEST_TEXT, LONGEST_TITLE, TRIMMED_EVERY
from tests.project.places import read


def test_the_figures_are_those_of_the_code() -> None:
    text = " ".join(read("docs/live.md").partition("## Rooms")[2].split())
    assert f"hyphens between them, {LONGEST_NAME} at most" in text
    assert f"one line of {LONGEST_TITLE} characters" in text
    assert f"up to {LONGEST_TEXT:,} characters" in text
    assert f"its latest {KEPT:,} messages" in text
    assert TRIMMED_EVERY == 100
    assert "a hundred at a time" in text
    assert f"with `{CREATE}`" in text
    assert f"with `{DELETE}`" in text
