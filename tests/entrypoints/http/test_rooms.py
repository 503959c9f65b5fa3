"""Rooms over HTTP, and what is said in them."""

import asyncio
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from application.identity.caller import Caller
from application.live.rooms import may_enter
from application.live.views import Numbered, RoomMessageView
from domain.access.permissions import covers
from domain.errors import Denied, Invalid, NotFound, Unauthenticated
from domain.live.room import LONGEST_TEXT
from tests.entrypoints.http.client import OPERATOR, Api, Tokens

FIELDS = {"id", "name", "title", "permission", "created_at"}
GOOD = {"name": "lounge", "title": "The lounge"}
AT_ONCE = 20


async def caller(api: Api, credential: Tokens | str) -> Caller:
    """As a live connection has them."""
    text = credential.access_token if isinstance(credential, Tokens) else credential
    return await api.application.identity.identify_caller(text)


async def say(api: Api, as_: Tokens, text: str = "Hello", room: str = "lounge") -> Numbered[RoomMessageView]:
    return await api.application.live.say((await caller(api, as_)).actor, room=room, text=text)


async def said(api: Api, room: str = "lounge") -> list[tuple[int, str]]:
    found = await api.application.live.list_messages(OPERATOR, room=room)
    return [(each.number, each.value.text) for each in found]


async def opened(api: Api, name: str = "lounge", **fields: Any) -> None:
    await api.application.live.create_room(OPERATOR, name=name, **{"title": "A room", **fields})


async def test_a_room_is_opened_shown_and_closed(api: Api) -> None:
    _, keeper = await api.staff("keeper", "rooms:create", "rooms:delete")
    _, ada = await api.member()
    made = await api.call("POST", "/rooms", as_=keeper, json=GOOD)
    assert made.status_code == 201, made.text
    assert set(made.json()) == FIELDS
    assert made.json()["permission"] is None
    assert (made.headers["location"], made.headers["etag"]) == ("/api/v1/rooms/lounge", '"1"')
    shown = await api.call("GET", "/rooms/lounge", as_=ada)
    assert (shown.json(), shown.headers["etag"]) == (made.json(), '"1"')
    assert (await api.call("GET", "/rooms", as_=ada)).json()["items"] == [made.json()]
    for etag, status in (('"2"', 412), ('W/"1"', 412), ('"1"', 204)):
        closed = await api.call("DELETE", "/rooms/lounge", as_=keeper, headers={"If-Match": etag})
        assert closed.status_code == status, etag
    for method in ("GET", "DELETE"):
        gone = await api.call(method, "/rooms/lounge", as_=keeper)
        assert (gone.status_code, gone.json()["code"]) == (404, "room-not-found")
    [deleted, created] = [e for e in await api.trail((await api.admin())[1]) if e["action"].startswith("room.")]
    assert (deleted["action"], created["action"]) == ("room.deleted", "room.created")
    assert [(each["subject"], each["item"]) for each in (deleted, created)] == [("lounge", made.json()["id"])] * 2


async def test_members_see_the_rooms_that_they_may_enter_and_no_others(api: Api) -> None:
    for name, permission in (("open", None), ("staff", "users:read"), ("bosses", "*"), ("writers", "posts:*")):
        await opened(api, name, permission=permission)
    _, ada = await api.member("ada")
    _, clerk = await api.staff("clerk", "users:*")
    _, writer = await api.staff("writer", "posts:*")
    _, root = await api.admin()
    sees = [
        (ada, ["open"]),
        (clerk, ["staff", "open"]),
        (writer, ["writers", "open"]),
        (root, ["writers", "bosses", "staff", "open"]),
    ]
    for who, names in sees:
        listed = (await api.call("GET", "/rooms", as_=who)).json()
        assert ([room["name"] for room in listed["items"]], listed["total"]) == (names, len(names))
        for name in ("open", "staff", "bosses", "writers"):
            answer = await api.call("GET", f"/rooms/{name}", as_=who)
            assert answer.status_code == (200 if name in names else 404), (name, answer.text)


