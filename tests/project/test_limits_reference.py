"""`docs/limits.md` names every limit with its default, every code of a 429, and every form of Redis's URL."""

import ast
import re

from adapters.redis_client import KINDS, RedisServer
from domain.errors import Throttled
from entrypoints.settings import PREFIX, Settings
from tests.architecture.sources import last_name, sources
from tests.project.places import REPOSITORY, read
from tests.project.test_background_reference import names

REFERENCE = "docs/limits.md"


def rows(heading: str) -> list[list[str]]:
    """The cells of the table whose headings begin like this."""
    table = read(REFERENCE).split(f"| {heading} |", 1)[1].split("\n\n", 1)[0]
    return [line.strip("| ").split(" | ") for line in table.splitlines()[2:]]


def test_every_limit_is_told_with_its_default() -> None:
    told = {names(setting)[0]: names(default)[0] for setting, default, *_ in rows("setting")}
    fields = {f"{PREFIX}{name.upper()}": field.default for name, field in Settings.model_fields.items()}
    assert told == {name: default for name, default in fields.items() if name.startswith(f"{PREFIX}RATE_LIMIT_")}


def test_every_code_is_told() -> None:
    raised = {
        node.args[0].value
        for source in sources("domain", "application", "adapters", "entrypoints")
        for node in source.walk()
        if isinstance(node, ast.Call)
        and last_name(node.func) == Throttled.__name__
        and isinstance(node.args[0], ast.Constant)
    }
    assert raised
    assert {names(code)[0] for code, _ in rows("code")} == raised


def test_the_forms_of_a_url_mean_what_it_says() -> None:
    forms = [names(form)[0].replace("…", "host") for form, _ in rows("URL")]
    told = {RedisServer.of(form).kind for form in forms} | set(re.findall(r"`(rediss\+\w+)://`", read(REFERENCE)))
    assert told == set(KINDS)


def test_its_links_lead_somewhere() -> None:
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", read(REFERENCE)) if "://" not in link]
    assert links
    assert [link for link in links if not ((REPOSITORY / REFERENCE).parent / link).exists()] == []
