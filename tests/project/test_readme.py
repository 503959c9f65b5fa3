"""The README's tour is run as a reader would: its shell snippets, in order, in one shell, against a real server.

A ```text block behind a ```bash block is what that one prints; `…` stands for anything.
"""

import re
import shlex
import subprocess
from pathlib import Path

import pytest

from tests.limits import LIMITS_BY_DEFAULT
from tests.project.places import MOOTHALL, REPOSITORY, read, run_moothall
from tests.project.server import serving

TOUR = "## Five minutes with curl"
BLOCK = re.compile(r"^```(bash|text)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
BETWEEN = "=== next snippet ==="


def snippets() -> list[tuple[str, str | None]]:
    """Each snippet of the tour, and what it says that it prints."""
    tour = read("README.md").partition(TOUR)[2].partition("\n## ")[0]
    found: list[tuple[str, str | None]] = []
    for kind, text in BLOCK.findall(tour):
        if kind == "bash":
            found.append((text, None))
        else:
            found[-1] = (found[-1][0], text)
    return found


def test_the_tour_does_what_it_says(tmp_path: Path) -> None:
    tour = snippets()
    assert len(tour) > 5
    command = tmp_path / ".venv" / "bin" / "moothall"
    command.parent.mkdir(parents=True)
    command.write_text(f'#!/bin/sh\nexec {shlex.join(MOOTHALL)} "$@"\n')
    command.chmod(0o755)
    with serving(tmp_path, env=LIMITS_BY_DEFAULT) as server:
        script = f"\necho; echo '{BETWEEN}'\n".join(text for text, _ in tour)
        ran = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script.replace("127.0.0.1:8000", f"127.0.0.1:{server.port}")],
            cwd=tmp_path,
            env={**server.env, "LC_ALL": "C.UTF-8"},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
    printed = ran.stdout.split(BETWEEN)
    assert ran.returncode == 0, f"{ran.stdout}\n{ran.stderr}"
    for (text, expected), output in zip(tour, printed, strict=True):
        if expected is not None:
            assert _matches(expected, output), f"{text}\nprinted:\n{output}\nThe README says:\n{expected}"


def test_its_files_and_make_targets_exist() -> None:
    readme = read("README.md")
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", readme) if "://" not in link]
    assert [link for link in links if not (REPOSITORY / link).exists()] == []
    targets = set(re.findall(r"^([a-z-]+):", read("Makefile"), re.MULTILINE))
    assert set(re.findall(r"`make ([a-z-]+)", readme)) <= targets


def test_the_commands_that_it_lists_exist(tmp_path: Path) -> None:
    table = read("README.md").partition("## The command line")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| (`moothall .*`) \| (.*) \|$", table, re.MULTILINE)
    assert rows
    for nouns, verbs in rows:
        for noun in re.findall(r"`moothall ([\w-]+)`", nouns):
            asked = run_moothall(noun, "--help", cwd=tmp_path)
            assert asked.returncode == 0, asked.stderr
            offered = set(re.findall(r"^  ([a-z-]+)  ", asked.stdout.partition("Commands:")[2], re.MULTILINE))
            assert set(re.findall(r"`([a-z-]+)`", verbs)) == offered, noun


@pytest.mark.parametrize(
    "name", ["README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md", "docs/glossary.md", "docs/live.md"]
)
def test_links_between_the_documents_lead_somewhere(name: str) -> None:
    here = (REPOSITORY / name).parent
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", read(name)) if "://" not in link]
    assert [link for link in links if not (here / link).exists()] == []


def _matches(expected: str, output: str) -> bool:
    pattern = ".*".join(re.escape(part) for part in expected.strip().split("…"))
    return re.fullmatch(pattern, output.replace("\r", "").strip(), re.DOTALL) is not None
