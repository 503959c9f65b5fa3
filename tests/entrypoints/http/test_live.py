"""The live channel over real sockets, on each store: who may come, what they are told, how it ends (S36, S37)."""

import asyncio
import json

import pytest
from websockets.exceptions import InvalidStatus

from domain.live.room import KEPT, SHOWN_ON_JOINING
from entrypoints.settings import Settings
from tests.entrypoints.http.client import OPERATOR, Tokens
from tests.entrypoints.http.live import LiveServer, write_to


async def test_a_token_in_the_first_message_opens_it(live: LiveServer) -> None:
    user, tokens = await live.api.member()
    async with live.socket() as client:
        await client.send("auth", token=tokens.access_token)
        ready = await client.next()
    assert ready["type"] == "ready"
    assert ready["user"] == {"id": user["id"], "username": "ada", "full_name": "ada"}
    assert ready["unread"] == 0


async def test_a_ticket_opens_one_socket_once(live: LiveServer) -> None:
    _, tokens = await live.api.member()
    ticket = await live.ticket(tokens)
    async with live.socket(f"?ticket={ticket}") as client:
        await client.next("ready")
    async with live.socket(f"?ticket={ticket}") as again:
        assert await again.closed() == 4401


async def test_of_twenty_who_bring_one_ticket_one_gets_in(live: LiveServer) -> None:
    _, tokens = await live.api.member()
    ticket = await live.ticket(tokens)

    async def come() -> str:
        async with live.socket(f"?ticket={ticket}") as client:
            first = await client.next()
            return str(first["type"])

    outcomes = await asyncio.gather(*(come() for _ in range(20)))
    assert sorted(outcomes) == ["error"] * 19 + ["ready"]


async def test_a_ticket_is_good_for_thirty_seconds(live: LiveServer) -> None:
    _, tokens = await live.api.member()
    ticket = await live.ticket(tokens)
    live.api.clock.advance(seconds=31)
    async with live.socket(f"?ticket={ticket}") as client:
        assert await client.closed() == 4401


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ('{"type": "auth", "token": "garbage"}', 4401),
        ('{"type": "ping"}', 4401),
        ('{"type": "auth"}', 1008),
        ("[]", 1008),
        ("no json", 1008),
        ("[" * 30_000, 1008),
        (b"bytes", 1008),
        ("x" * 65_537, 1009),
    ],
)
async def test_who_does_not_say_who_they_are_is_put_out(live: LiveServer, said: str | bytes, code: int) -> None:
    async with live.socket() as client:
        await client.socket.send(said)
        assert await client.closed() == code


async def test_an_api_key_listens_and_does_not_speak(live: LiveServer) -> None:
    user, tokens = await live.api.member()
    _, root = await live.api.admin()
    await live.room(root)
    key = await live.api.key(tokens)
    async with live.socket() as client:
        await client.send("auth", token=key["key"])
        await client.next("ready")
        await write_to(live, user, "Hello")
        assert (await client.next("notification"))["title"] == "Hello"
        await client.join("lobby")
        await client.send("say", room="lobby", text="I am a program")
        assert (await client.next("error"))["code"] == "not-in-person"
        await live.api.call("DELETE", f"/api-keys/{key['id']}", as_=tokens)
        assert await client.closed() == 4401


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "http://127.0.0.1.evil.example", "null", "http://localhost"]
)
async def test_a_foreign_page_is_refused(live: LiveServer, origin: str) -> None:
    with pytest.raises(InvalidStatus) as refused:
        async with live.socket(origin=origin):
            pass
    assert refused.value.response.status_code == 403
    assert json.loads(refused.value.response.body or b"")["code"] == "foreign-origin"


async def test_who_asks_without_a_handshake_learns_that_it_is_a_socket(live: LiveServer) -> None:
    answer = await live.api.call("GET", "/live")
    assert (answer.status_code, answer.headers["Upgrade"]) == (426, "websocket")
    assert answer.json()["code"] == "upgrade-required"
    assert (await live.api.call("POST", "/live")).status_code == 405


async def test_pages_of_this_server_and_of_the_public_url_may_come(live: LiveServer, settings: Settings) -> None:
    for origin in (f"http://127.0.0.1:{live.port}", str(settings.public_url).rstrip("/")):
        async with live.socket(origin=origin):
            pass


