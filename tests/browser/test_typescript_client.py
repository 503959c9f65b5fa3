"""The TypeScript client of examples/typescript-client: generated as its README says, compiled, and run in Node."""

import shutil
from pathlib import Path

import pytest

from tests.project.clients import EXAMPLES, a_counter, check, run, write_description

pytestmark = pytest.mark.browser

EXAMPLE = EXAMPLES / "typescript-client"
INSTALL = ("npm", "install", "--silent", "--no-package-lock", "--no-audit", "--no-fund", "--ignore-scripts")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example, installed, with the types in it."""
    if not (shutil.which("node") and shutil.which("npm")):
        pytest.fail("There is no Node to run the program with. Install it, with npm.", pytrace=False)
    folder = tmp_path_factory.mktemp("client") / "example"
    shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns("node_modules", "built"))
    write_description(folder)
    run(INSTALL, folder)
    run(["npm", "run", "--silent", "generate"], folder)
    return folder


def test_the_program_is_well_typed(project: Path) -> None:
    assert run(["npm", "run", "--silent", "check"], project) == ""


def test_a_code_that_does_not_exist_is_not_compiled(project: Path) -> None:
    program = project / "newcomer.ts"
    written = program.read_text()
    program.write_text(written.replace('"email-taken"', '"email-tken"'))
    try:
        with pytest.raises(AssertionError, match="email-tken"):
            run(["npm", "run", "--silent", "check"], project)
    finally:
        program.write_text(written)


def test_a_newcomer_does_all_of_it(project: Path, tmp_path: Path) -> None:
    run(["npm", "run", "--silent", "build"], project)
    with a_counter(tmp_path) as counter:
        printed = run(["node", "built/newcomer.js", *counter.words], project)
        check(printed.replace("[ '/email' ]", "['/email']"), counter)
