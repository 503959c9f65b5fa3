"""Refreshing against signing out, and refreshing whose answer is lost (S13).

Somebody refreshes at one place while the session ends at the other: nothing that was minted on the way survives. And a
client that went away before its answer came asks again with the same token: it gets in.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.drills.client import Client, request
from tests.drills.processes import Outcome
from tests.drills.servers import PASSWORD, ROOT, Pair, a_member, pair_of

AT_ONCE = 8
MEMBERS = 4
LONGEST_PAUSE = 0.02
EVERYWHERE_WITHIN = 1.0
Tokens = Mapping[str, str]
End = Callable[[Client, Tokens], Awaitable[object]]


async def _log_out(place: Client, tokens: Tokens) -> None:
    await place.ask("POST", "/auth/logout", token=tokens["access_token"])


async def _revoke(place: Client, tokens: Tokens) -> None:
    await place.ask("POST", "/auth/revoke", form={"token": tokens["refresh_token"]})


ENDS: tuple[End, ...] = (_log_out, _revoke)


def drill(arrangement: str, trials: int, seed: int) -> list[Outcome]:
    """`tried` are sessions that ended while they were refreshed; then those of which an answer was lost."""
    with TemporaryDirectory() as name, pair_of(arrangement, Path(name)) as pair:
        return asyncio.run(_drill(arrangement, pair, trials, random.Random(seed)))


async def _drill(arrangement: str, pair: Pair, trials: int, chance: random.Random) -> list[Outcome]:
    admin = await pair.signed_in(ROOT)
    emails = [(await a_member(pair, admin)).email for _ in range(MEMBERS)]
    room = asyncio.Semaphore(AT_ONCE)
    minted: list[int] = []

    async def ended() -> str | None:
        async with room:
            return await _ended_meanwhile(pair, chance.choice(emails), chance, minted)

    async def lost() -> str | None:
        async with room:
            return await _answer_lost(pair, chance.choice(emails), chance)

    survived = await asyncio.gather(*(ended() for _ in range(trials)))
    refused = await asyncio.gather(*(lost() for _ in range(trials)))
    pair.close()
    return [
        Outcome(f"refresh against logout ({arrangement})", trials, [flaw for flaw in survived if flaw], _told(minted)),
        Outcome(f"refresh, its answer lost ({arrangement})", trials, [flaw for flaw in refused if flaw]),
    ]


def _told(minted: list[int]) -> str:
    return f"{sum(minted)} minted meanwhile"


async def _signed_in(place: Client, email: str) -> Tokens:
    tokens: Tokens = await place.post("/auth/login", status=200, form={"username": email, "password": PASSWORD})
    return tokens


async def _ended_meanwhile(pair: Pair, email: str, chance: random.Random, minted: list[int]) -> str | None:
    """Refreshed on and on here, ended there; then everything that was ever minted is tried at both places."""
    here, there = chance.sample([pair.one, pair.other], 2)
    known = [await _signed_in(here, email)]

    async def go_on() -> None:
        while True:
            answer = await here.ask("POST", "/auth/refresh", body={"refresh_token": known[-1]["refresh_token"]})
            if answer.status != 200:
                return
            known.append(answer.body)

    async def end() -> None:
        await asyncio.sleep(chance.uniform(0, LONGEST_PAUSE))
        await chance.choice(ENDS)(there, known[0])

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(go_on())
        tasks.create_task(end())
    minted.append(len(known) - 1)
    for place in (here, there):
        for tokens in known:
            again = await place.ask("POST", "/auth/refresh", body={"refresh_token": tokens["refresh_token"]})
            if again.status != 401:
                return f"a refresh token of {len(known)} still was good: {again.status}"
    await asyncio.sleep(EVERYWHERE_WITHIN)
    for place in (here, there):
        for tokens in known:
            if (read := await place.ask("GET", "/users/me", token=tokens["access_token"])).status != 401:
                return f"an access token of {len(known)} still was good: {read.status}"
    return None


async def _answer_lost(pair: Pair, email: str, chance: random.Random) -> str | None:
    """Who goes away before the answer, and asks again at the other place within the grace, goes on."""
    here, there = chance.sample([pair.one, pair.other], 2)
    token = (await _signed_in(here, email))["refresh_token"]
    connection = await here.opened()
    connection.say(request("POST", "/auth/refresh", body={"refresh_token": token}))
    await asyncio.sleep(chance.uniform(0, LONGEST_PAUSE))
    connection.close()
    first = await there.ask("POST", "/auth/refresh", body={"refresh_token": token})
    if first.status != 200:
        return f"{first.status} {first.content[:200]!r}"
    next_one = await there.ask("POST", "/auth/refresh", body={"refresh_token": first.body["refresh_token"]})
    return None if next_one.status == 200 else f"then {next_one.status} {next_one.content[:200]!r}"