async def test_what_a_member_is_told_comes_at_once_with_the_count(live: LiveServer) -> None:
    user, tokens = await live.api.member()
    async with live.client(tokens) as client:
        await write_to(live, user, "One")
        await write_to(live, user, "Two")
        first, second = await client.next("notification"), await client.next("notification")
        listed = (await live.api.call("GET", "/notifications", as_=tokens)).json()["items"]
        assert [first["title"], second["title"]] == ["One", "Two"]
        assert [first["unread"], second["unread"]] == [1, 2]
        assert {key: second[key] for key in listed[0]} == listed[0]
        await live.api.call("POST", f"/notifications/{second['id']}/read", as_=tokens)
        assert (await client.next("unread"))["unread"] == 1
        await live.api.call("POST", "/notifications/read-all", as_=tokens)
        assert (await client.next("unread"))["unread"] == 0


async def test_others_are_not_told(live: LiveServer) -> None:
    ada, _ = await live.api.member("ada")
    _, of_bob = await live.api.member("bob")
    async with live.client(of_bob) as bob:
        await write_to(live, ada, "Secret")
        assert await bob.everything_up_to_now() == []


async def test_whoever_comes_back_is_told_what_they_missed_and_then_goes_on(live: LiveServer) -> None:
    user, tokens = await live.api.member()
    async with live.client(tokens) as client:
        await write_to(live, user, "Seen")
        cursor = (await client.next("notification"))["cursor"]
    for number in range(25):
        await write_to(live, user, f"Missed {number}")
    async with live.client(tokens, since=cursor) as client:
        await write_to(live, user, "Live")
        missed = [await client.next("notification") for _ in range(26)]
        assert [message["title"] for message in missed] == [*(f"Missed {number}" for number in range(25)), "Live"]
        assert await client.everything_up_to_now() == []


async def test_a_cursor_that_is_too_old_is_told_so_and_it_goes_on(live: LiveServer) -> None:
    user, tokens = await live.api.member()
    async with live.client(tokens) as client:
        cursor = client.came[-1]["cursor"]
    await write_to(live, user, "Missed")
    live.api.clock.advance(days=29)
    tokens = await live.api.log_in("ada")
    async with live.client(tokens, since=cursor) as client:
        assert (await client.next("notification"))["title"] == "Missed"
    live.api.clock.advance(days=2)
    tokens = await live.api.log_in("ada")
    async with live.client(tokens, since=cursor) as client:
        assert (await client.next("error"))["code"] == "gap-too-old"
        await write_to(live, user, "Live")
        assert (await client.next("notification"))["title"] == "Live"


async def test_a_cursor_of_somebody_else_says_nothing(live: LiveServer) -> None:
    ada, of_ada = await live.api.member("ada")
    _, of_bob = await live.api.member("bob")
    async with live.client(of_bob) as bob:
        cursor = bob.came[-1]["cursor"]
    await write_to(live, ada, "Hello")
    async with live.client(of_ada, since=cursor) as client:
        assert await client.everything_up_to_now() == []


async def test_members_talk_in_a_room(live: LiveServer) -> None:
    _, root = await live.api.admin()
    ada, of_ada = await live.api.member("ada")
    bob, of_bob = await live.api.member("bob")
    await live.room(root)
    async with live.client(of_ada) as one, live.client(of_bob) as other:
        joined = await one.join("lobby")
        assert [person["id"] for person in joined["here"]] == [ada["id"]]
        joined = await other.join("lobby")
        assert {person["id"] for person in joined["here"]} == {ada["id"], bob["id"]}
        assert (await one.next("joined"))["user"]["id"] == bob["id"]
        said = await one.say("lobby", "Grüße 👋\nzweite Zeile")
        heard = await other.next("message")
        assert said == heard
        assert heard["from"] == {"id": ada["id"], "username": "ada", "full_name": "ada"}
        await other.send("leave", room="lobby")
        assert (await other.next("left"))["room"] == "lobby"
        left = await one.next("left")
        assert (left["user"]["id"], left["count"]) == (bob["id"], 1)
        await one.send("who", room="lobby")
        assert (await one.next("here"))["count"] == 1


async def test_two_windows_of_one_member_are_one_person(live: LiveServer) -> None:
    _, root = await live.api.admin()
    _, of_ada = await live.api.member("ada")
    _, of_bob = await live.api.member("bob")
    await live.room(root)
    async with live.client(of_bob) as bob:
        await bob.join("lobby")
        async with live.client(of_ada) as one:
            await one.join("lobby")
            async with live.client(of_ada) as other:
                assert (await other.join("lobby"))["count"] == 2
            await one.say("lobby", "still here")
        kinds = [await bob.next() for _ in range(3)]
    assert [message["type"] for message in kinds] == ["joined", "message", "left"]


