"""A gateway that takes no money, and does what the request says: for development and tests.

It calls back as real ones do: a JSON body, signed with HMAC-SHA-256 (RFC 2104) under a subkey of the installation's
secret. It charges nothing, so that to be asked twice with the same payment is to be asked once.
"""

import hmac
import json
from typing import Any
from uuid import UUID

from adapters.security.secrets import Keychain
from application.jobs.kinds import JobKind, Run
from application.orders.payments import TakePaymentNotice
from application.orders.ports import Notice, Outcome, PaymentGateway
from application.ports import Clock, Ids
from application.unit_of_work import Transactions
from domain.access.actor import ANONYMOUS
from domain.errors import Invalid, Unauthenticated
from domain.jobs.job import Job
from domain.orders.payment import LONGEST_REASON, LONGEST_REFERENCE, Payment, PaymentStatus

NAME = "sandbox"
CALLBACK = "sandbox-callback"
CALLBACKS = {"late": 1, "twice": 2}
"""How often it calls back, for what it is told to do and does not do at once."""
INSTRUCTIONS = ("succeed", "fail", *CALLBACKS)
SCHEME = "sha256="


class SandboxGateway(PaymentGateway):
    name = NAME

    def __init__(self, keys: Keychain, transactions: Transactions, clock: Clock, ids: Ids) -> None:
        self._keys = keys
        self._transactions = transactions
        self._clock = clock
        self._ids = ids

    def check(self, instruction: str | None) -> None:
        if instruction not in (None, *INSTRUCTIONS):
            raise Invalid.field("bad-instruction", "/outcome", f"The sandbox can: {', '.join(INSTRUCTIONS)}.")

    async def charge(self, payment: Payment, instruction: str | None) -> Outcome:
        """`late` and `twice` are called back by jobs, which the next worker does."""
        reference = f"sandbox-{payment.id}"
        if instruction == "fail":
            return Outcome(PaymentStatus.FAILED, reference, "The sandbox was told to fail.")
        if instruction not in CALLBACKS:
            return Outcome(PaymentStatus.SUCCEEDED, reference)
        now = self._clock.now()
        async with self._transactions.begin() as uow:
            for _ in range(CALLBACKS[instruction]):
                body = notice_of(payment, PaymentStatus.SUCCEEDED, reference).decode()
                await uow.jobs.add(
                    Job(id=self._ids.new(), kind=CALLBACK, args={"body": body}, created_at=now, due_at=now)
                )
        return Outcome(PaymentStatus.PENDING, reference)

    async def refund(self, payment: Payment) -> None:
        """There is nothing to give back."""

    def read(self, body: bytes, signature: str | None) -> Notice:
        good = [SCHEME + hmac.new(key.key, body, "sha256").hexdigest() for key in self._keys.by_id.values()]
        sent = (signature or "").encode()
        if not any(hmac.compare_digest(sent, signed.encode()) for signed in good):
            raise Unauthenticated("bad-signature", "This is not signed by the gateway.")
        return _notice(body)

    def sign(self, body: bytes) -> str:
        return SCHEME + hmac.new(self._keys.current.key, body, "sha256").hexdigest()

    def callbacks(self, take_notice: TakePaymentNotice) -> JobKind:
        """What calls back in the gateway's place."""

        async def work(run: Run) -> None:
            body = str(run.job.args["body"]).encode()
            await take_notice(ANONYMOUS, gateway=self.name, body=body, signature=self.sign(body))

        return JobKind(CALLBACK, work)


def notice_of(payment: Payment, status: PaymentStatus, reference: str, reason: str | None = None) -> bytes:
    """The body of a callback."""
    told = {
        "payment_id": str(payment.id),
        "status": status.value,
        "amount": payment.amount,
        "currency": payment.currency,
        "reference": reference,
        "reason": reason,
    }
    return json.dumps(told).encode()


def _notice(body: bytes) -> Notice:
    """Raises Invalid (`bad-notice`)."""
    try:
        told: Any = json.loads(body)
        status = PaymentStatus(told["status"])
        reference, reason = told["reference"], told.get("reason")
        amount, currency = told["amount"], told["currency"]
        if (
            status not in (PaymentStatus.SUCCEEDED, PaymentStatus.FAILED)
            or type(amount) is not int
            or not _is_text(currency, 3)
            or not _is_text(reference, LONGEST_REFERENCE)
            or not (reason is None or _is_text(reason, LONGEST_REASON))
        ):
            raise ValueError(status)
        return Notice(UUID(told["payment_id"]), Outcome(status, reference, reason), amount, currency)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise Invalid.field("bad-notice", "", "This is no notice of a payment.") from error


def _is_text(value: object, longest: int) -> bool:
    return isinstance(value, str) and 0 < len(value) <= longest and value.isprintable()