async def test_who_may_close_rooms_closes_none_that_they_could_not_enter(api: Api) -> None:
    await opened(api, "bosses", permission="audit:read")
    _, keeper = await api.staff("keeper", "rooms:*")
    refused = await api.call("DELETE", "/rooms/bosses", as_=keeper)
    assert (refused.status_code, refused.json()["code"]) == (404, "room-not-found")
    assert (await api.application.live.show_room(OPERATOR, name="bosses")).value.name == "bosses"


async def test_nobody_opens_a_room_beyond_their_own_reach(api: Api) -> None:
    _, keeper = await api.staff("keeper", "rooms:create", "posts:*")
    for number, (permission, status, code) in enumerate(
        [
            ("posts:update", 201, None),
            ("posts:*", 201, None),
            ("users:read", 403, "beyond-your-rights"),
            ("*", 403, "beyond-your-rights"),
            ("posts:fly", 422, "unknown-permission"),
            ("", 422, "unknown-permission"),
            ("\0", 422, "unknown-permission"),
        ]
    ):
        body = {**GOOD, "name": f"r{number}", "permission": permission}
        answer = await api.call("POST", "/rooms", as_=keeper, json=body)
        assert (answer.status_code, answer.json().get("code")) == (status, code), permission
        if status == 422:
            assert [error["pointer"] for error in answer.json()["errors"]] == ["/permission"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("name", "Lounge"),
        ("name", "a b"),
        ("name", "-a"),
        ("name", "a--b"),
        ("name", "ä"),
        ("name", "x" * 51),
        ("name", "a\n"),
        ("name", "\0"),
        ("name", 1),
        ("title", ""),
        ("title", "a\nb"),
        ("title", "x" * 101),
        ("title", "\0"),
        ("title", None),
        ("permission", 1),
        ("id", "x"),
    ],
)
async def test_a_wrong_field_is_named(api: Api, field: str, value: object) -> None:
    _, keeper = await api.staff("keeper", "rooms:create")
    refused = await api.call("POST", "/rooms", as_=keeper, json={**GOOD, field: value})
    assert refused.status_code == 422, refused.text
    assert {error["pointer"] for error in refused.json()["errors"]} == {f"/{field}"}


async def test_a_name_is_taken_once(api: Api) -> None:
    _, keeper = await api.staff("keeper", "rooms:create")
    made = await asyncio.gather(*(api.call("POST", "/rooms", as_=keeper, json=GOOD) for _ in range(5)))
    assert sorted(answer.status_code for answer in made) == [201, 409, 409, 409, 409]
    assert {answer.json()["code"] for answer in made if answer.status_code == 409} == {"room-taken"}


async def test_a_repeated_request_opens_one_room(api: Api) -> None:
    _, keeper = await api.staff("keeper", "rooms:create")
    answers = [
        await api.call("POST", "/rooms", as_=keeper, json=GOOD, headers={"Idempotency-Key": "k"}) for _ in range(2)
    ]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].content == answers[1].content
    assert len((await api.call("GET", "/rooms", as_=keeper)).json()["items"]) == 1


async def test_rooms_come_in_pages(api: Api) -> None:
    for n in range(5):
        await opened(api, f"r{n}")
        api.clock.advance(seconds=1)
    _, ada = await api.member()
    first = (await api.call("GET", "/rooms", as_=ada, params={"page_size": 3, "cursor": ""})).json()
    rest = (await api.call("GET", "/rooms", as_=ada, params={"page_size": 3, "cursor": first["next_cursor"]})).json()
    assert [room["name"] for room in first["items"] + rest["items"]] == ["r4", "r3", "r2", "r1", "r0"]


# What is said


async def test_what_members_say_has_its_number_and_its_author(api: Api) -> None:
    await opened(api)
    user, ada = await api.member()
    text = " two\nlines 👋\t"
    found = await say(api, ada, text)
    assert (found.number, found.value.room, found.value.text) == (1, "lounge", text)
    assert (found.value.author.id, found.value.author.username) == (UUID(user["id"]), "ada")
    assert found.value.at == api.clock.now()
    assert await api.application.live.list_messages(OPERATOR, room="lounge") == [found]
    latest = [await say(api, ada, f"{n}") for n in range(3)]
    assert await api.application.live.list_messages(OPERATOR, room="lounge", limit=2) == latest[1:]
    trail = await api.trail((await api.admin())[1], actor=user["id"])
    assert not [entry for entry in trail if "room" in entry["action"] or "say" in entry["action"]]


