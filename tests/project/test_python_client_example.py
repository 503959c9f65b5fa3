"""The Python client of examples/python-client: generated as its README says, checked, and run against a server."""

import re
import shlex
import shutil
from pathlib import Path

import pytest

from tests.project.clients import EXAMPLES, a_counter, check, run, tools, write_description

EXAMPLE = EXAMPLES / "python-client"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example with the client in it, which was generated without a warning."""
    folder = tmp_path_factory.mktemp("client") / "example"
    shutil.copytree(EXAMPLE, folder)
    write_description(folder)
    [command] = re.findall(r"^openapi-python-client (.+)$", (folder / "README.md").read_text(), re.MULTILINE)
    told = run([tools() / "openapi-python-client", *shlex.split(command)], folder)
    assert told.split() == ["Generating", "moothall_client"]
    return folder


def test_the_program_and_the_client_that_it_uses_are_well_typed(project: Path) -> None:
    mypy = [tools() / "mypy", "--strict", "--cache-dir", project / ".mypy_cache", "newcomer.py"]
    assert "no issues found" in run(mypy, project)


def test_no_type_has_a_name_that_the_generator_invented(project: Path) -> None:
    models = (project / "moothall_client" / "models" / "__init__.py").read_text()
    names = set(re.findall(r'^    "(\w+)",$', models, re.MULTILINE))
    assert {"UserPage", "PostPage", "AvatarUpload", "ProblemCode"} <= names
    assert {name for name in names if re.search(r"Response|Type\d|Body$|_", name)} == set()


def test_a_newcomer_does_all_of_it(project: Path, tmp_path: Path) -> None:
    with a_counter(tmp_path) as counter:
        printed = run([tools() / "python", "newcomer.py", *counter.words], project)
        check(printed, counter)
