"""The wheel, built from the source distribution, does its work in an environment in which there is nothing else."""

import json
import re
import subprocess
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from zipfile import ZipFile

import pytest
import requests

from tests.project.installing import Installed, build, new_environment, once
from tests.project.places import REPOSITORY, read
from tests.project.server import HOST, STOPS_WITHIN, Server, free_port, wait_until_ready

PASSWORD = "violet-anchor-42-lamp"
FOR_TESTERS = ("pytest", "iniconfig", "pluggy", "packaging", "pygments", "anyio")
PRIVATE = re.compile(
    r"(^|/)(\.git|\.venv[^/]*|\.env|\.bench|moothall-data|__pycache__|\.\w+_cache)(/|$)|\.(db|key|eml|pyc)$"
)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What whoever downloads the source distribution unpacks."""
    (unpacked,) = once(tmp_path_factory, "source", unpack).glob("moothall-*/")
    return unpacked


@pytest.fixture(scope="module")
def wheel(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    (built,) = once(tmp_path_factory, "wheel", lambda folder: build("wheel", folder, source)).glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    return Installed(once(tmp_path_factory, "installed", lambda folder: install(folder, wheel)) / "environment")


def unpack(folder: Path) -> None:
    with tarfile.open(build("sdist", folder)) as archive:
        archive.extractall(folder, filter="data")


def install(folder: Path, wheel: Path) -> None:
    environment = new_environment(folder / "environment")
    environment.pip("install", "--require-hashes", "--requirement", REPOSITORY / "requirements.lock")
    environment.pip("install", "--no-deps", wheel)


def test_the_source_distribution_holds_nothing_private(source: Path) -> None:
    held = {path.relative_to(source).as_posix() for path in source.rglob("*") if path.is_file()}
    assert held >= {"LICENSE", "README.md", "Makefile", "pyproject.toml", "requirements.lock", "migrations/env.py"}
    assert sorted(name for name in held if PRIVATE.search(name)) == []
    assert sorted(name for name in held - {"PKG-INFO"} if not (REPOSITORY / name).is_file()) == []


def test_what_it_builds_is_what_the_repository_builds(wheel: Path, tmp_path: Path) -> None:
    with ZipFile(wheel) as ours, ZipFile(build("wheel", tmp_path)) as theirs:
        assert sorted(ours.namelist()) == sorted(theirs.namelist())


def test_it_lacks_nothing_that_it_asks_for(installed: Installed) -> None:
    installed.pip("check")


def test_its_command_lists_what_there_is(installed: Installed, tmp_path: Path) -> None:
    listed = installed.run("moothall", "--help", cwd=tmp_path)
    assert all(command in listed for command in ("serve", "worker", "users", "db", "doctor"))


def test_it_migrates_with_the_migrations_that_it_holds(installed: Installed, tmp_path: Path) -> None:
    newest = sorted(path.stem.partition("_")[0] for path in (REPOSITORY / "migrations" / "versions").glob("0*.py"))[-1]
    installed.run("moothall", "db", "upgrade", cwd=tmp_path)
    current = json.loads(installed.run("moothall", "--json", "db", "current", cwd=tmp_path))
    assert newest in str(current)
    where = installed.run(
        "python", "-c", "import adapters.sql; print(adapters.sql.__file__)", cwd=tmp_path, env={"PYTHONSAFEPATH": "1"}
    )
    assert Path(where.strip()).is_relative_to(installed.folder)


@pytest.mark.parametrize("options", [(), ("--memory", "--seed", "demo")], ids=["embedded", "memory"])
def test_it_serves(installed: Installed, options: tuple[str, ...], tmp_path: Path) -> None:
    with serving(installed, tmp_path, *options) as server:
        api = f"{server.url}/api/v1"
        member = {"email": "lise@example.com", "password": PASSWORD, "username": "lise"}
        assert requests.post(f"{api}/auth/register", json=member, timeout=20).status_code == 201
        answer = requests.post(f"{api}/auth/login", data={"username": "lise", "password": PASSWORD}, timeout=20)
        token = answer.json()["access_token"]
        me = requests.get(f"{api}/users/me", headers={"Authorization": f"Bearer {token}"}, timeout=20)
        assert me.json()["username"] == "lise"
        assert "<title>" in requests.get(f"{server.url}/docs", timeout=20).text
    assert (tmp_path / "moothall-data").exists() == (not options)


def test_testers_get_their_fixtures_and_contracts(installed: Installed, tmp_path: Path) -> None:
    """With a pytest of their own: the service does not need one."""
    pytests = tmp_path / "pytest"
    installed.pip("install", "--no-deps", "--target", pytests, *(pin(name) for name in FOR_TESTERS))
    (tmp_path / "test_of_theirs.py").write_text(
        "from moothall.contracts import BlobStoreContract, MailerContract, UserRepositoryContract\n\n\n"
        "def test_somebody_registers(moothall, mail, drain):\n"
        f"    member = {{'email': 'ada@example.com', 'password': '{PASSWORD}'}}\n"
        "    assert moothall.client.post('/api/v1/auth/register', json=member).status_code == 201\n"
        "    drain()\n"
        "    assert mail.last(to='ada@example.com').links\n"
    )
    told = installed.run("python", "-m", "pytest", "-q", cwd=tmp_path, env={"PYTHONPATH": str(pytests)})
    assert "1 passed" in told


def pin(name: str) -> str:
    """The version that the tests are run with."""
    (version,) = re.findall(rf"^{name}==([^\s;]+)", read("requirements-dev.lock"), re.MULTILINE)
    return f"{name}=={version}"


@contextmanager
def serving(installed: Installed, folder: Path, *options: str) -> Iterator[Server]:
    port = free_port()
    server = Server(port, folder, installed.environment())
    with (folder / "serve.log").open("wb") as log:
        process = subprocess.Popen(
            [installed.bin / "moothall", "serve", "--port", str(port), *options],
            cwd=folder,
            env=server.env,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        wait_until_ready(server, lambda: process.poll() is None)
        assert requests.get(f"http://{HOST}:{port}/ready", timeout=20).status_code == 200
        yield server
    finally:
        process.terminate()
        process.wait(STOPS_WITHIN)
