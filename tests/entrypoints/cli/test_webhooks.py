"""`moothall webhooks`."""

import asyncio
import json
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
import uvicorn

from application.app import Application
from domain.webhooks.signature import signature
from entrypoints.cli.listening import LARGEST_BODY, Message, _Receiver
from entrypoints.cli.output import Output
from tests.entrypoints.cli.command import OPERATOR, Moothall, Program
from tests.webhook_receiver import answering, receiving

URL = "https://192.0.66.1/hook"
SECRET = "whsec_kuHwIQ4BX2m5LASpfUnJKOdfV/d+M7QNMfHUxQYtq7o="


def made(moothall: Moothall, url: str = URL, *events: str) -> dict[str, Any]:
    options = [word for event in events or ("*",) for word in ("--event", event)]
    found: dict[str, Any] = moothall.good("--json", "webhooks", "create", url, *options).json
    return found


def test_a_webhook_is_made_shown_changed_and_deleted(moothall: Moothall) -> None:
    webhook = made(moothall, URL, "order.*", "user.created")
    secret = webhook.pop("secret")
    assert secret.startswith("whsec_")
    shown = moothall.good("--json", "webhooks", "show", webhook["id"])
    assert shown.json == webhook
    assert secret not in shown.out
    changed = moothall.good(
        "--json", "webhooks", "update", webhook["id"], "--event", "*", "--description", "The warehouse.", "--inactive"
    ).json
    assert (changed["events"], changed["description"], changed["is_active"]) == (["*"], "The warehouse.", False)
    line = f"{webhook['id']}\t{URL}\t*\tno\tIt was switched off.\n"
    assert moothall.good("webhooks", "list").out == line
    assert moothall.good("--json", "webhooks", "update", webhook["id"], "--description", "").json["description"] is None
    assert moothall("webhooks", "delete", webhook["id"]).code == 2, "it asks first"
    assert moothall.good("--yes", "webhooks", "delete", webhook["id"]).err.startswith("Deleted the webhook")
    assert moothall("webhooks", "show", webhook["id"]).code == 3
    assert moothall.good("--json", "webhooks", "list").json == []


def test_a_secret_is_shown_anew_when_it_is_rotated(moothall: Moothall) -> None:
    webhook = made(moothall)
    rotated = moothall.good("--json", "webhooks", "rotate-secret", webhook["id"]).json
    assert rotated["secret"] != webhook["secret"]
    assert rotated["overlap_until"] is not None


@pytest.mark.parametrize(
    "words",
    [
        ("create", URL),
        ("create", "--event", "*"),
        ("update", str(uuid4())),
        ("replay", str(uuid4())),
        ("replay", str(uuid4()), str(uuid4()), "--since", "2026-11-21T09:00:00Z"),
        ("replay", str(uuid4()), str(uuid4()), "--status", "failed"),
        ("replay", str(uuid4()), "--since", "yesterday"),
        ("deliveries", str(uuid4()), "--status", "lost"),
        ("listen", "--port", "99999"),
        ("listen",),
        ("listen", "--secret-file", "nowhere"),
        ("listen", "--secret-stdin", "--secret-file", "nowhere"),
    ],
)
def test_what_is_to_be_done_has_to_be_clear(moothall: Moothall, words: tuple[str, ...]) -> None:
    assert moothall("webhooks", *words).code == 2


def test_what_leads_within_is_refused(moothall: Moothall) -> None:
    outcome = moothall("--json", "webhooks", "create", "http://169.254.169.254/", "--event", "*")
    assert outcome.error["code"] == "internal-address"


def _sent(moothall: Moothall, *statuses: int) -> dict[str, Any]:
    """A webhook to which something was sent, and answered so."""
    moothall.setting(WEBHOOKS_TO_LOOPBACK="true")

    async def work(application: Application) -> UUID:
        async with receiving() as receiver:
            webhook = await application.webhooks.create_webhook(OPERATOR, url=receiver.url, events=["product.*"])
            for number, status in enumerate(statuses):
                receiver.usually = answering(status)
                await application.products.create_product(OPERATOR, sku=f"p{number}", name="x", price=1, currency="EUR")
                await application.runner.drain()
        return webhook.value.id

    return {"id": str(moothall.behind(work))}


def test_what_was_sent_is_listed_and_shown(moothall: Moothall) -> None:
    webhook = _sent(moothall, 204, 410)
    columns = [line.split("\t") for line in moothall.good("webhooks", "deliveries", webhook["id"]).out.splitlines()]
    assert [(row[2], row[4], row[5], row[6]) for row in columns] == [
        ("product.created", "failed", "1", "410"),
        ("product.created", "delivered", "1", "204"),
    ]
    failed = moothall.good("--json", "webhooks", "deliveries", webhook["id"], "--status", "failed").json
    assert [row["id"] for row in failed] == [columns[0][0]]
    assert moothall.good("--json", "webhooks", "deliveries", webhook["id"], "--event", "order.paid").json == []
    one = moothall.good("--json", "webhooks", "deliveries", webhook["id"], "--show", columns[1][0]).json
    assert json.loads(one["body"])["type"] == "product.created"
    assert moothall("webhooks", "deliveries", str(uuid4())).code == 3


def test_one_or_a_span_is_sent_once_more(moothall: Moothall) -> None:
    webhook = _sent(moothall, 204, 410)
    [failed] = moothall.good("--json", "webhooks", "deliveries", webhook["id"], "--status", "failed").json
    refused = moothall("--json", "webhooks", "replay", webhook["id"], failed["id"])
    assert refused.error["code"] == "webhook-disabled"
    moothall.good("webhooks", "update", webhook["id"], "--active")
    assert moothall.good("--json", "webhooks", "replay", webhook["id"], failed["id"]).json["status"] == "pending"
    since = (datetime.now(UTC) - timedelta(hours=1)).isoformat()
    asked = moothall.good("--json", "webhooks", "replay", webhook["id"], "--since", since, "--status", "delivered")
    assert "--watch" in asked.err
    moothall.good("worker", "--once")
    job = moothall.good("--json", "jobs", "show", asked.json["id"]).json
    assert (job["status"], job["result"]) == ("succeeded", {"deliveries": 1})


