"""The documentation pages' files are the ones that `make vendor` wrote, and load nothing from elsewhere."""

import hashlib
import re

import pytest

from tests.project.places import REPOSITORY, read

STATIC = REPOSITORY / "entrypoints" / "http" / "static"
SUMS = dict(reversed(line.split()) for line in read("entrypoints/http/static/SHA256SUMS").splitlines())
ELSEWHERE = re.compile(
    r"""(?:src|href)\s*[:=]\s*["']https?://(?!www\.w3\.org/)[^"']*\.(?:js|css|svg|png|woff2?)"""
    r"""|url\(["']?https?:|@import|validator\.swagger\.io|fonts\.g(?:oogleapis|static)\.com"""
)


@pytest.mark.parametrize("name", SUMS)
def test_a_file_is_as_it_was_vendored(name: str) -> None:
    assert hashlib.sha256((STATIC / name).read_bytes()).hexdigest() == SUMS[name], "run: make vendor"


@pytest.mark.parametrize("name", [path.name for path in sorted(STATIC.iterdir()) if path.suffix in (".js", ".css")])
def test_a_file_loads_nothing_from_elsewhere(name: str) -> None:
    found = ELSEWHERE.search((STATIC / name).read_text(encoding="utf-8"))
    assert found is None, f"{name}: {found[0] if found else ''}; see `vendor` in the Makefile for how this is taken out"


@pytest.mark.parametrize(("variable", "package"), [("SWAGGER_UI", "swagger-ui-dist"), ("REDOC", "redoc")])
def test_the_readme_tells_the_versions(variable: str, package: str) -> None:
    version = re.search(rf"^{variable} := (\S+)$", read("Makefile"), re.MULTILINE)
    assert version is not None
    assert f"| {package} | {version[1]} |" in read("entrypoints/http/static/README.md")


def test_each_bundle_comes_with_its_licence() -> None:
    for bundle in (name for name in SUMS if name.endswith(".js")):
        assert f"{bundle}.LICENSE.txt" in SUMS
    assert {"swagger-ui.LICENSE.txt", "swagger-ui.NOTICE.txt", "redoc.LICENSE.txt"} <= SUMS.keys()
