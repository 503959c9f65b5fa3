"""docs/ as a site: its reference is that of the code, its links lead somewhere, and it is built without a warning."""

import ast
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from html.parser import HTMLParser
from pathlib import Path

import pytest

from application.app import use_cases
from entrypoints.cli.errors import ExitCode
from entrypoints.settings import PREFIX, Settings
from tests.architecture.sources import last_name, sources
from tests.project.documents import DOCS, anchors, prose, texts
from tests.project.places import REPOSITORY, read
from tests.project.reference import cli, errors, http
from tests.project.reference.pages import FOLDER, MAKERS
from tests.project.reference.schemas import document

LINK = re.compile(r"\]\(([^)\s]+)\)")
CODES_IN_CODE = re.compile(r"`([a-z]+(?:-[a-z]+)+)`")


@pytest.mark.parametrize("name", MAKERS)
def test_the_reference_is_that_of_the_code(name: str) -> None:
    assert (FOLDER / name).read_text(encoding="utf-8") == MAKERS[name](), "write it anew: make docs"


def test_every_operation_is_in_the_reference() -> None:
    page = read("docs/reference/http.md")
    for path, item in document()["paths"].items():
        for method in item.keys() & set(http.METHODS):
            assert f"`{method.upper()} {path}` · " in page


def test_every_setting_is_in_the_reference() -> None:
    named = re.findall(rf"^\| `({PREFIX}\w+)` \|", read("docs/reference/settings.md"), re.MULTILINE)
    assert sorted(named) == sorted(f"{PREFIX}{name.upper()}" for name in Settings.model_fields)


def test_every_command_and_option_is_in_the_reference() -> None:
    page = read("docs/reference/cli.md")
    for words, command in cli.verbs():
        section = re.search(rf"^##+ moothall {words}\n(.*?)(?=^##|\Z)", page, re.MULTILINE | re.DOTALL)
        assert section is not None, words
        for option in (option for parameter in command.params for option in parameter.opts if option.startswith("-")):
            assert option in section[1], f"{words} {option}"
    assert set(cli.MEANT) == set(ExitCode)


def test_every_code_that_an_operation_may_answer_is_in_the_reference() -> None:
    answered = {
        code
        for item in document()["paths"].values()
        for operation in item.values()
        for answer in operation["responses"].values()
        for code in answer.get("x-codes", ())
    }
    assert answered
    assert answered <= errors.all_codes()


def test_every_code_that_a_use_case_says_it_raises_is_in_the_reference() -> None:
    known = errors.all_codes()
    for name, use_case in use_cases():
        raised = (use_case.__call__.__doc__ or "").partition("Raises")[2]
        said = set(CODES_IN_CODE.findall(raised)) - {"if-match"}
        assert said <= known, name


def test_every_code_of_the_edges_is_in_the_reference() -> None:
    """Those that are written down where a problem, a refusal or a message is made, and nowhere raised."""
    number = {"problem": 2, "_refuse": 2, "_print": 0, "CommandError": 0, "Outgoing": 9}
    made = set()
    for node in (node for source in sources("entrypoints", "application") for node in source.walk()):
        if isinstance(node, ast.Call) and last_name(node.func) in number:
            place = number[last_name(node.func)]
            given = [*node.args[place : place + 1], *(word.value for word in node.keywords if word.arg == "code")]
            made |= {text.value for text in given if isinstance(text, ast.Constant)}
    assert {"internal-error", "foreign-origin", "gap-too-old", "usage", "settings", "aborted", "system"} <= made
    assert made <= errors.all_codes()


def test_every_word_of_the_oauth_endpoints_is_in_the_reference() -> None:
    [source] = [source for source in sources("entrypoints") if source.name.endswith("routes/oauth.py")]
    words = {node.value for node in source.walk() if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    grants = {"refresh_token", "access_token", "token_type_hint", "grant_type", "password", "token_type"}
    like_errors = {
        word for word in words if re.fullmatch(r"(invalid|unsupported|insufficient|temporarily)_[a-z_]+", word)
    }
    assert like_errors - grants == set(errors.OAUTH)


def test_a_code_that_nobody_can_read_would_be_noticed() -> None:
    tree = ast.parse("def give(up):\n    raise Conflict(up.code, 'Something.')\n")
    [call] = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    source = type(sources("domain")[0])(REPOSITORY / "domain" / "somewhere.py", tree)
    with pytest.raises(errors.NotReadable, match=r"domain/somewhere\.py:2: up\.code"):
        list(errors._said(source, call))


@pytest.mark.parametrize("page", sorted(texts()))
def test_links_lead_to_pages_and_headings_of_the_site(page: str) -> None:
    """A link out of docs/ would lead nowhere on the site: name the file instead."""
    for link in LINK.findall(prose(texts()[page])):
        if "://" in link or link.startswith("mailto:"):
            continue
        path, _, anchor = link.partition("#")
        target = os.path.normpath(Path(page).parent / path) if path else page
        assert not target.startswith(".."), f"{page}: {link} leads out of docs/"
        assert (DOCS / target).is_file(), f"{page}: {link}"
        assert not anchor or anchor in anchors(texts()[target]), f"{page}: {link}"


def test_every_page_is_in_the_navigation() -> None:
    named = set(_pages(tomllib.loads(read("zensical.toml"))["project"]["nav"]))
    single_decisions = {page for page in texts() if page.startswith("decisions/") and page != "decisions/README.md"}
    assert named == set(texts()) - single_decisions


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built as `make docs` does, which stops at a warning."""
    folder = tmp_path_factory.mktemp("site")
    shutil.copytree(DOCS, folder / "docs")
    shutil.copy(REPOSITORY / "zensical.toml", folder)
    built = subprocess.run(
        [sys.executable, "-m", "zensical", "build", "--clean", "--strict"],
        cwd=folder,
        env={**os.environ, "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    said = re.sub(r"\x1b\[[0-9;]*m", "", built.stdout + built.stderr)
    assert built.returncode == 0, said
    assert "Warning" not in said
    return folder / "site"


def test_every_page_is_built_and_asks_no_other_host(site: Path) -> None:
    pages = list(site.rglob("*.html"))
    assert len(pages) > len(texts())
    for page in pages:
        loads = _Loads()
        loads.feed(page.read_text(encoding="utf-8"))
        assert loads.addresses
        assert [address for address in loads.addresses if re.match(r"(?:[a-z]+:)?//", address)] == [], page.name
    styles = [path.read_text(encoding="utf-8") for path in site.rglob("*.css")]
    assert styles
    assert [style for style in styles if re.search(r"(?:url\(|@import )[\"']?(?:https?:)?//", style)] == []


def test_it_can_be_searched(site: Path) -> None:
    """The words are in a file of the site itself."""
    [index] = site.rglob("search*.json")
    assert "email-taken" in json.dumps(json.loads(index.read_text(encoding="utf-8")))


class _Loads(HTMLParser):
    """What a browser fetches by itself."""

    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag in ("script", "img", "iframe", "source", "video", "audio"):
            self.addresses.append(given.get("src") or "")
        if tag == "link" and given.get("rel") != "canonical":
            self.addresses.append(given.get("href") or "")


def _pages(items: list[object]) -> list[str]:
    found: list[str] = []
    for item in items:
        assert isinstance(item, dict)
        for value in item.values():
            found += _pages(value) if isinstance(value, list) else [value]
    return found
