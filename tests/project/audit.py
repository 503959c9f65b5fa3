"""Looks the locked packages up in the database of advisories: `make audit`, and `make check` where it can be reached.

Only a service that knows a weakness which everybody knows is believed when it says that ours have none: a mirror or
a proxy that answers in its place knows nothing.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

REPOSITORY = Path(__file__).resolve().parents[2]
LOCK = REPOSITORY / "requirements-dev.lock"
"""It holds what runs and what builds as well (test_locks.py)."""

SERVICE = "https://api.osv.dev/v1/query"
WELL_KNOWN = {"package": {"name": "jinja2", "ecosystem": "PyPI"}, "version": "2.4.1"}
PATIENCE = 3


class NotAudited(Exception):
    """Nobody could be asked."""


@dataclass(frozen=True)
class Weakness:
    package: str
    advisory: str
    mended_in: str


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.project.audit", description=__doc__)
    parser.add_argument("--if-reachable", action="store_true", help="where nobody can be asked, say so and succeed")
    parser.add_argument("--url", default=SERVICE, help="an OSV service (%(default)s)")
    parser.add_argument("--lock", type=Path, default=LOCK, help="the packages (%(default)s)")
    options = parser.parse_args(arguments)
    try:
        found = weaknesses(options.lock, options.url)
    except NotAudited as error:
        print(f"NOT audited: {error}. `make audit` insists on it.")
        return 0 if options.if_reachable else 1
    for one in found:
        print(f"{one.package} has {one.advisory}, mended in {one.mended_in}")
    print(f"{len(found)} known weaknesses in the packages of {options.lock.name}")
    return 1 if found else 0


def weaknesses(lock: Path, url: str) -> list[Weakness]:
    if not _knows_advisories(url):
        raise NotAudited(f"no database of advisories answers at {url}")
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        words = [
            "--strict",
            "--disable-pip",
            "--require-hashes",
            "--progress-spinner",
            "off",
            "--requirement",
            str(lock),
        ]
        words += ["--vulnerability-service", "osv", "--osv-url", url, "--timeout", str(PATIENCE)]
        command = [sys.executable, "-m", "pip_audit", *words, "--format", "json", "--output", str(report)]
        ran = subprocess.run(command, capture_output=True, text=True, check=False)
        if not report.exists() or not report.read_bytes():
            raise NotAudited(f"pip-audit was left without an answer ({_last_line(ran.stderr)})")
        packages = json.loads(report.read_bytes())["dependencies"]
    return [_weakness(package, advisory) for package in packages for advisory in package["vulns"]]


def _knows_advisories(url: str) -> bool:
    try:
        answer = requests.post(url, json=WELL_KNOWN, timeout=PATIENCE)
        return answer.ok and bool(answer.json().get("vulns"))
    except (requests.RequestException, ValueError, AttributeError):
        return False


def _weakness(package: dict[str, Any], advisory: dict[str, Any]) -> Weakness:
    mended = ", ".join(advisory["fix_versions"]) or "no version yet"
    return Weakness(f"{package['name']} {package['version']}", advisory["id"], mended)


def _last_line(text: str) -> str:
    return next((line.strip() for line in reversed(text.splitlines()) if line.strip()), "it said nothing")


if __name__ == "__main__":
    sys.exit(main())
