"""The image, as far as it can be built and run without a container engine: in a folder, with this machine's Python."""

import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from tests.project.dockerfile import KNOWN, Ignored, Image, context, instructions, settings, stages
from tests.project.installing import once
from tests.project.places import REPOSITORY, read
from tests.project.server import HOST, STOPS_WITHIN, Server, free_port, wait_until_ready

TEXT = read("Dockerfile")
BUILD, LAST = stages(TEXT)
PORT = "8000"


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Image:
    made = Image(once(tmp_path_factory, "image", build))
    made.set(LAST)
    return made


def build(root: Path) -> None:
    for folder in ("context", "opt", "dist", "data"):
        (root / folder).mkdir()
    context(root / "context")
    Image(root).build(TEXT)


def test_only_what_is_understood_here_is_in_it() -> None:
    assert {instruction.name for instruction in instructions(TEXT)} == KNOWN


def test_the_base_is_one_version_of_python_that_we_run_on() -> None:
    bases = {stage[0].words[0] for stage in (BUILD, LAST)}
    assert bases == {"python:3.13-slim"}
    assert 'requires-python = ">=3.11"' in read("pyproject.toml")


def test_a_change_of_the_code_installs_no_dependency_anew() -> None:
    told = [f"{instruction.name} {instruction.rest}" for instruction in BUILD]
    installs = next(place for place, line in enumerate(told) if "--require-hashes" in line)
    assert not any(line.startswith("COPY domain") for line in told[:installs])
    assert any(line == "COPY domain domain" for line in told[installs:])


def test_everything_that_is_installed_is_locked_or_ours() -> None:
    for instruction in BUILD:
        for command in re.findall(r"pip (?:install|wheel) [^&]*", instruction.rest):
            assert "--require-hashes" in command or "--no-deps" in command, command


def test_what_it_runs_as_comes_before_what_it_runs() -> None:
    names = [instruction.name for instruction in LAST]
    assert names.index("RUN") < names.index("USER") < names.index("CMD")
    assert "RUN" not in names[names.index("USER") :]
    assert "--uid 10001" in settings(LAST)["RUN"]
    assert f"--mode=700 {settings(LAST)['VOLUME']}" in settings(LAST)["RUN"]
    assert settings(LAST)["WORKDIR"] == settings(LAST)["VOLUME"]
    assert settings(LAST)["EXPOSE"] == PORT


@pytest.mark.parametrize(
    ("path", "out"),
    [
        (".git/config", True),
        (".env", True),
        ("moothall-data/secret.key", True),
        ("tests/services.py", True),
        ("domain/__pycache__/errors.cpython-313.pyc", True),
        ("domain/errors.py", False),
        ("tests/kit/moothall/plugin.py", False),
        ("requirements.lock", False),
        ("requirements-dev.lock", True),
    ],
)
def test_what_is_kept_out_of_it(path: str, out: bool) -> None:
    assert (path in Ignored(read(".dockerignore"))) is out


def test_its_steps_succeed(image: Image) -> None:
    packages = {path.name for path in image.root.glob("opt/moothall/lib/python*/site-packages/*") if path.is_dir()}
    assert packages >= {"domain", "application", "adapters", "entrypoints", "moothall"}


def test_it_lacks_nothing_of_what_is_in_the_wheel(image: Image, tmp_path: Path) -> None:
    (site,) = image.root.glob("opt/moothall/lib/python*/site-packages")
    here = {path.relative_to(REPOSITORY).as_posix() for path in (REPOSITORY / "migrations").rglob("*.py")}
    there = {
        f"migrations/{path.relative_to(site / 'adapters/sql/migrations')}" for path in site.rglob("migrations/**/*.py")
    }
    assert here <= there


def test_it_starts_answers_its_health_check_and_keeps_its_data_in_the_volume(image: Image) -> None:
    with started(image) as server:
        assert requests.get(f"{server.url}/health", timeout=20).status_code == 200
        assert is_healthy(image, server)
    assert (image.root / "data" / "moothall.db").exists()
    assert not is_healthy(image, server)


@contextmanager
def started(image: Image) -> Iterator[Server]:
    """On the loopback interface and on a free port, where the container has an address and ports of its own."""
    port = free_port()
    words = LAST[-1].words
    assert words[-2:] == ["--host", "0.0.0.0"]  # noqa: S104
    server = Server(port, image.root / "data", image.environment())
    with (server.folder / "serve.log").open("wb") as log:
        process = subprocess.Popen(
            [image.root / "opt/moothall/bin" / words[0], *words[1:-2], "--host", HOST, "--port", str(port)],
            cwd=server.folder,
            env=server.env,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        wait_until_ready(server, lambda: process.poll() is None)
        yield server
    finally:
        process.terminate()
        process.wait(STOPS_WITHIN)


def is_healthy(image: Image, server: Server) -> bool:
    (check,) = (instruction for instruction in LAST if instruction.name == "HEALTHCHECK")
    words = [word.replace(f":{PORT}/", f":{server.port}/") for word in check.words]
    assert f":{server.port}/health" in words[-1]
    ran = subprocess.run(words, env=server.env, cwd=server.folder, capture_output=True, timeout=30, check=False)
    return ran.returncode == 0
