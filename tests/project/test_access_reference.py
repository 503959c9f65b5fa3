"""`docs/access.md` names every permission, every action of the audit trail and every flaw that there is."""

import ast
import re

from application.access.permissions import PermissionCatalogue
from application.app import rules
from application.audit.views import Flaw
from domain.orders.order import OrderStatus
from tests.architecture.sources import last_name, sources
from tests.project.places import REPOSITORY

REFERENCE = REPOSITORY / "docs" / "access.md"


def rows(heading: str) -> dict[str, str]:
    """The table under this heading: names and what they mean."""
    table = REFERENCE.read_text(encoding="utf-8").split(f"| {heading} |", 1)[1].split("\n\n", 1)[0]
    return dict(re.findall(r"^\| `([^`]+)` \| (.+) \|$", table, re.MULTILINE))


def test_every_permission_is_explained_as_the_product_does() -> None:
    catalogue = PermissionCatalogue.of(rules())
    assert rows("permission") == {name: found.sentence for name, found in catalogue.permissions.items()}


def test_every_action_of_the_trail_is_explained() -> None:
    recorded = {
        argument.value
        for source in sources("application", "adapters")
        for node in source.walk()
        if isinstance(node, ast.Call) and last_name(node.func) == "record"
        for argument in node.args
        if isinstance(argument, ast.Constant)
    }
    assert set(rows("action")) == recorded | {f"order.{status.value}" for status in OrderStatus}


def test_every_flaw_is_explained() -> None:
    assert set(rows("flaw")) == {flaw.value for flaw in Flaw}
