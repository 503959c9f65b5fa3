"""`make mutants`: the domain is changed in thousands of places, one at a time, and its tests have to notice.

In a copy of the repository, so that nothing is left behind. What survives is listed; docs/mutation-testing.md explains
those that are known.
"""

import argparse
import json
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
LEAST = 0.95
COPIED = ("domain", "application", "adapters", "entrypoints", "migrations", "tests", "pyproject.toml", "README.md")
MUTMUT = Path(sys.executable).with_name("mutmut")
RESULT = re.compile(r"^\s*(domain\.\S+?)\.x\S*__mutmut_\d+: (.+)$", re.MULTILINE)


def main() -> int:
    parser = argparse.ArgumentParser(prog="make mutants", description=__doc__)
    parser.add_argument("names", nargs="*", help="such as 'domain.orders*'; all of them unless some are named")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="moothall-mutants-") as folder:
        copy = Path(folder)
        for name in COPIED:
            source = REPOSITORY / name
            (shutil.copytree if source.is_dir() else shutil.copy)(source, copy / name)
        subprocess.run([MUTMUT, "run", *options.names], cwd=copy, check=True)
        subprocess.run([MUTMUT, "export-cicd-stats"], cwd=copy, check=True, capture_output=True)
        results = subprocess.run([MUTMUT, "results"], cwd=copy, check=True, capture_output=True, text=True).stdout
        stats = json.loads((copy / "mutants" / "mutmut-cicd-stats.json").read_text())
    return _report(stats, results, judged_all=not options.names)


def _report(stats: dict[str, int], results: str, *, judged_all: bool) -> int:
    """What no test reaches has not been killed; what ends in no time (`timeout`) or with a crash has."""
    print(results)
    for module, count in sorted(Counter(module for module, _ in RESULT.findall(results)).items()):
        print(f"{module:<45} {count:>5} not killed")
    killed = stats["killed"] + stats["timeout"] + stats["segfault"]
    total = stats["total"]
    print(f"{killed} of {total} mutants killed ({killed / total:.1%}); {stats['no_tests']} are reached by no test")
    return 0 if killed / total >= LEAST or not judged_all else 1


if __name__ == "__main__":
    sys.exit(main())
