"""A client that goes from answer to answer, as schemathesis makes it up, signed in as an administrator."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, ClassVar

import hypothesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import CheckContext
from schemathesis.core.failures import Failure, FailureGroup
from schemathesis.core.transport import Response
from schemathesis.generation.case import Case
from schemathesis.generation.stateful import APIStateMachine
from schemathesis.specs.openapi.checks import ignored_auth

from adapters.mail import MemoryMailer
from entrypoints.settings import Settings
from tests.entrypoints.http.client import token_in
from tests.entrypoints.http.server import Server, run
from tests.limits import UNLIMITED
from tests.proof.description import FOR_SALE, schema
from tests.proof.excuses import Found, excuse
from tests.stores import MEMORY

PAGES = {
    "verify_email": "/verify-email?token=",
    "reset_password": "/reset-password?token=",
    "accept_invitation": "/accept-invitation?token=",
}
"""What the links lead to that are mailed for an operation."""
STEPS = 50
SCENARIOS_AT_ONCE = 20


@dataclass
class Outcome:
    """What was asked, what was answered, and what no check has an excuse for."""

    answers: dict[str, Counter[int]] = field(default_factory=dict)
    guarded: set[str] = field(default_factory=set)
    """The operations that were tried without credentials and with bad ones: once for each that did what it is for."""
    excused: Counter[str] = field(default_factory=Counter)
    found: dict[tuple[str, str, int, str | None], str] = field(default_factory=dict)

    @property
    def requests(self) -> int:
        return sum(sum(statuses.values()) for statuses in self.answers.values())

    def succeeded(self) -> set[str]:
        """The operations that did what they are for at least once."""
        return {name for name, statuses in self.answers.items() if any(status < 300 for status in statuses)}

    def note(self, found: Found) -> None:
        if reason := excuse(found):
            self.excused[reason] += 1
            return
        kind = type(found.failure).__name__, found.case.operation.label, found.response.status_code, found.code
        self.found.setdefault(kind, str(found))


@dataclass
class Place:
    """A server, and the mails that it sent."""

    server: Server
    mailer: MemoryMailer

    def link_token(self, page: str) -> str | None:
        """Of the latest mail with such a link."""
        for mail in reversed(self.mailer.sent):
            if page in mail.text.plain:
                return token_in(mail)
        return None


@contextmanager
def open_place(chosen: dict[str, Any], store: str) -> Iterator[Place]:
    """A shop with its shelves full. Webhooks lead to a port on which nobody listens."""
    mailer = MemoryMailer()
    options = Settings(bcrypt_cost=4, webhooks_to_loopback=True, **UNLIMITED, **chosen)
    with run(options, in_memory=store == MEMORY, mailer=mailer) as server:
        for sku in FOR_SALE:
            server.fill_shelf(sku)
        yield Place(server, mailer)


def explore(place: Place, *, requests: int, seed: int) -> Outcome:
    """Go on until so many requests were answered, with one seed after the other.

    What the server answers depends on all that was done before: when Hypothesis notices that, it begins anew.
    """
    outcome = Outcome()
    walker = _walker(place, outcome)
    while outcome.requests < requests:
        seed += 1
        try:
            hypothesis.seed(seed)(walker).run(
                settings=settings(
                    max_examples=SCENARIOS_AT_ONCE,
                    stateful_step_count=STEPS,
                    deadline=None,
                    database=None,
                    phases=[Phase.generate],
                    suppress_health_check=list(HealthCheck),
                )
            )
        except hypothesis.errors.Flaky:
            continue
    return outcome


def the_code_is_described(_: CheckContext, response: Response, case: Case) -> None:
    """Each answer of the description names the codes that it may carry."""
    described = case.operation.definition.raw["responses"].get(str(response.status_code), {})
    if "x-codes" in described:
        code = response.json()["code"]
        assert code in described["x-codes"], f"{code} is not among {', '.join(described['x-codes'])}."


def _walker(place: Place, outcome: Outcome) -> type[APIStateMachine]:
    machine: Any = schema().as_state_machine()

    class Walker(machine):  # type: ignore[misc]
        token: ClassVar[str] = ""
        number: ClassVar[int] = 0

        def setup(self) -> None:
            type(self).token = place.server.admin_token()
            type(self).number += 1
            self.callers: dict[str, str] = {}
            self.inactive: set[object] = set()

        def before_call(self, case: Case) -> None:
            self.callers[case.id] = self.token
            if case.meta is None or not case.meta.generation.mode.is_positive:
                return
            case.body = _whole(case.body)
            if "cursor" in case.query:
                case.query.pop("page", None)
            if case.headers.get("idempotency-key"):
                case.headers["idempotency-key"] = f"{self.number}-{case.headers['idempotency-key']}"
            name = case.operation.definition.raw["operationId"]
            if name in PAGES and isinstance(case.body, dict) and (token := place.link_token(PAGES[name])):
                case.body["token"] = token

        def get_call_kwargs(self, case: Case) -> dict[str, Any]:
            return {"base_url": place.server.url, "headers": {"Authorization": f"Bearer {self.token}"}}

        def after_call(self, response: Response, case: Case) -> None:
            super().after_call(response, case)
            outcome.answers.setdefault(case.operation.label, Counter())[response.status_code] += 1
            if response.status_code < 300 and isinstance(case.body, dict) and case.body.get("is_active") is False:
                self.inactive.add(response.json()["id"])
            if response.status_code == 401:
                type(self).token = place.server.admin_token()

        def validate_response(self, response: Response, case: Case, **options: Any) -> None:
            name = case.operation.label
            try:
                case.validate_response(
                    response,
                    additional_checks=[the_code_is_described],
                    excluded_checks=[ignored_auth] if name in outcome.guarded else [],
                    transport_kwargs=options or None,
                    recorder=self.recorder,
                )
                if response.status_code < 300:
                    outcome.guarded.add(name)
            except FailureGroup as group:
                for failure in group.exceptions:
                    assert isinstance(failure, Failure)
                    before = self.recorder.find_parent(case_id=case.id)
                    by_another = before is not None and self.callers.get(before.id) != self.token
                    of_inactive = not self.inactive.isdisjoint(case.path_parameters.values())
                    outcome.note(Found(failure, case, response, before is not None, by_another, of_inactive))

    return Walker


def _whole(value: Any) -> Any:
    """JSON Schema calls 1.0 an integer. We do not, and no client writes one so."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, dict):
        return {name: _whole(below) for name, below in value.items()}
    return [_whole(below) for below in value] if isinstance(value, list) else value