async def test_of_many_who_speak_at_once_each_has_a_number_of_their_own(api: Api) -> None:
    await opened(api)
    members = [(await api.member(f"ada{n}"))[1] for n in range(4)]
    found = await asyncio.gather(*(say(api, members[n % 4], f"{n}") for n in range(AT_ONCE)))
    assert sorted(each.number for each in found) == list(range(1, AT_ONCE + 1))
    assert await said(api) == sorted((each.number, each.value.text) for each in found)
    times = [each.value.at for each in sorted(found, key=lambda each: each.number)]
    assert times == sorted(times)


@pytest.mark.parametrize("text", ["", " \n", "x" * (LONGEST_TEXT + 1), "a\0", "\ud800", "\x1b[0m"])
async def test_what_cannot_be_shown_is_not_said(api: Api, text: str) -> None:
    await opened(api)
    _, ada = await api.member()
    with pytest.raises(Invalid) as refused:
        await say(api, ada, text)
    assert [problem.pointer for problem in refused.value.problems] == ["/text"]
    assert await said(api) == []


async def test_members_speak_only_where_they_may_enter_at_that_moment(api: Api) -> None:
    await opened(api, "staff", permission="users:read")
    user, clerk = await api.staff("clerk", "users:read")
    _, ada = await api.member()
    connected = (await caller(api, clerk)).actor
    await api.application.live.say(connected, room="staff", text="Hello")
    for as_, room in ((ada, "staff"), (clerk, "nowhere"), (clerk, "\0")):
        with pytest.raises(NotFound) as refused:
            await say(api, as_, room=room)
        assert refused.value.code == "room-not-found"
    await api.give(user, "member")
    with pytest.raises(NotFound):
        await api.application.live.say(connected, room="staff", text="Still here")
    assert await said(api, "staff") == [(1, "Hello")]


async def test_nobody_speaks_but_the_member_in_person(api: Api) -> None:
    await opened(api)
    user, ada = await api.member()
    _, root = await api.admin()
    key = await api.key(ada)
    token = (await api.call("POST", f"/users/{user['id']}/impersonate", as_=root)).json()["access_token"]
    for credential in (key["key"], token):
        actor = (await caller(api, credential)).actor
        with pytest.raises(Denied) as refused:
            await api.application.live.say(actor, room="lounge", text="Hello")
        assert refused.value.code == "not-in-person"
    with pytest.raises(Denied):
        await api.application.live.say(OPERATOR, room="lounge", text="Hello")
    assert await said(api) == []


async def test_who_was_signed_out_says_nothing(api: Api) -> None:
    await opened(api)
    _, ada = await api.member()
    actor = (await caller(api, ada)).actor
    assert (await api.call("POST", "/auth/logout", as_=ada)).status_code == 204
    with pytest.raises(Unauthenticated) as refused:
        await api.application.live.say(actor, room="lounge", text="Hello")
    assert refused.value.code == "bad-token"
    assert await said(api) == []


async def test_the_export_has_what_one_said_and_it_goes_with_the_account(api: Api) -> None:
    await opened(api)
    _, ada = await api.member("ada")
    _, bob = await api.member("bob")
    mine, _ = await say(api, ada, "mine"), await say(api, bob, "his")
    exported = (await api.call("GET", "/users/me/export", as_=ada)).json()["messages"]
    assert [(each["id"], each["text"], each["room"]) for each in exported] == [(str(mine.value.id), "mine", "lounge")]
    assert (await api.call("DELETE", "/users/me", as_=ada)).status_code == 204
    assert await said(api) == [(2, "his")]


patterns = st.sampled_from(["users:read", "users:*", "posts:read", "*", "old:thing"])


@given(st.frozensets(patterns), st.none() | patterns)
def test_whoever_holds_what_a_room_asks_for_may_enter(held: frozenset[str], permission: str | None) -> None:
    assert may_enter(held, permission) == (permission is None or covers(held, permission))
