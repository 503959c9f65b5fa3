"""What docs/live.md shows for the shell and for Python is run as it stands, against a real server. Node's and the
browser's turn comes with `make test-browser`."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.project.club import Club, club_at
from tests.project.snippets import Speaker, a_lobby, running, snippet


@pytest.fixture
def club(tmp_path: Path) -> Iterator[Club]:
    with club_at(tmp_path) as club:
        yield club


@pytest.fixture
def speaker(club: Club) -> Iterator[Speaker]:
    with a_lobby(club) as speaker:
        yield speaker


def test_curl_listens_to_the_events(club: Club, speaker: Speaker, tmp_path: Path) -> None:
    script = snippet("", "bash", club) + snippet("Server-Sent Events", "bash", club)
    with running(["bash", "-euo", "pipefail", "-c", script], tmp_path) as curl:
        assert "event: ready" in curl.until("event: joined")
        speaker.says("Hello")
        curl.until("event: message")
        assert '"text":"Hello"' in curl.until("data: ")
        curl.until("id: ")


def test_a_program_in_python_speaks_and_listens(club: Club, speaker: Speaker, tmp_path: Path) -> None:
    program = tmp_path / "live.py"
    program.write_text(snippet("In Python", "python", club))
    with running([sys.executable, str(program)], tmp_path, {"ACCESS": club.sign_in("ada")}) as python:
        assert speaker.hears("message")["text"] == "Hello"
        python.until("'text': 'Hello'")
        speaker.says("Hello, Ada")
        python.until("'text': 'Hello, Ada'")
