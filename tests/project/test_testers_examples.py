"""The examples for testers are run as they stand, each in a folder of its own: with pytest, and with curl."""

import re
import subprocess
from pathlib import Path

import pytest

from entrypoints.testing.faults import NAMES
from tests.project.examples import EXAMPLES, copied, run_pytest
from tests.project.places import read
from tests.project.server import serving

GUIDE = "docs/how-to/test-your-client.md"
PASSED = re.compile(r"^(\d+) passed in ", re.MULTILINE)


@pytest.fixture
def newsletter(tmp_path: Path) -> Path:
    return copied("test-with-pytest", tmp_path)


@pytest.mark.parametrize("options", [("-n", "2"), ("-n", "0", "-o", "asyncio_mode=auto")])
def test_the_tests_of_a_client_pass(newsletter: Path, options: tuple[str, ...]) -> None:
    ran = run_pytest(newsletter, *options)
    assert ran.returncode == 0, ran.stdout
    (passed,) = PASSED.findall(ran.stdout)
    assert int(passed) == 15


def test_they_find_what_is_wrong_with_the_client(newsletter: Path) -> None:
    """One that repeats a request without a key publishes twice, when an answer is lost."""
    client = newsletter / "newsletter.py"
    careless = client.read_text().replace(', "Idempotency-Key": str(uuid.uuid4())', "")
    assert careless != client.read_text()
    client.write_text(careless)
    ran = run_pytest(newsletter, "-n", "0", "tests/test_publishing.py")
    assert "1 failed, 4 passed" in ran.stdout


def test_the_guide_shows_what_the_examples_hold() -> None:
    files = [path.read_text() for path in EXAMPLES.glob("test-with-*/**/*") if path.is_file() and path.suffix != ".md"]
    shown = re.findall(r"^```(?:python|ts|bash)\n(.*?)^```$", read(GUIDE), re.MULTILINE | re.DOTALL)
    assert len(shown) >= 6
    assert [block for block in shown if not any(block in text for text in files)] == []


def test_the_guide_names_every_port_that_can_fail() -> None:
    assert re.findall(r"^\| `([\w-]+)` \| ", read(GUIDE).partition("| `port` |")[2], re.MULTILINE) == list(NAMES)


def test_curl_does_the_same(tmp_path: Path) -> None:
    with serving(tmp_path, "--memory", "--seed", "demo") as server:
        ran = subprocess.run(
            ["bash", str(EXAMPLES / "test-with-curl" / "tour.sh")],
            env={**server.env, "MOOTHALL_URL": server.url},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.splitlines() == [
        "Ada Lovelace",
        "Choose a new password for Moothall",
        "bad-token",
        "database-unavailable",
        "5",
    ]