async def test_the_last_fifty_messages_are_given_on_joining(live: LiveServer) -> None:
    _, root = await live.api.admin()
    user, tokens = await live.api.member()
    await live.room(root)
    async with live.client(tokens) as client:
        await client.join("lobby")
        for number in range(SHOWN_ON_JOINING + 3):
            await client.say("lobby", f"{number}")
    async with live.client(tokens) as client:
        joined = await client.join("lobby")
    assert [message["text"] for message in joined["messages"]] == [f"{n}" for n in range(3, SHOWN_ON_JOINING + 3)]
    assert {message["from"]["id"] for message in joined["messages"]} == {user["id"]}


async def test_a_room_goes_on_where_one_left_it(live: LiveServer) -> None:
    _, root = await live.api.admin()
    _, of_ada = await live.api.member("ada")
    _, of_bob = await live.api.member("bob")
    await live.room(root)
    async with live.client(of_ada) as ada:
        await ada.join("lobby")
        async with live.client(of_bob) as bob:
            await bob.join("lobby")
            await ada.say("lobby", "seen")
            cursor = (await bob.next("message"))["cursor"]
        for number in range(30):
            await ada.say("lobby", f"missed {number}")
        async with live.client(of_bob) as bob:
            assert (await bob.join("lobby", since=cursor))["messages"] == []
            await ada.say("lobby", "live")
            told = [(await bob.next("message"))["text"] for _ in range(31)]
            assert told == [*(f"missed {number}" for number in range(30)), "live"]


async def test_a_cursor_of_a_room_that_was_made_anew_is_none_of_it(live: LiveServer) -> None:
    _, root = await live.api.admin()
    await live.room(root)
    async with live.client(root) as client:
        cursor = (await client.join("lobby"))["cursor"]
    await live.api.call("DELETE", "/rooms/lobby", as_=root)
    await live.room(root)
    async with live.client(root) as client:
        await client.join("lobby")
        await client.say("lobby", "new")
    async with live.client(root) as client:
        joined = await client.join("lobby", since=cursor)
        assert [message["text"] for message in joined["messages"]] == ["new"]


async def test_too_much_missed_in_a_room_is_told_so(live: LiveServer) -> None:
    """As if so much had been said that the first of it is gone."""
    _, root = await live.api.admin()
    await live.room(root)
    async with live.client(root) as client:
        cursor = (await client.join("lobby"))["cursor"]
        say = live.api.application.live.say
        async with say.transactions.begin() as uow:
            room = await uow.rooms.get("lobby")
            assert room is not None
            for _ in range(KEPT + 1):
                await uow.rooms.next_number(room.id)
        await client.say("lobby", "the last")
    async with live.client(root) as client:
        joined = await client.join("lobby", since=cursor)
        assert [message["text"] for message in joined["messages"]] == ["the last"]
        assert (await client.next("error"))["code"] == "gap-too-old"
        assert (await client.say("lobby", "live"))["text"] == "live"


async def test_a_room_of_staff_is_closed_to_others_who_do_not_learn_of_it(live: LiveServer) -> None:
    _, root = await live.api.admin()
    _, of_ada = await live.api.member("ada")
    _, of_staff = await live.api.staff("staff", "users:read")
    await live.room(root, "office", permission="users:read")
    async with live.client(of_ada) as client:
        assert (await client.join("office"))["code"] == "room-not-found"
        assert (await client.join("nowhere"))["code"] == "room-not-found"
        await client.send("say", room="office", text="let me in")
        assert (await client.next("error"))["code"] == "not-in-room"
    async with live.client(of_staff) as client:
        assert (await client.join("office"))["type"] == "joined"


async def test_who_loses_a_right_is_put_out(live: LiveServer) -> None:
    """S36: demotion."""
    _, root = await live.api.admin()
    user, tokens = await live.api.staff("staff", "users:read")
    await live.room(root, "office", permission="users:read")
    async with live.client(tokens) as client:
        await client.join("office")
        await live.api.give(user, "member")
        assert await client.closed() == 4403


async def test_who_gains_a_right_stays_and_has_it(live: LiveServer) -> None:
    _, root = await live.api.admin()
    user, tokens = await live.api.member()
    await live.api.application.access.create_role(OPERATOR, name="staff", permissions=["users:read"])
    await live.room(root, "office", permission="users:read")
    async with live.client(tokens) as client:
        await live.api.give(user, "member", "staff")
        await live.api.application.live.switchboard.tick()
        assert (await client.join("office"))["type"] == "joined"


