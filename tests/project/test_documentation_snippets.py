"""Every block of code in docs/ is run, or looked at as far as it can be run without what is not here."""

import ast
import csv
import io
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import jsonschema_rs
import pytest
import yaml

from application.imports.columns import OURS
from entrypoints.settings import PREFIX, Settings
from tests.limits import LIMITS_BY_DEFAULT, UNLIMITED_BY_ENVIRONMENT
from tests.project.club import CHEAP_HASHES
from tests.project.document_shells import Shell, a_database, unit_of
from tests.project.documents import Block, blocks, texts
from tests.project.places import REPOSITORY, environment, read
from tests.project.quick_moothall import quick_moothall
from tests.project.reference import cli
from tests.project.server import Server, serving
from tests.project.test_compose import SCHEMA
from tests.services import empty_redis_url, execute, postgres_url, wait_for
from tests.smtp_server import smtp_server

ADMIN, ADMINS_PASSWORD = "grace@example.com", "amber-harbour-17-kite"
PASSWORD = "violet-anchor-42-lamp"
YESTERDAY = (datetime.now(UTC) - timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%SZ")

ELSEWHERE: Mapping[str, str] = {
    "how-to/test-your-client.md": "tests/project/test_testers_examples.py",
    "how-to/write-an-adapter.md": "tests/project/test_own_adapter_example.py",
}
"""Pages that have a test of their own for all of their blocks, which names them."""

ALSO_ELSEWHERE: Mapping[tuple[str, str], str] = {
    ("live.md", "python"): "tests/project/test_live_snippets.py",
    ("live.md", "js"): "tests/browser/test_live_snippets.py",
    ("webhooks.md", "python"): "tests/project/test_webhooks_reference.py",
}
"""Blocks of one language of a page, and the test that runs them."""

LISTENERS = ("API=", "curl -N")
"""How the blocks of docs/live.md begin that tests/project/test_live_snippets.py runs: one does not end by itself."""

FIELD = """field() { python3 -c 'import json, sys; print(json.load(sys.stdin)[sys.argv[1]])' "$1"; }"""
FIRST = """first() { python3 -c 'import json, sys; print(json.load(sys.stdin)[0]["id"])'; }"""
MOOTHALL = "moothall --json --quiet"

ON_A_SERVER: Mapping[str, str] = {
    "access.md": "",
    "export.md": "ACCESS=$ADMIN",
    "imports.md": f"""
printf 'email,username\\nhedy@example.com,hedy\\nnobody,\\n' >members.csv
TOKEN=$ADMIN
IMPORT_ID=$({MOOTHALL} imports run members.csv --dry-run --watch | field id)""",
    "how-to/generate-a-client.md": "",
    "live.md": "",
    "mail.md": "",
    "notifications.md": f"""
moothall notifications send ada --title Hello --body World >/dev/null
NOTIFICATION_ID=$({MOOTHALL} notifications list --as ada | first)""",
    "orders.md": """
moothall products create mug-blue --name "Blue mug" --price 1250 --currency EUR --stock 10 >/dev/null""",
    "posts.md": f"""
echo "They dance." >bees.txt
POST_ID=$({MOOTHALL} posts create --as ada --title Draft --content-file bees.txt | field id)""",
    "profiles.md": """
python3 -c 'import base64, sys; sys.stdout.buffer.write(base64.b64decode(sys.argv[1]))' \\
  iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg== >me.jpg""",
    "webhooks.md": f"""
WEBHOOK_ID=$({MOOTHALL} webhooks create $RECEIVER --event 'post.*' | field id)
echo Bees | moothall posts create --as ada --title Bees --content-file - --publish >/dev/null
until {MOOTHALL} webhooks deliveries $WEBHOOK_ID --status delivered | first >delivery 2>/dev/null; do sleep 0.2; done
DELIVERY_ID=$(cat delivery)""",
}
"""What runs on one server that they share, and what each page takes for granted."""


@pytest.fixture(scope="module")
def moothall() -> Iterator[str]:
    with quick_moothall() as program:
        yield program


@pytest.fixture(scope="module")
def data(moothall: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An embedded installation with an administrator and a member."""
    folder = tmp_path_factory.mktemp("embedded")
    install(moothall, folder)
    ask(folder, "users", "create-admin", "--email", ADMIN, "--password-stdin", typed=ADMINS_PASSWORD)
    ask(
        folder, "users", "create", "--email", "ada@example.com", "--username", "ada", "--password-stdin", typed=PASSWORD
    )
    return folder / "moothall-data"


@pytest.fixture(scope="module")
def receiver() -> Iterator[str]:
    """Where webhooks may be sent to; it takes them all."""

    class Taking(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(204)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Taking)
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/hooks"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def club(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("club")
    shutil.copytree(data, folder / "data")
    with serving(folder, env={**CHEAP_HASHES, "MOOTHALL_WEBHOOKS_TO_LOOPBACK": "true"}) as server:
        yield server


@pytest.fixture
def shell(moothall: str, tmp_path: Path) -> Shell:
    """In an empty folder, with `moothall` on the PATH and in `.venv`."""
    install(moothall, tmp_path)
    return Shell(tmp_path, environment({**UNLIMITED_BY_ENVIRONMENT, **CHEAP_HASHES}))


def install(program: str, folder: Path) -> None:
    for name in ("bin", ".venv/bin"):
        command = folder / name / "moothall"
        command.parent.mkdir(parents=True)
        command.write_text(program, encoding="utf-8")
        command.chmod(0o755)


def ask(folder: Path, *words: str, typed: str) -> None:
    subprocess.run(
        [str(folder / "bin" / "moothall"), *words],
        cwd=folder,
        env=environment(CHEAP_HASHES),
        input=typed,
        text=True,
        capture_output=True,
        check=True,
        timeout=60,
    )


@pytest.mark.parametrize("page", ON_A_SERVER)
def test_what_pages_tell_runs_on_a_server(page: str, club: Server, shell: Shell, receiver: str) -> None:
    shell.env = {**club.env, "API": f"{club.url}/api/v1", "RECEIVER": receiver}
    shell.instead = {
        "https://club.example": club.url,
        "http://127.0.0.1:8000": club.url,
        "2026-11-21T09:00:00Z": YESTERDAY,
    }
    shell.skipped = tuple(block for block in blocks(page) if page == "live.md" and block.text.startswith(LISTENERS))
    shell.given = f"""
{FIELD}
{FIRST}
JSON='Content-Type: application/json'
ACCESS=$(curl -sS $API/auth/login -d username=ada -d password={PASSWORD} | field access_token)
ADMIN=$(curl -sS $API/auth/login -d username={ADMIN} -d password={ADMINS_PASSWORD} | field access_token)
{ON_A_SERVER[page]}"""
    shell.run(page)


def test_the_tutorial(shell: Shell) -> None:
    with serving(shell.folder, env={**LIMITS_BY_DEFAULT, "MOOTHALL_DATA_DIR": "moothall-data"}) as server:
        shell.env = {**server.env}
        shell.ports = {"8000": server.port}
        shell.run("tutorial.md")
    [said] = [block for block in blocks("tutorial.md") if block.text.startswith("Moothall at ")]
    before, _, after = shell.filled(said.text).strip().partition("…")
    [line] = [line for line in (shell.folder / "serve.log").read_text().splitlines() if line.startswith("Moothall at ")]
    assert line.startswith(before)
    assert line.endswith(after)


def test_how_to_deploy(shell: Shell, tmp_path: Path) -> None:
    with smtp_server(tmp_path / "mails") as mail, a_database() as database:
        shell.instead = {
            **database,
            "redis://127.0.0.1:6379/0": empty_redis_url(),
            "smtp://user:password@mail.example:587": mail.url,
        }
        shell.env = environment()
        shell.run("how-to/deploy.md")
        [message] = mail.wait_for(1)
    assert message["From"] == "Club <post@club.example>"


def test_how_to_run_several_machines(shell: Shell, tmp_path: Path) -> None:
    with a_database() as database:
        for statement in ("CREATE ROLE moothall", "CREATE DATABASE moothall OWNER moothall"):
            wait_for(execute(postgres_url(), database[statement] + (" LOGIN" if "ROLE" in statement else "")))
        shell.instead = {
            **database,
            "rediss://:a-password-of-your-own@redis.internal:6379/0": empty_redis_url(),
            "s3://club-files/moothall?region=eu-central-1": f"file://{tmp_path}/files",
        }
        shell.env = environment()
        shell.run("how-to/several-machines.md")


def test_how_to_move_to_postgresql(shell: Shell, data: Path) -> None:
    shutil.copytree(data, shell.folder / "moothall-data")
    with a_database() as database:
        shell.instead = database
        shell.run("how-to/move-to-postgresql.md")


@pytest.mark.parametrize("page", ["how-to/back-up.md", "how-to/import-members.md"])
def test_how_tos_of_an_embedded_start(page: str, shell: Shell, data: Path) -> None:
    shutil.copytree(data, shell.folder / "moothall-data")
    shell.run(page)


def test_how_to_rotate_keys(shell: Shell, data: Path) -> None:
    shutil.copytree(data, shell.folder / "moothall-data")
    shell.given = f"""
{FIELD}
WEBHOOK_ID=$({MOOTHALL} webhooks create https://example.com/hooks --event 'post.*' | field id)
KEY_ID=$({MOOTHALL} api-keys create --as ada --name old | field id)"""
    shell.run("how-to/rotate-keys.md")


RUN = {
    *ON_A_SERVER,
    "tutorial.md",
    "how-to/deploy.md",
    "how-to/several-machines.md",
    "how-to/move-to-postgresql.md",
    "how-to/back-up.md",
    "how-to/import-members.md",
    "how-to/rotate-keys.md",
}


def test_a_gateway_calls_back(club: Server, shell: Shell) -> None:
    """The program of docs/orders.md, for a payment of that amount."""
    [block] = [block for block in blocks("orders.md") if block.language == "python"]
    shell.env = {**club.env, "API": f"{club.url}/api/v1"}
    script = f"""
{FIELD}
moothall products create sandbox-mug --name Mug --price 1250 --currency EUR --stock 10 >/dev/null
ORDER=$({MOOTHALL} orders place --as ada sandbox-mug=2 | field id)
ACCESS=$(curl -sS $API/auth/login -d username=ada -d password={PASSWORD} | field access_token)
curl -sS -o /dev/null -H "Authorization: Bearer $ACCESS" -H 'Content-Type: application/json' \\
  $API/orders/$ORDER/pay -d '{{"gateway": "sandbox", "outcome": "succeed"}}'
moothall users personal-data ada"""
    ran = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=shell.folder,
        env={**shell.env, "PATH": f"{shell.folder / 'bin'}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert ran.returncode == 0, ran.stderr
    [payment] = [found for found in json.loads(ran.stdout)["payments"] if found["amount"] == 2500]
    program = block.text.replace('"…"', json.dumps(payment["id"])).replace("http://127.0.0.1:8000", club.url)
    program = program.replace('"what the gateway calls it"', json.dumps(payment["reference"]))
    secret = (club.folder / "data" / "secret.key").read_text().strip()
    called = subprocess.run(
        [sys.executable, "-c", program],
        env={**environment(), "MOOTHALL_SECRET_KEY": secret},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert called.returncode == 0, called.stderr


def test_the_template_of_a_mail_is_one(shell: Shell) -> None:
    [block] = [block for block in blocks("mail.md") if block.language == "jinja"]
    template = shell.folder / "templates" / "en" / "welcome.j2"
    template.parent.mkdir(parents=True)
    template.write_text(block.text, encoding="utf-8")
    ran = subprocess.run(
        [str(shell.folder / "bin" / "moothall"), "mail", "preview", "welcome"],
        cwd=shell.folder,
        env={**shell.env, "MOOTHALL_MAIL_TEMPLATES": str(template.parents[1])},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert ran.returncode == 0, ran.stderr
    assert "We meet on Thursdays." in ran.stdout


# What cannot be run here is looked at, by its language.


def _looks_like_a_shell_script(block: Block) -> None:
    checked = subprocess.run(["bash", "-n", "-c", block.text], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, f"{block.place}: {checked.stderr}"
    for words in commands_in(block.text):
        assert_there_is(words, block)
    targets = set(re.findall(r"^([a-z-]+):", read("Makefile"), re.MULTILINE))
    assert set(re.findall(r"^make ([a-z-]+)", block.text, re.MULTILINE)) <= targets, block.place
    locks = set(re.findall(r"[\w-]+\.lock", block.text))
    assert [name for name in locks if not (REPOSITORY / name).is_file()] == [], block.place


def _is_a_unit_or_settings(block: Block) -> None:
    if block.text.startswith("["):
        unit = unit_of(block.text)
        assert unit.sections() == ["Unit", "Service", "Install"], block.place
        assert_there_is(unit["Service"]["ExecStart"].partition("moothall ")[2].split(), block)
        return
    given = dict(line.split("=", 1) for line in block.text.splitlines())
    names = {name.removeprefix(PREFIX).lower(): value for name, value in given.items()}
    assert names.keys() <= Settings.model_fields.keys(), block.place
    Settings.model_validate(names)


def _is_a_table_of_members(block: Block) -> None:
    rows = list(csv.DictReader(io.StringIO(block.text)))
    assert rows, block.place
    assert set(rows[0]) <= set(OURS), block.place


def _keeps_to_compose(block: Block) -> None:
    """Beside our own file, whose services it changes."""
    more = yaml.safe_load(block.text)
    validator = jsonschema_rs.validator_for(json.loads(SCHEMA.read_text(encoding="utf-8")))
    assert [error.message for error in validator.iter_errors(more)] == [], block.place
    ours = yaml.safe_load(read("docker-compose.yml"))["services"]
    for name, service in more["services"].items():
        assert name in ours, block.place
        given = {key.removeprefix(PREFIX).lower(): value for key, value in service.get("environment", {}).items()}
        assert given.keys() <= Settings.model_fields.keys(), block.place
        Settings.model_validate(given)


def _is_a_configuration_of_nginx(block: Block) -> None:
    """Braces are closed, and every directive ends."""
    assert block.text.count("{") == block.text.count("}"), block.place
    ends = [line for line in map(str.strip, block.text.splitlines()) if line and not line.endswith(("{", "}", ";"))]
    assert ends == [], block.place


def _is_a_line_of_cron(block: Block) -> None:
    for line in block.text.splitlines():
        *times, command = line.split(maxsplit=5)
        assert len(times) == 5, block.place
        assert all(re.fullmatch(r"[\d*/,-]+", time) for time in times), block.place
        assert re.search(r"(?<!\\)%", command) is None, f"{block.place}: cron takes a bare % for the end of the line"
        _looks_like_a_shell_script(Block(block.page, block.line, "sh", command.replace(r"\%", "%"), False))


def _is_python(block: Block) -> None:
    """A fragment: statements, or what stands within a table or an async function."""
    indented = "".join(f"    {line}" for line in block.text.splitlines(keepends=True))
    for form in (block.text, f"{{\n{block.text}}}", f"async def within():\n{indented}"):
        try:
            ast.parse(form)
            return
        except SyntaxError:
            continue
    raise AssertionError(f"{block.place} is no Python")


def _is_json(block: Block) -> None:
    json.loads(block.text)


def _is_shown(_: Block) -> None:
    """What is printed, or a drawing."""


LOOKED_AT: Mapping[str, Callable[[Block], None]] = {
    "sh": _looks_like_a_shell_script,
    "ini": _is_a_unit_or_settings,
    "csv": _is_a_table_of_members,
    "yaml": _keeps_to_compose,
    "nginx": _is_a_configuration_of_nginx,
    "cron": _is_a_line_of_cron,
    "python": _is_python,
    "json": _is_json,
    "text": _is_shown,
}


@pytest.mark.parametrize("page", sorted(texts()))
def test_no_block_is_left_unexamined(page: str) -> None:
    if page in ELSEWHERE:
        assert Path(page).name in read(ELSEWHERE[page]), f"{ELSEWHERE[page]} has to name {page}"
        return
    for block in blocks(page):
        if (page, block.language) in ALSO_ELSEWHERE:
            assert (REPOSITORY / ALSO_ELSEWHERE[page, block.language]).is_file()
        elif block.language in ("bash", "sql"):
            assert page in RUN, f"{block.place}: say in RUN how this page is run, or call it sh"
        elif block.language == "jinja":
            assert page == "mail.md", block.place
        else:
            assert block.language in LOOKED_AT, f"{block.place}: nobody knows what to do with {block.language!r}"
            LOOKED_AT[block.language](block)


@pytest.mark.parametrize("page", sorted(set(texts()) - set(ELSEWHERE)))
def test_commands_in_sentences_exist(page: str) -> None:
    """`moothall users list`, wherever a page says so."""
    for line, text in enumerate(texts()[page].splitlines(), start=1):
        for said in re.findall(r"`(moothall [^`…]+)`", text):
            assert_there_is(said.split()[1:], Block(page, line, "sh", said, False))


def commands_in(script: str) -> Iterator[list[str]]:
    """The words behind each `moothall`."""
    joined = script.replace("\\\n", " ")
    for line in joined.splitlines():
        code = re.sub(r"(^|\s)#.*$", "", line)
        for found in re.finditer(r"(?:^|[|;(&] ?|bin/|exec app |[A-Z_]+=\S+ )moothall((?: [^|&;)<>]+)?)", code):
            yield found[1].split()


def assert_there_is(words: list[str], block: Block) -> None:
    """The noun, the verb and every option; an option is whole, and none of its values is looked at."""
    rest = [word for word in words if word not in ("--json", "--quiet", "--yes", "--help", "-h", "--version")]
    if not rest or not re.fullmatch(r"[a-z-]+", rest[0]):
        return
    known = VERBS()
    name = " ".join(rest[:2]) if " ".join(rest[:2]) in known else rest[0]
    nouns = {words.split()[0] for words in known}
    assert name in known or (name in nouns and len(rest) == 1), (
        f"{block.place}: there is no moothall {' '.join(rest[:2])}"
    )
    if name in known:
        options = {word.partition("=")[0] for word in rest if re.match(r"--?[a-z]", word)}
        assert options <= known[name], (
            f"{block.place}: moothall {name} has no {', '.join(sorted(options - known[name]))}"
        )


_verbs: dict[str, set[str]] = {}


def VERBS() -> dict[str, set[str]]:  # noqa: N802
    """Every command with its options, found once."""
    if not _verbs:
        for name, command in cli.verbs():
            _verbs[name] = {
                option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)
            }
    return _verbs
