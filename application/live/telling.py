"""What was said within a unit of work is told once it is committed."""

from contextlib import AbstractAsyncContextManager
from types import TracebackType

from application.live.ports import Hub
from application.unit_of_work import Transactions, UnitOfWork


class TellingTransactions(Transactions):
    """Units of work of another one, whose `told` goes to the hub behind the commit; of what rolled back nothing does.
    Where nobody knows whether it was committed, nothing is told either: whoever listens looks into the store."""

    def __init__(self, transactions: Transactions, hub: Hub) -> None:
        self._transactions = transactions
        self._hub = hub

    def begin(self) -> AbstractAsyncContextManager[UnitOfWork]:
        return _Telling(self._transactions.begin(), self._hub)


class _Telling(AbstractAsyncContextManager[UnitOfWork]):
    """Written out, for every order goes through it: a generator would be one more to resume at each end."""

    __slots__ = ("_hub", "_inner", "_uow")

    def __init__(self, inner: AbstractAsyncContextManager[UnitOfWork], hub: Hub) -> None:
        self._inner = inner
        self._hub = hub

    async def __aenter__(self) -> UnitOfWork:
        self._uow = await self._inner.__aenter__()
        return self._uow

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> bool | None:
        is_suppressed = await self._inner.__aexit__(kind, error, traceback)
        if error is None:
            for told in self._uow.told:
                self._hub.publish(told)
        return is_suppressed
