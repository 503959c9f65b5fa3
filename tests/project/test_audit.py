"""What `make audit` and `make check` say of the locked packages, whoever answers for the database of advisories."""

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.project import audit
from tests.project.server import free_port

Answer = Callable[[Mapping[str, Any]], tuple[int, object]]
"""What is asked, as JSON, becomes a status and an answer."""

PACKAGES = ("packaging", "pluggy")


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    path = tmp_path / "some.lock"
    path.write_text("".join(f"{name}==1.0 --hash=sha256:{'0' * 64}\n" for name in PACKAGES))
    return path


def test_packages_without_a_known_weakness_pass(lock: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with database(knowing()) as url:
        assert audited(url, lock) == 0
    assert capsys.readouterr().out == "0 known weaknesses in the packages of some.lock\n"


@pytest.mark.parametrize("words", [[], ["--if-reachable"]], ids=["audit", "check"])
def test_a_known_weakness_fails_and_is_named(words: list[str], lock: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with database(knowing("pluggy")) as url:
        assert audited(url, lock, *words) == 1
    assert "pluggy 1.0 has PYSEC-2026-1, mended in 1.1\n1 known weaknesses" in capsys.readouterr().out


def test_every_package_is_asked_for(lock: Path) -> None:
    asked: list[str] = []

    def answer(question: Mapping[str, Any]) -> tuple[int, object]:
        asked.append(question["package"]["name"])
        return knowing()(question)

    with database(answer) as url:
        assert audited(url, lock) == 0
    assert sorted(asked[1:]) == sorted(PACKAGES)


def forgetful() -> Answer:
    """It answers the first question, and breaks."""
    questions: list[Mapping[str, Any]] = []

    def answer(question: Mapping[str, Any]) -> tuple[int, object]:
        questions.append(question)
        return knowing()(question) if len(questions) == 1 else (503, {})

    return answer


NO_DATABASES: dict[str, Callable[[], Answer]] = {
    "not found": lambda: lambda _: (404, {}),
    "empty": lambda: lambda _: (200, {}),
    "not an object": lambda: lambda _: (200, ["log in to this network first"]),
    "broken on the way": forgetful,
}


@pytest.mark.parametrize("kind", NO_DATABASES)
def test_what_is_no_database_of_advisories_clears_nothing(
    kind: str, lock: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for words, status in (([], 1), (["--if-reachable"], 0)):
        with database(NO_DATABASES[kind]()) as url:
            assert audited(url, lock, *words) == status
        said = capsys.readouterr().out
        assert said.startswith("NOT audited: ")
        assert said.count("\n") == 1


def test_without_a_network_only_make_audit_fails(lock: Path, capsys: pytest.CaptureFixture[str]) -> None:
    nobody = f"http://127.0.0.1:{free_port()}/query"
    assert audited(nobody, lock) == 1
    assert audited(nobody, lock, "--if-reachable") == 0
    assert capsys.readouterr().out.count(f"NOT audited: no database of advisories answers at {nobody}") == 2


def audited(url: str, lock: Path, *words: str) -> int:
    return audit.main(["--url", url, "--lock", str(lock), *words])


def knowing(*weak: str) -> Answer:
    """A database that knows of these, and of what everybody knows."""

    def answer(question: Mapping[str, Any]) -> tuple[int, object]:
        name = question["package"]["name"]
        if name not in weak and question != audit.WELL_KNOWN:
            return 200, {}
        affected = {"package": question["package"], "ranges": [{"type": "ECOSYSTEM", "events": [{"fixed": "1.1"}]}]}
        advisory = {"id": "PYSEC-2026-1", "summary": "It can be talked into anything.", "affected": [affected]}
        return 200, {"vulns": [advisory]}

    return answer


@contextmanager
def database(answer: Answer) -> Iterator[str]:
    """Somebody who answers as a database of advisories does, or not."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            status, said = answer(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            body = json.dumps(said).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            """Nothing: it answers in a test."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/query"
        finally:
            server.shutdown()
            thread.join()
