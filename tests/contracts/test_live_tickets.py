"""Tickets of live connections on each store: used once, or by one stream, and gone with their session."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from uuid import uuid4

from hypothesis import given
from hypothesis import strategies as st

from application.unit_of_work import UnitOfWork
from domain.identity.session import Session
from domain.live.ticket import GOOD_FOR, Ticket
from tests.contracts.builders import NOW, SECOND, a_session, a_user, add, examples, remove
from tests.stores import Store

AT_ONCE = 20


async def a_ticket(store: Store, session: Session, *, expires_at: datetime = NOW + GOOD_FOR) -> Ticket:
    made = Ticket(digest=uuid4().bytes * 2, user_id=session.user_id, session_id=session.id, expires_at=expires_at)
    async with store.transactions.begin() as uow:
        await uow.live_tickets.add(made)
    return made


async def signed_in(store: Store) -> Session:
    user = a_user(uuid4().hex)
    session = a_session(user)
    await add(store, user, sessions=[session])
    return session


async def take(store: Store, ticket: Ticket) -> Ticket | None:
    async with store.transactions.begin() as uow:
        return await uow.live_tickets.take(ticket.digest)


async def take_for_stream(store: Store, ticket: Ticket, now: datetime = NOW) -> Ticket | None:
    async with store.transactions.begin() as uow:
        return await uow.live_tickets.take_for_stream(ticket.digest, now)


async def test_of_many_who_take_a_ticket_at_once_one_gets_it(store: Store) -> None:
    ticket = await a_ticket(store, await signed_in(store))
    taken = await asyncio.gather(*(take(store, ticket) for _ in range(AT_ONCE)))
    assert [found for found in taken if found is not None] == [ticket]


async def test_a_streams_ticket_stays_its_own(store: Store) -> None:
    ticket = await a_ticket(store, await signed_in(store))
    first = await take_for_stream(store, ticket, NOW + SECOND)
    assert first is not None
    assert first.stream_at == NOW + SECOND
    assert await take(store, ticket) is None
    assert await take_for_stream(store, ticket, NOW + timedelta(days=1)) == first


async def test_a_ticket_is_a_sockets_or_a_streams_and_never_both(store: Store) -> None:
    ticket = await a_ticket(store, await signed_in(store))
    for_socket, for_stream = await asyncio.gather(
        asyncio.gather(*(take(store, ticket) for _ in range(AT_ONCE // 2))),
        asyncio.gather(*(take_for_stream(store, ticket) for _ in range(AT_ONCE // 2))),
    )
    sockets, streams = (sum(found is not None for found in taken) for taken in (for_socket, for_stream))
    assert (sockets == 1 and streams in range(AT_ONCE // 2)) or (sockets == 0 and streams == AT_ONCE // 2)
    if sockets:
        assert await take_for_stream(store, ticket) is None


async def test_a_ticket_that_ran_out_becomes_no_stream(store: Store) -> None:
    ticket = await a_ticket(store, await signed_in(store))
    assert await take_for_stream(store, ticket, ticket.expires_at) is None
    assert await take_for_stream(store, ticket, ticket.expires_at - SECOND) is not None
    assert await take_for_stream(store, ticket, ticket.expires_at) is not None


ENDS: dict[str, Callable[[UnitOfWork, Session], Awaitable[object]]] = {
    "ended": lambda uow, session: uow.sessions.remove(session.id),
    "all ended": lambda uow, session: uow.sessions.remove_all_of(session.user_id),
    "run out": lambda uow, session: uow.sessions.remove_expired(session.expires_at),
    "account gone": lambda uow, session: uow.users.remove(session.user_id),
}


async def test_tickets_go_with_their_session(store: Store) -> None:
    for end in ENDS.values():
        session = await signed_in(store)
        ticket, stream = await a_ticket(store, session), await a_ticket(store, session)
        await take_for_stream(store, stream)
        async with store.transactions.begin() as uow:
            await end(uow, session)
        assert await take(store, ticket) is None
        assert await take_for_stream(store, stream) is None


@examples
@given(st.lists(st.tuples(st.integers(-2, 2), st.booleans()), max_size=6))
async def test_those_that_ran_out_unused_are_swept(store: Store, made: list[tuple[int, bool]]) -> None:
    """Each by the second in which it runs out, and whether it is a stream's."""
    session = await signed_in(store)
    tickets = [await a_ticket(store, session, expires_at=NOW + seconds * SECOND) for seconds, _ in made]
    for ticket, (_, is_streams) in zip(tickets, made, strict=True):
        if is_streams:
            assert await take_for_stream(store, ticket, NOW - 10 * SECOND) is not None
    async with store.transactions.begin() as uow:
        swept = await uow.live_tickets.remove_expired(NOW)
    kept = [await take_for_stream(store, ticket, NOW - 10 * SECOND) is not None for ticket in tickets]
    user = a_user(id=session.user_id)
    await remove(store, user)
    assert kept == [is_streams or seconds > 0 for seconds, is_streams in made]
    assert swept == kept.count(False)
