"""Who may import whom."""

import subprocess
import sys
from pathlib import Path

from tests.architecture.sources import REPOSITORY, imported_modules, report, sources

INNER = {
    "domain": {"domain"},
    "application": {"domain", "application"},
}
COMPOSITION_ROOT = "entrypoints/bootstrap/"


def test_the_import_contracts_of_pyproject_are_kept() -> None:
    command = Path(sys.executable).with_name("lint-imports")
    asked = subprocess.run([command, "--no-cache"], cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert asked.returncode == 0, report(
        "imports point inwards only. What an inner layer needs from an outer one becomes a Protocol in the inner one, "
        "which an adapter inherits and entrypoints/bootstrap registers.",
        [(asked.stdout.partition("Broken contracts\n")[2] or asked.stdout) + asked.stderr],
    )


def test_domain_and_application_import_the_standard_library_and_each_other_only() -> None:
    breaches = [
        f"{source.at(node)} imports {module}"
        for layer, own in INNER.items()
        for source in sources(layer)
        for node, module in imported_modules(source)
        if module.partition(".")[0] not in sys.stdlib_module_names | own
    ]
    assert not breaches, report(
        "say what is needed as a Protocol (in application/ports.py, or beside the vocabulary that it speaks), "
        "implement it under adapters/, and register it in entrypoints/bootstrap.",
        breaches,
    )


def test_only_the_composition_root_uses_the_container() -> None:
    breaches = [
        f"{source.at(node)} imports {module}"
        for source in sources()
        for node, module in imported_modules(source)
        if module.partition(".")[0] == "punq" and not source.name.startswith(COMPOSITION_ROOT)
    ]
    assert not breaches, report(
        f"name what you need as a field of your dataclass; {COMPOSITION_ROOT} resolves everything once, at the start.",
        breaches,
    )


def test_only_the_composition_root_imports_adapters() -> None:
    breaches = [
        f"{source.at(node)} imports {module}"
        for source in sources("entrypoints")
        for node, module in imported_modules(source)
        if module.partition(".")[0] == "adapters" and not source.name.startswith(COMPOSITION_ROOT)
    ]
    assert not breaches, report(
        f"ask the Application for a use case, or let {COMPOSITION_ROOT} offer what you need, as open_schema does.",
        breaches,
    )
