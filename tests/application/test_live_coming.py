"""Coming into rooms, and coming back: what happens meanwhile is neither lost nor told wrongly."""

from functools import partial

import pytest

from domain.access.actor import Actor
from domain.errors import Conflict, NotFound
from domain.live.room import SHOWN_ON_JOINING
from tests.application.live_house import Client, House, cursors, then, turns


async def test_what_is_said_while_somebody_comes_is_told_to_all_in_the_room(house: House, ada: Actor) -> None:
    """More than is shown to who comes; and then some while that is told to the others."""
    before = await house.enter(ada, "before", "lobby")

    async def more_is_said() -> None:
        await house.say(ada, "last but one")
        await house.say(ada, "last")

    async def much_is_said() -> None:
        for number in range(SHOWN_ON_JOINING + 10):
            await house.say(ada, f"{number}")

    house.queries.meanwhile["before last_said"] = much_is_said
    house.queries.meanwhile["last_said"] = more_is_said
    after = await house.enter(ada, "after", "lobby")
    await turns()
    said = [*map(str, range(SHOWN_ON_JOINING + 10)), "last but one", "last"]
    assert before.all_of("message", "text") == said
    [shown] = after.all_of("joined", "messages")
    assert [message["text"] for message in shown] + after.all_of("message", "text") == said[-SHOWN_ON_JOINING:]


@pytest.mark.parametrize("on_its_way", ["room", "last_said", "said_after"])
@pytest.mark.parametrize("opens", [True, False])
async def test_a_room_that_is_closed_while_somebody_comes_keeps_nobody(
    house: House, ada: Actor, on_its_way: str, opens: bool
) -> None:
    before = await house.enter(ada, "before", "lobby")
    since = cursors(before) if on_its_way == "said_after" else {}
    after = Client(house.switchboard, ada, "after")
    if opens:
        await after.connection.open({})
    house.queries.meanwhile[on_its_way] = house.close
    with pytest.raises(NotFound):
        await after.connection.join("lobby", since)
    assert before.all_of("left", "code") == ["room-closed"]
    assert after.all_of("left", "code") == (["room-closed"] if on_its_way != "room" else [])
    with pytest.raises(Conflict):
        after.connection.who("lobby")
    assert len(after.all_of("joined", "here")) == (on_its_way == "said_after")


async def test_who_joins_many_rooms_takes_what_waits_before_each(house: House, ada: Actor) -> None:
    client = await house.enter(ada, "ada")
    waiting: list[int] = []

    async def drain() -> None:
        waiting.append(len(client.told))
        client.told.clear()

    client.drains = drain
    await house.rooms("r0", "r1")
    for room in ("lobby", "r0", "r1"):
        await client.connection.join(room, {})
    assert waiting == [1, 1, 1]


async def test_who_is_gone_joins_nothing(house: House, ada: Actor) -> None:
    other = await house.enter(ada, "other", "lobby")
    client = await house.enter(ada, "ada")

    async def leave() -> None:
        client.connection.close()

    client.drains = leave
    for _ in range(2):
        await client.connection.join("lobby", {})
    client.connection.close()
    other.connection.who("lobby")
    assert other.told[-1]["count"] == 1
    assert len(client.told) == 1


async def test_who_goes_while_they_come_is_not_there(house: House, ada: Actor) -> None:
    other = await house.enter(ada, "other", "lobby")
    client = await house.enter(ada, "ada")

    async def leave() -> None:
        client.connection.close()

    house.queries.meanwhile["last_said"] = leave
    with pytest.raises(NotFound):
        await client.connection.join("lobby", {})
    other.connection.who("lobby")
    assert other.told[-1]["count"] == 1


@pytest.mark.parametrize("others", [True, False])
@pytest.mark.parametrize("missed", [0, 3, 30])
@pytest.mark.parametrize(("reads", "more"), [(True, 0), (True, 2), (False, 11)])
async def test_who_comes_back_knows_how_many_are_unread(
    house: House, ada: Actor, missed: int, others: bool, reads: bool, more: int
) -> None:
    """Some are read, and some come, while they are told what they missed."""
    await house.notify(ada)
    other = await house.enter(ada, "other")
    since = cursors(other, "ready")
    if not others:
        other.connection.close()
    for _ in range(missed):
        await house.notify(ada)
    read = [partial(house.read_all, ada)] if reads else []
    house.queries.meanwhile["notifications_after"] = then(*read, *[partial(house.notify, ada)] * more)
    back = Client(house.switchboard, ada, "ada")
    await back.connection.open(since)
    await turns()
    assert len(back.all_of("notification", "id")) == missed + more
    assert [message["unread"] for message in back.told if "unread" in message][-1] == more + (
        0 if reads else 1 + missed
    )


async def test_who_comes_back_is_not_told_what_they_know(house: House, ada: Actor) -> None:
    since = cursors(await house.enter(ada, "ada", "lobby"), "ready")
    for _ in range(30):
        await house.notify(ada)
    house.queries.meanwhile["notifications_after"] = then(partial(house.notify, ada))
    back = Client(house.switchboard, ada, "ada")
    await back.connection.open(since)
    assert [message["type"] for message in back.told] == ["ready", *["notification"] * 31]


@pytest.mark.parametrize("moves", [True, False])
async def test_who_comes_back_into_a_room_knows_who_went_meanwhile(house: House, ada: Actor, moves: bool) -> None:
    since = cursors(await house.enter(ada, "first", "lobby"))
    other = await house.enter(ada, "other", "lobby")
    for number in range(30):
        await house.say(ada, f"{number}")

    async def other_leaves() -> None:
        if moves:
            other.connection.leave("lobby")

    house.queries.meanwhile["said_after"] = other_leaves
    back = await house.enter(ada, "back")
    await back.connection.join("lobby", since)
    assert back.all_of("joined", "count") == [3]
    assert len(back.all_of("message", "text")) == 30
    assert back.all_of("here", "count") == ([2] if moves else [])


async def test_who_goes_while_they_come_back_is_told_nothing_more(house: House, ada: Actor) -> None:
    other = await house.enter(ada, "other", "lobby")
    since = cursors(other)
    await house.say(ada, "missed")
    back = await house.enter(ada, "back")

    async def leave() -> None:
        back.connection.close()

    house.queries.meanwhile["said_after"] = leave
    await back.connection.join("lobby", since)
    await house.say(ada, "more")
    assert other.all_of("message", "text") == ["missed", "more"]
    found = await house.queries.room("lobby")
    assert found is not None
    assert len(house.switchboard.occupied(found).followers) == 1
