"""Tickets: got over HTTP by who is signed in, and redeemed once, or by one stream."""

import asyncio
from datetime import datetime

import pytest
from sqlalchemy import select

from adapters.sql.tables import live_tickets
from application.identity.caller import Caller
from domain.access.actor import Origin
from domain.errors import Unauthenticated
from domain.live.ticket import GOOD_FOR
from tests.entrypoints.http.client import Api, Tokens
from tests.entrypoints.http.test_rooms import caller

AT_ONCE = 20
HERE = Origin("192.0.2.7", "browser", "r1")


async def a_ticket(api: Api, as_: Tokens) -> str:
    answer = await api.call("POST", "/live/tickets", as_=as_)
    assert answer.status_code == 200, answer.text
    ticket: str = answer.json()["ticket"]
    return ticket


async def redeem(api: Api, ticket: str, *, for_stream: bool = False) -> Caller | None:
    """None where it is not good."""
    try:
        return await api.application.live.redeem_ticket(ticket, for_stream=for_stream, origin=HERE)
    except Unauthenticated as error:
        if (error.code, error.presented) != ("bad-ticket", True):
            raise
        return None


async def test_a_ticket_is_told_once_and_kept_as_its_hash(api: Api) -> None:
    _, ada = await api.member()
    answer = await api.call("POST", "/live/tickets", as_=ada)
    body = answer.json()
    assert set(body) == {"ticket", "expires_at"}
    assert answer.headers["cache-control"] == "no-store"
    assert datetime.fromisoformat(body["expires_at"]) == api.clock.now() + GOOD_FOR
    assert len(body["ticket"]) == 43
    assert await a_ticket(api, ada) != body["ticket"]


async def test_it_makes_its_member_the_caller(api: Api) -> None:
    user, ada = await api.staff("ada", "users:read")
    found = await redeem(api, await a_ticket(api, ada))
    assert found is not None
    expected = await caller(api, ada)
    assert found.account == expected.account
    assert (found.actor.user_id, found.actor.session_id) == (expected.actor.user_id, expected.actor.session_id)
    assert (str(found.actor.user_id), found.actor.permissions) == (user["id"], frozenset({"users:read"}))
    assert (found.actor.signed_in_at, found.actor.origin) == (expected.actor.signed_in_at, HERE)


async def test_of_many_who_redeem_it_at_once_one_does(api: Api) -> None:
    _, ada = await api.member()
    ticket = await a_ticket(api, ada)
    found = await asyncio.gather(*(redeem(api, ticket) for _ in range(AT_ONCE)))
    assert sum(each is not None for each in found) == 1
    assert await redeem(api, ticket) is None
    assert await redeem(api, ticket, for_stream=True) is None


async def test_it_runs_out_after_half_a_minute(api: Api) -> None:
    _, ada = await api.member()
    early, late, stream = [await a_ticket(api, ada) for _ in range(3)]
    api.clock.advance(seconds=GOOD_FOR.total_seconds() - 1)
    assert await redeem(api, early) is not None
    api.clock.advance(seconds=1)
    assert await redeem(api, late) is None
    assert await redeem(api, stream, for_stream=True) is None


async def test_a_streams_ticket_is_good_for_its_reconnects_and_for_nothing_else(api: Api) -> None:
    _, ada = await api.member()
    ticket = await a_ticket(api, ada)
    assert await redeem(api, ticket, for_stream=True) is not None
    api.clock.advance(hours=1)
    assert await redeem(api, ticket, for_stream=True) is not None
    assert await redeem(api, ticket) is None
    assert (await api.call("POST", "/auth/refresh", json={"refresh_token": ada.refresh_token})).status_code == 200
    assert await redeem(api, ticket, for_stream=True) is not None


@pytest.mark.parametrize("for_stream", [False, True])
async def test_it_ends_with_its_session(api: Api, for_stream: bool) -> None:
    user, ada = await api.member()
    _, root = await api.admin()
    tickets = [await a_ticket(api, ada) for _ in range(2)]
    if for_stream:
        assert await redeem(api, tickets[0], for_stream=True) is not None
    assert (await api.call("POST", "/auth/logout", as_=ada)).status_code == 204
    assert [await redeem(api, ticket, for_stream=for_stream) for ticket in tickets] == [None, None]
    again = await api.log_in("ada")
    ticket = await a_ticket(api, again)
    changed = await api.call("PATCH", f"/users/{user['id']}", as_=root, json={"is_active": False})
    assert changed.status_code == 200, changed.text
    assert await redeem(api, ticket, for_stream=for_stream) is None


async def test_who_was_signed_out_meanwhile_gets_none(api: Api) -> None:
    _, ada = await api.member()
    actor = (await caller(api, ada)).actor
    await api.call("POST", "/auth/logout", as_=ada)
    with pytest.raises(Unauthenticated) as refused:
        await api.application.live.open_ticket(actor)
    assert refused.value.code == "bad-token"


async def test_signing_out_while_tickets_are_got_leaves_none_that_is_good(api: Api) -> None:
    for n in range(5):
        _, ada = await api.member(f"ada{n}")
        actor = (await caller(api, ada)).actor
        got, *_ = await asyncio.gather(
            asyncio.gather(*(api.application.live.open_ticket(actor) for _ in range(5)), return_exceptions=True),
            api.call("POST", "/auth/logout", as_=ada),
        )
        for each in got:
            assert isinstance(each, Unauthenticated) or await redeem(api, each.ticket) is None


async def test_only_a_member_in_person_gets_one(api: Api) -> None:
    user, ada = await api.member()
    _, root = await api.admin()
    key = await api.key(ada)
    token = (await api.call("POST", f"/users/{user['id']}/impersonate", as_=root)).json()["access_token"]
    for headers, status, code in (
        ({}, 401, "not-signed-in"),
        ({"X-API-Key": key["key"]}, 403, "not-in-person"),
        ({"Authorization": f"Bearer {token}"}, 403, "not-in-person"),
    ):
        refused = await api.call("POST", "/live/tickets", headers=headers)
        assert (refused.status_code, refused.json()["code"]) == (status, code)


@pytest.mark.parametrize("text", ["", "x", "\0", "\ud800", "ä" * 43, "A" * 10_000])
async def test_what_is_no_ticket_is_refused(api: Api, text: str) -> None:
    assert await redeem(api, text) is None
    assert await redeem(api, text, for_stream=True) is None


@pytest.mark.parametrize("store_name", ["sqlite", "postgresql"])
async def test_no_store_holds_the_text(api: Api, store_name: str) -> None:
    _, ada = await api.member()
    ticket = await a_ticket(api, ada)
    reader = vars(api.application.live.list_rooms.queries)["_reader"]
    [row] = await reader.search(select(live_tickets), {})
    assert ticket.encode() not in bytes(row.digest)
    assert len(row.digest) == 32