@pytest.mark.parametrize("how", ["logout", "others", "password", "disabled", "deleted", "expired"])
async def test_when_the_session_ends_it_is_closed(live: LiveServer, how: str) -> None:
    """S36: expiry, logout."""
    _, root = await live.api.admin()
    user, tokens = await live.api.member()
    async with live.client(tokens) as client:
        match how:
            case "logout":
                await live.api.call("POST", "/auth/logout", as_=tokens)
            case "others":
                await live.api.call("DELETE", "/auth/sessions", as_=await live.api.log_in("ada"))
            case "password":
                body = {"current_password": "violet-anchor-42-lamp", "new_password": "amber-harbour-17-kite"}
                await live.api.call("PUT", "/users/me/password", as_=await live.api.log_in("ada"), json=body)
            case "disabled":
                await live.api.call("PATCH", f"/users/{user['id']}", as_=root, json={"is_active": False})
            case "deleted":
                await live.api.call("DELETE", f"/users/{user['id']}", as_=root)
            case "expired":
                live.api.clock.advance(days=31)
        assert await client.closed() == 4401


async def test_it_lives_as_long_as_the_session_not_as_the_token(live: LiveServer) -> None:
    _, tokens = await live.api.member()
    async with live.client(tokens) as client:
        live.api.clock.advance(hours=1)
        await live.api.application.live.switchboard.tick()
        assert await client.everything_up_to_now() == []


async def test_a_room_that_is_closed_lets_everybody_go(live: LiveServer) -> None:
    _, root = await live.api.admin()
    _, tokens = await live.api.member()
    await live.room(root)
    async with live.client(tokens) as client:
        await client.join("lobby")
        await live.api.call("DELETE", "/rooms/lobby", as_=root)
        assert (await client.next("left"))["code"] == "room-closed"
        await client.send("say", room="lobby", text="anybody?")
        assert (await client.next("error"))["code"] == "not-in-room"


async def test_a_member_sees_how_far_a_job_is(live: LiveServer) -> None:
    _, root = await live.api.admin()
    async with live.client(root) as client:
        answer = await live.api.call("POST", "/notifications/broadcast", as_=root, json={"title": "Hi", "body": "All"})
        job_id = answer.json()["id"]
        assert (await client.next("job"))["status"] == "queued"
        async with live.client(root) as later:
            assert (await later.next("job"))["id"] == job_id
        await live.api.application.runner.drain()
        states = [message["status"] for message in [await client.next("job"), await client.next("job")]]
        assert states == ["running", "succeeded"]


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ({"type": "dance"}, "unknown-type"),
        ({"type": "join"}, "invalid-input"),
        ({"type": "join", "room": 7}, "invalid-input"),
        ({"type": "join", "room": "lobby", "extra": "x"}, "invalid-input"),
        ({"type": "join", "room": "lobby", "since": "garbage"}, "bad-cursor"),
        ({"type": "join", "room": "\0"}, "room-not-found"),
        ({"type": "join", "room": "\ud800"}, "room-not-found"),
        ({"type": "leave", "room": "lobby"}, "not-in-room"),
        ({"type": "who", "room": "lobby"}, "not-in-room"),
        ({"type": "auth", "token": "again"}, "already-signed-in"),
    ],
)
async def test_what_cannot_be_done_is_told_and_the_connection_stays(
    live: LiveServer, said: dict[str, object], code: str
) -> None:
    _, tokens = await live.api.member()
    async with live.client(tokens) as client:
        await client.socket.send(json.dumps(said))
        assert (await client.next("error"))["code"] == code
        assert await client.everything_up_to_now() == []


@pytest.mark.parametrize(
    ("text", "code"), [("", "empty-text"), ("x" * 4001, "text-too-long"), ("\ud800", "control-characters")]
)
async def test_what_cannot_be_said_is_told(live: LiveServer, text: str, code: str) -> None:
    _, root = await live.api.admin()
    await live.room(root)
    async with live.client(root) as client:
        await client.join("lobby")
        await client.send("say", room="lobby", text=text)
        assert (await client.next("error"))["code"] == code
        assert (await client.say("lobby", "😀" * 4000))["text"] == "😀" * 4000


async def test_everybody_hears_the_same_in_the_same_order(live: LiveServer) -> None:
    _, root = await live.api.admin()
    await live.room(root)
    members: list[Tokens] = [(await live.api.member(f"member{number}"))[1] for number in range(5)]

    async def talk(tokens: Tokens, number: int) -> list[str]:
        async with live.client(tokens) as client:
            await client.join("lobby")
            await ready.wait()
            for each in range(10):
                await client.send("say", room="lobby", text=f"{number}.{each}")
            return [(await client.next("message"))["text"] for _ in range(50)]

    ready = asyncio.Barrier(5)
    heard = await asyncio.gather(*(talk(tokens, number) for number, tokens in enumerate(members)))
    assert all(each == heard[0] for each in heard)
    assert sorted(heard[0]) == sorted(f"{n}.{each}" for n in range(5) for each in range(10))
