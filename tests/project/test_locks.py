"""What is installed is locked with hashes, and the locks agree with pyproject.toml and with each other."""

import re
import tomllib
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.project.places import REPOSITORY, read

PIN = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^]]*\])?==([^\s;\\]+)", re.MULTILINE)
PROJECT: dict[str, Any] = tomllib.loads(read("pyproject.toml"))
LOCKS = sorted(path.name for path in REPOSITORY.glob("requirements*.lock"))

WANTED = {
    "requirements.lock": PROJECT["project"]["dependencies"],
    "requirements-dev.lock": PROJECT["project"]["dependencies"] + PROJECT["dependency-groups"]["dev"],
    "requirements-build.lock": PROJECT["build-system"]["requires"],
    "requirements-bench.lock": PROJECT["dependency-groups"]["bench"],
    "requirements-clients.lock": PROJECT["dependency-groups"]["clients"],
}


def pins(lock: str) -> dict[str, set[str]]:
    """The versions of each package; there can be several, for several platforms."""
    found: dict[str, set[str]] = {}
    for name, version in PIN.findall(read(lock)):
        found.setdefault(canonicalize_name(name), set()).add(version)
    return found


def test_every_lock_belongs_to_something() -> None:
    assert set(LOCKS) == WANTED.keys()


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_has_what_pyproject_asks_for(lock: str) -> None:
    locked = pins(lock)
    for line in WANTED[lock]:
        requirement = Requirement(line)
        versions = locked.get(canonicalize_name(requirement.name), set())
        assert any(requirement.specifier.contains(version, prereleases=True) for version in versions), (
            f"{lock} has no {line}; run: make lock"
        )


@pytest.mark.parametrize("lock", LOCKS)
def test_every_pin_has_a_hash(lock: str) -> None:
    """S41."""
    entries = read(lock).replace("\\\n", " ").splitlines()
    assert [line for line in entries if not line.startswith("#") and "--hash=sha256:" not in line] == []


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_names_no_place_to_download_from(lock: str) -> None:
    assert not re.search(r"://|--(?:extra-)?index-url|--find-links", read(lock))


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-build.lock"])
def test_the_tests_run_on_what_is_shipped(lock: str) -> None:
    tested = pins("requirements-dev.lock")
    assert {name: versions for name, versions in pins(lock).items() if tested.get(name) != versions} == {}
