"""docker-compose.yml and Dockerfile, as far as they can be checked without a container engine."""

import json
import re
import shlex
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import yaml

from entrypoints.settings import NOT_YET_USED, PREFIX, Settings
from tests.project.places import REPOSITORY, read, run_moothall

SCHEMA = Path(__file__).with_name("compose_spec") / "schema.json"
VARIABLE = re.compile(r"(?<!\$)\$\{(\w+)(?:(:?[-?+])([^}]*))?\}")

COMPOSE: dict[str, Any] = yaml.safe_load(read("docker-compose.yml"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
DOCKERFILE = read("Dockerfile")


def test_it_keeps_to_the_compose_specification() -> None:
    validator = jsonschema_rs.validator_for(json.loads(SCHEMA.read_text(encoding="utf-8")))
    assert [f"{error.instance_path}: {error.message}" for error in validator.iter_errors(COMPOSE)] == []


def test_it_has_what_the_product_promises() -> None:
    assert SERVICES.keys() == {"app", "worker", "migrate", "postgres", "redis", "mail"}


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_has_an_image(name: str) -> None:
    assert SERVICES[name].keys() & {"image", "build"}
    tag = SERVICES[name]["image"].rpartition(":")[2]
    assert re.search(r"\d", tag) or tag == "local", f"{name}: pin the image to a version, not to {tag!r}"


@pytest.mark.parametrize("name", SERVICES)
def test_what_a_service_waits_for_exists_and_can_come_true(name: str) -> None:
    for other, how in SERVICES[name].get("depends_on", {}).items():
        assert other in SERVICES
        if how["condition"] == "service_healthy":
            assert "test" in SERVICES[other].get("healthcheck", {}), f"{other} has no health check to wait for"


def test_every_long_running_service_has_a_health_check() -> None:
    assert "HEALTHCHECK" in DOCKERFILE  # the app's, which worker and migrate turn off
    assert all("healthcheck" in service for name, service in SERVICES.items() if name != "app")


def test_named_volumes_are_declared_and_used() -> None:
    used = {volume.partition(":")[0] for service in SERVICES.values() for volume in service.get("volumes", [])}
    assert used == COMPOSE["volumes"].keys()


def test_ports_are_open_on_the_loopback_interface_alone() -> None:
    ports = [port for service in SERVICES.values() for port in service.get("ports", [])]
    assert ports
    assert [port for port in ports if not port.startswith("127.0.0.1:")] == []


def test_every_setting_that_is_given_exists_and_has_an_effect() -> None:
    known = {f"{PREFIX}{name.upper()}" for name in Settings.model_fields}
    idle = {f"{PREFIX}{name}" for name in NOT_YET_USED}
    given = {name for service in SERVICES.values() for name in _environment(service) if name.startswith(PREFIX)}
    given |= set(re.findall(rf"\b{PREFIX}\w+(?==)", DOCKERFILE))
    assert given - known - idle == set(), "the names in entrypoints/settings.py are the only ones"
    assert given & idle == set(), "these have no effect in this version: leave them out until they have"


def test_what_is_asked_of_the_environment_is_in_the_example() -> None:
    asked = {match[1] for match in VARIABLE.finditer(read("docker-compose.yml"))}
    asked |= {name for service in SERVICES.values() for name, value in _environment(service).items() if value is None}
    assert asked <= set(re.findall(r"^#(\w+)=", read(".env.example"), re.MULTILINE))


def test_it_does_not_start_without_its_secrets() -> None:
    app = _environment(SERVICES["app"])
    assert app["MOOTHALL_SECRET_KEY"].startswith("${MOOTHALL_SECRET_KEY:?")
    assert "${POSTGRES_PASSWORD:?" in app["MOOTHALL_DATABASE_URL"]


def test_its_settings_are_good_in_production(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    given = {"MOOTHALL_SECRET_KEY": "an-example-of-a-long-secret-0123456789", "POSTGRES_PASSWORD": "0123abcd"}
    monkeypatch.chdir(tmp_path)
    for name, value in _environment(SERVICES["app"]).items():
        if value is not None:
            monkeypatch.setenv(name, VARIABLE.sub(lambda match: given.get(match[1], match[3]), value))
    settings = Settings()
    assert settings.environment.value == "production"
    assert settings.database == "postgresql://moothall:0123abcd@postgres:5432/moothall"


@pytest.mark.parametrize("name", [name for name in SERVICES if SERVICES[name]["image"] == "moothall:local"])
def test_every_command_is_one_of_the_command_line(name: str, tmp_path: Path) -> None:
    assert_is_a_command(SERVICES[name]["command"], tmp_path)


def test_the_images_command_is_one_of_the_command_line(tmp_path: Path) -> None:
    assert_is_a_command(json.loads(re.findall(r"^CMD (\[.*\])$", DOCKERFILE, re.MULTILINE)[-1]), tmp_path)


def test_a_wrong_command_would_be_noticed(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="no-such"):
        assert_is_a_command(["moothall", "serve", "--no-such-option"], tmp_path)


def test_the_image_gets_what_it_copies() -> None:
    copied = {
        word
        for line in re.findall(r"^COPY (?!--from)(.*)$", DOCKERFILE, re.MULTILINE)
        for word in shlex.split(line)[:-1]
    }
    let_in = {line[1:] for line in read(".dockerignore").splitlines() if line.startswith("!")}
    assert copied == let_in, "Dockerfile and .dockerignore have to name the same files"
    assert [name for name in copied if not (REPOSITORY / name).exists()] == []


def test_the_image_does_not_run_as_root() -> None:
    last_stage = DOCKERFILE[DOCKERFILE.rindex("\nFROM ") :]
    assert re.findall(r"^USER (\S+)$", last_stage, re.MULTILINE) == ["moothall"]


def assert_is_a_command(words: list[str], cwd: Path) -> None:
    """`--help` at the end: nothing is started, but a command or an option that does not exist is refused."""
    assert words[0] == "moothall"
    asked = run_moothall(*words[1:], "--help", cwd=cwd)
    assert asked.returncode == 0, asked.stderr


def _environment(service: dict[str, Any]) -> dict[str, Any]:
    environment: dict[str, Any] = service.get("environment", {})
    return environment