# listen


@contextmanager
def listening(*options: str, secret: str = SECRET) -> Iterator[tuple[Program, str]]:
    """The program, and where it listens."""
    os.environ["WEBHOOK_SECRET"] = secret
    try:
        program = Program(*options[:1], "webhooks", "listen", "--port", "0", *options[1:])
    finally:
        del os.environ["WEBHOOK_SECRET"]
    try:
        said = program.expect("Ctrl-C ends it.")
        yield program, said.split("Listening at ")[1].split(";")[0]
    finally:
        program.process.kill()
        program.process.communicate()


def post(url: str, body: bytes, *, message_id: str = "m1", secret: str = SECRET, late: int = 0) -> int:
    timestamp = str(int(datetime.now(UTC).timestamp()) - late)
    headers = {
        "webhook-id": message_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": signature(secret, message_id, timestamp, body),
    }
    return httpx.post(url, content=body, headers=headers).status_code


BODY = b'{"type":"order.paid","timestamp":"2026-11-21T09:30:00Z","data":{"order_id":"1"}}'


def test_what_comes_is_printed_and_judged(moothall: Moothall) -> None:
    other = "whsec_" + "A" * 43 + "="
    with listening("--json", "--count", "6") as (program, url):
        assert url.startswith("http://127.0.0.1:")
        assert httpx.get(url).status_code == 405
        assert post(url, b"x" * (LARGEST_BODY + 1)) == 413
        assert [post(url, BODY) for _ in range(2)] == [204, 204]
        assert post(url, BODY, secret=other, message_id="m2") == 400
        assert post(url, BODY, late=400, message_id="m2") == 400
        assert httpx.post(url, content=b"nonsense").status_code == 400
        assert post(url, BODY, message_id="m2") == 204
        outcome = program.end()
    assert outcome.code == 0
    lines = [json.loads(line) for line in outcome.out.splitlines()]
    assert [(line["id"], line["verified"], line["repeat"]) for line in lines] == [
        ("m1", True, False),
        ("m1", True, True),
        ("m2", False, False),
        ("m2", False, False),
        ("", False, False),
        ("m2", True, False),
    ]
    assert [line["error"] and line["error"].split()[1] for line in lines] == [
        None, None, "signature", "timestamp", "is", None,
    ]  # fmt: skip
    assert lines[0]["type"] == "order.paid"
    assert lines[0]["body"] == json.loads(BODY)
    assert lines[4]["body"] == "nonsense"
    assert SECRET not in outcome.out + outcome.err


async def test_more_at_once_than_were_counted_end_it_too() -> None:
    receiver = _Receiver(Output(), SECRET, 1)
    receiver._server = uvicorn.Server(uvicorn.Config(receiver))
    both_came = asyncio.Barrier(2)

    async def receive() -> Message:
        return {"type": "http.request", "body": BODY, "more_body": False}

    async def send(message: Message) -> None:
        if message["type"] == "http.response.body":
            await both_came.wait()

    scope: Message = {"type": "http", "method": "POST", "headers": []}
    async with asyncio.TaskGroup() as tasks:
        for _ in range(2):
            tasks.create_task(receiver(scope, receive, send))
    assert receiver._server.should_exit


def test_for_people_it_is_a_line_each_and_ctrl_c_ends_it(moothall: Moothall) -> None:
    with listening("--yes") as (program, url):
        assert post(url, b'{"type":"x\\u001b"}\x1b') == 204
        assert post(url, BODY, secret="whsec_" + "A" * 44) == 400
        outcome = program.end(signal.SIGINT)
    assert outcome.code == 130
    good, bad = outcome.out.splitlines()
    assert good == 'm1\tverified\t{"type":"x\\u001b"}\\x1b'
    assert "NOT GOOD: the signature is none of this secret" in bad
    assert "Traceback" not in outcome.err


def test_the_secret_comes_from_a_file_or_standard_input(moothall: Moothall, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("nothing like it\n")
    refused = moothall("webhooks", "listen", "--secret-file", str(tmp_path / "secret"))
    assert (refused.code, "whsec_" in refused.err) == (2, True)
    assert moothall("webhooks", "listen", "--secret-stdin", stdin="whsec_???\n").code == 2
    (tmp_path / "secret").write_text(SECRET + "\n")
    program = Program("webhooks", "listen", "--port", "0", "--count", "1", "--secret-file", str(tmp_path / "secret"))
    url = program.expect("Ctrl-C ends it.").split("Listening at ")[1].split(";")[0]
    assert post(url, BODY) == 204
    assert program.end().code == 0


def test_what_moothall_sends_is_good_to_who_listens(moothall: Moothall) -> None:
    """The whole way, with both ends ours: the secret is what creating told."""
    moothall.setting(WEBHOOKS_TO_LOOPBACK="true")
    webhook = made(moothall, URL, "user.created")
    with listening("--json", "--count", "1", secret=webhook["secret"]) as (program, url):
        moothall.good("webhooks", "update", webhook["id"], "--url", url)
        moothall.user("ada")
        moothall.good("worker", "--once")
        outcome = program.end()
    [line] = [json.loads(text) for text in outcome.out.splitlines()]
    assert (line["type"], line["verified"], line["repeat"]) == ("user.created", True, False)
