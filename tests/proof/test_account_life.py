"""The whole life of accounts on memory, SQLite and PostgreSQL at once: each step ends on all as the model says."""

import asyncio
import os
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import AsyncExitStack
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from adapters.mail import MemoryMailer
from domain.access.actor import ANONYMOUS, Origin, anonymous
from domain.errors import MoothallError
from entrypoints.bootstrap import open_application
from entrypoints.settings import Settings
from tests.clock import OwnClock
from tests.limits import UNLIMITED
from tests.proof.accounts import WEAK, Accounts, Purpose, Session
from tests.proof.houses import OPERATOR, House, Outcome, Tokens, outcome_of
from tests.stores import MEMORY, STORES, database_url

SCENARIOS = int(os.environ.get("MOOTHALL_TEST_SCENARIOS", "20"))
STEPS = 50
PASSWORDS = ("violet-anchor-42-lamp", "amber-harbour-17-kite", "copper-meadow-63-sail")
NAMES = ("ada", "bob", "eve")
LAPSES = (4, 4, 4, 11, 11, 421, 421, 961, 961, 7_213, 90_007, 700_001, 2_600_003)
"""Seconds; no sum of a few of them is just as long as something is good."""
PLACES = (ANONYMOUS, anonymous(Origin("192.0.2.1", "a phone")), anonymous(Origin("192.0.2.2", "a laptop")))
_numbers = count()

names = st.sampled_from([NAMES[0], *NAMES])
passwords = st.sampled_from([*PASSWORDS[:2], PASSWORDS[0], PASSWORDS[0]])
new_passwords = st.sampled_from([*PASSWORDS, WEAK])
places = st.integers(0, 5)
strangers = st.sampled_from(PLACES)


class AccountLife(RuleBasedStateMachine):
    loop: ClassVar[asyncio.AbstractEventLoop]
    houses: ClassVar[list[House]]
    clock: ClassVar[OwnClock]
    done: ClassVar[Counter[tuple[str, str]]]

    # what all rules have in common

    def everywhere(self, expected: str, do: Callable[[House], Awaitable[Any]]) -> None:
        """Done on each store, with what follows: it ends as expected, and alike."""

        async def all_of_them() -> list[tuple[Outcome, Outcome]]:
            return [(await outcome_of(house, do), await house.settle()) for house in self.houses]

        outcomes = self.loop.run_until_complete(all_of_them())
        assert [outcome[0] for outcome, _ in outcomes] == [expected] * len(outcomes)
        assert [outcomes[0]] * len(outcomes) == outcomes
        assert outcomes[0][1][1] == len([link for link in self.model.links if link.is_mailed])
        self.done[do.__qualname__.split(".")[1], expected] += 1

    def address(self, name: str) -> str:
        return f"{name}-{self.number}@example.com"

    def nth(self, things: Sequence[Any], place: int, is_good: Callable[[Any], bool] = lambda _: True) -> int:
        """The latest good one, the good one before it, and so on; behind them those that are none: chance alone would
        hardly ever find what may still be used."""
        order = sorted(range(len(things)), key=lambda number: (is_good(things[number]), number), reverse=True)
        return order[place % len(order)]

    def session(self, place: int) -> int:
        """Where nobody is in, somebody mostly comes in first."""
        if place < 4 and not any(map(self.model.admits, self.model.sessions)):
            self.log_in_rightly(NAMES[place % len(NAMES)], ANONYMOUS)
        return self.nth(self.model.sessions, place, self.model.admits)

    def link(self, place: int, *purposes: Purpose) -> int:
        return self.nth(self.mailed, place, lambda link: self.model.leads(link, *purposes))

    def account(self, place: int) -> int:
        return self.nth(self.model.accounts, place, lambda account: not account.is_gone)

    @property
    def mailed(self) -> list[Any]:
        return [link for link in self.model.links if link.is_mailed]

    @initialize()
    def begin(self) -> None:
        self.number = next(_numbers)
        self.model = Accounts()
        self.entries = []
        for house in self.houses:
            house.forget()
            self.entries.append(self.loop.run_until_complete(house.trail(0)).total())
        for name in NAMES[:2]:
            self.register(name, PASSWORDS[0], ANONYMOUS)
            for place in PLACES[:2]:
                self.log_in(name, PASSWORDS[0], place)
                self.create_key(0, False, None)

    # coming in

    @rule(name=names, password=new_passwords, by=strangers)
    def register(self, name: str, password: str, by: Any) -> None:
        async def do(house: House) -> Any:
            made = await house.application.identity.register(by, email=self.address(name), password=password)
            house.accounts.append(made.value.id)
            return made

        self.everywhere(self.model.register(self.address(name), password), do)

    @rule(name=names)
    def invite(self, name: str) -> None:
        is_new = self.model.at(self.address(name)) is None

        async def do(house: House) -> Any:
            made = await house.application.identity.invite_user(OPERATOR, email=self.address(name))
            if is_new:
                house.accounts.append(made.value.id)
            return made

        self.everywhere(self.model.invite(self.address(name)), do)

    @precondition(lambda self: self.mailed)
    @rule(place=places, password=new_passwords)
    def accept_invitation(self, place: int, password: str) -> None:
        number = self.link(place, Purpose.INVITE)

        async def do(house: House) -> Any:
            return await house.application.identity.accept_invitation(
                ANONYMOUS, token=house.links[number], password=password
            )

        self.everywhere(self.model.accept(self.mailed[number], password), do)

    @rule(name=names)
    def request_verification(self, name: str) -> None:
        async def do(house: House) -> Any:
            await house.application.identity.request_verification(ANONYMOUS, email=self.address(name))

        self.everywhere(self.model.request_verification(self.address(name)), do)

    @precondition(lambda self: self.mailed)
    @rule(place=places)
    def verify_email(self, place: int) -> None:
        self._verify_email(self.link(place, Purpose.VERIFY, Purpose.CHANGE))

    def _verify_email(self, number: int) -> None:
        async def do(house: House) -> Any:
            await house.application.identity.verify_email(ANONYMOUS, token=house.links[number])

        self.everywhere(self.model.verify(self.mailed[number]), do)

    # sessions

    @rule(name=names, password=passwords, by=strangers)
    def log_in(self, name: str, password: str, by: Any) -> None:
        async def do(house: House) -> Any:
            pair = await house.application.identity.log_in(by, login=self.address(name), password=password)
            return await house.moved_in(pair)

        self.everywhere(self.model.log_in(self.address(name), password), do)

    @rule(name=names, by=strangers)
    def log_in_rightly(self, name: str, by: Any) -> None:
        account = self.model.at(self.address(name))
        self.log_in(name, (account.password if account else None) or PASSWORDS[0], by)

    @precondition(lambda self: self.model.sessions)
    @rule(place=places, age=st.sampled_from([0, 0, 0, 1, 1, 2]), by=strangers)
    def refresh(self, place: int, age: int, by: Any) -> None:
        """With the current token, or its parent, or the one before that."""
        number = self.nth(self.model.sessions, place, lambda one: one.by is None and self.model.lives(one))
        session = self.model.sessions[number]
        if session.by is not None:
            return
        self._refresh(number, max(1, session.tokens - age), by)

    def _refresh(self, number: int, token: int, by: Any = ANONYMOUS) -> None:
        async def do(house: House) -> Any:
            tokens = house.sessions[number]
            pair = await house.application.identity.refresh(by, refresh_token=tokens.refresh[token - 1])
            if token < len(tokens.refresh):
                assert pair.refresh_token == tokens.refresh[-1]
            else:
                tokens.refresh.append(pair.refresh_token)
            tokens.access = pair.access_token
            return pair

        self.everywhere(self.model.refresh(self.model.sessions[number], token), do)

    @precondition(lambda self: self.model.sessions)
    @rule(place=places)
    def log_out(self, place: int) -> None:
        number = self.session(place)

        async def do(house: House) -> Any:
            await house.application.identity.log_out(await house.member(number))

        self.everywhere(self.model.log_out(self.model.sessions[number]), do)

    @precondition(lambda self: self.model.sessions)
    @rule(place=places)
    def end_session(self, place: int) -> None:
        number = self.session(place)

        async def do(house: House) -> Any:
            await house.application.identity.end_session(OPERATOR, session_id=house.sessions[number].session_id)

        self.everywhere(self.model.end_session(self.model.sessions[number]), do)

    @precondition(lambda self: self.model.sessions)
    @rule(place=places)
    def end_other_sessions(self, place: int) -> None:
        number = self.session(place)

        async def do(house: House) -> Any:
            return await house.application.identity.end_other_sessions(await house.member(number))

        self.everywhere(self.model.end_other_sessions(self.model.sessions[number]), do)

    @precondition(lambda self: self.model.sessions)
    @rule(place=places)
    def list_sessions(self, place: int) -> None:
        number = self.session(place)

        async def do(house: House) -> Any:
            return await house.application.identity.list_sessions(await house.member(number))

        self.everywhere(self.model.list_sessions(self.model.sessions[number]), do)

    # passwords and addresses

    @precondition(lambda self: self.model.sessions)
    @rule(place=places, is_right=st.sampled_from([True, True, True, False]), new=new_passwords)
    def change_password(self, place: int, is_right: bool, new: str) -> None:
        number = self.session(place)
        session = self.model.sessions[number]
        current = (session.account.password if is_right else None) or "not the password"

        async def do(house: House) -> Any:
            await house.application.identity.change_password(
                await house.member(number), current_password=current, new_password=new
            )

        self.everywhere(self.model.change_password(session, current, new), do)

    @rule(name=names)
    def forgot_password(self, name: str) -> None:
        async def do(house: House) -> Any:
            await house.application.identity.forgot_password(ANONYMOUS, email=self.address(name))

        self.everywhere(self.model.forgot_password(self.address(name)), do)

    @precondition(lambda self: self.mailed)
    @rule(place=places, password=new_passwords)
    def reset_password(self, place: int, password: str) -> None:
        self._reset_password(self.link(place, Purpose.RESET), password)

    def _reset_password(self, number: int, password: str) -> None:
        async def do(house: House) -> Any:
            await house.application.identity.reset_password(ANONYMOUS, token=house.links[number], password=password)

        self.everywhere(self.model.reset_password(self.mailed[number], password), do)

    @precondition(lambda self: self.model.sessions)
    @rule(place=places, name=names, is_right=st.sampled_from([True, True, False]))
    def change_email(self, place: int, name: str, is_right: bool) -> None:
        number = self.session(place)
        session = self.model.sessions[number]
        password = (session.account.password if is_right else None) or "not the password"

        async def do(house: House) -> Any:
            await house.application.identity.change_email(
                await house.member(number), email=self.address(name), password=password
            )

        self.everywhere(self.model.change_email(session, self.address(name), password), do)

    # what chance alone hardly ever brings together

    @rule(name=names, password=new_passwords, lapse=st.sampled_from([None, 421, 7_213]), is_newer=st.booleans())
    def forget_twice_and_reset(self, name: str, password: str, lapse: int | None, is_newer: bool) -> None:
        self.forgot_password(name)
        self.forgot_password(name)
        if lapse is not None:
            self.wait(lapse)
        asked = [number for number, link in enumerate(self.mailed) if link.purpose is Purpose.RESET]
        if len(asked) > 1:
            self._reset_password(asked[-1 if is_newer else -2], password)

    @precondition(lambda self: self.model.sessions)
    @rule(name=names, new=new_passwords, is_asked_for=st.booleans())
    def change_password_in_one_of_two_sessions(self, name: str, new: str, is_asked_for: bool) -> None:
        for by in PLACES[:2]:
            self.log_in_rightly(name, by)
        if is_asked_for:
            self.forgot_password(name)
        self.change_password(0, True, new)

    @precondition(lambda self: self.model.sessions)
    @rule(place=places, name=names, between=st.sampled_from([None, "out", "password", "taken"]))
    def move_to_another_address(self, place: int, name: str, between: str | None) -> None:
        known = len(self.mailed)
        self.change_email(place, name, True)
        if between == "out":
            self.log_out(place)
        elif between == "password":
            self.change_password(place, True, PASSWORDS[2])
        elif between == "taken":
            self.register(name, PASSWORDS[0], ANONYMOUS)
        if len(self.mailed) > known:
            self._verify_email(len(self.mailed) - 1)

    @precondition(lambda self: self.model.sessions)
    @rule(place=places, lapse=st.sampled_from([None, 4, 11]), age=st.integers(0, 2))
    def refresh_again(self, place: int, lapse: int | None, age: int) -> None:
        number = self.session(place)
        session = self.model.sessions[number]
        if session.by is not None or not self.model.lives(session):
            return
        self._refresh(number, session.tokens)
        self._refresh(number, session.tokens)
        if lapse is not None:
            self.wait(lapse)
        self._refresh(number, session.tokens - age)

    # administration

    @rule(place=places, is_active=st.booleans())
    def set_active(self, place: int, is_active: bool) -> None:
        if not self.model.accounts:
            return
        number = self.account(place)

        async def do(house: House) -> Any:
            return await house.application.identity.update_user(
                OPERATOR, user_id=house.accounts[number], is_active=is_active
            )

        self.everywhere(self.model.set_active(self.model.accounts[number], is_active), do)

    @rule(place=places, is_admin=st.booleans())
    def set_roles(self, place: int, is_admin: bool) -> None:
        if not self.model.accounts:
            return
        self._set_roles(self.account(place), is_admin=is_admin)

    def _set_roles(self, number: int, *, is_admin: bool) -> None:
        async def do(house: House) -> Any:
            return await house.application.identity.set_roles(
                OPERATOR, user_id=house.accounts[number], roles=["admin", "member"] if is_admin else ["member"]
            )

        self.everywhere(self.model.set_admin(self.model.accounts[number], is_admin), do)

    @precondition(lambda self: self.model.sessions)
    @rule(place=places, other=places)
    def impersonate(self, place: int, other: int) -> None:
        number = self.session(place)
        whom = self.account(other)

        async def do(house: House) -> Any:
            actor = await house.member(number)
            token = await house.application.access.impersonate(actor, user_id=house.accounts[whom])
            there = (await house.application.identity.identify_caller(token.access_token)).actor
            assert there.session_id is not None
            house.sessions.append(Tokens(there.session_id, token.access_token))
            return token.expires_in, token.scope

        self.everywhere(self.model.impersonate(self.model.sessions[number], self.model.accounts[whom]), do)

    @precondition(lambda self: self.model.sessions)
    @rule(place=places, other=places)
    def impersonate_as_administrator(self, place: int, other: int) -> None:
        """What chance alone hardly ever brings together."""
        number = self.session(place)
        self._set_roles(self.model.accounts.index(self.model.sessions[number].account), is_admin=True)
        self.impersonate(place, other)

    # API keys

    @precondition(lambda self: self.model.sessions)
    @rule(place=places, reads_users=st.booleans(), days=st.sampled_from([None, 1, 40]))
    def create_key(self, place: int, reads_users: bool, days: int | None) -> None:
        number = self.session(place)

        async def do(house: House) -> Any:
            made = await house.application.access.create_api_key(
                await house.member(number),
                name="report",
                permissions=["users:read"] if reads_users else [],
                expires_at=None if days is None else self.clock.now() + timedelta(days=days),
            )
            house.keys.append((made.id, made.key))
            return made

        until = None if days is None else self.model.now + days * 86_400
        self.everywhere(self.model.create_key(self.model.sessions[number], reads_users=reads_users, until=until), do)

    @precondition(lambda self: self.model.keys)
    @rule(place=places)
    def revoke_key(self, place: int) -> None:
        number = self.nth(self.model.keys, place, self.model.opens)

        async def do(house: House) -> Any:
            await house.application.access.revoke_api_key(OPERATOR, key_id=house.keys[number][0])

        self.everywhere(self.model.revoke_key(self.model.keys[number]), do)

    # going

    @precondition(lambda self: self.model.sessions)
    @rule(place=places)
    def delete_me(self, place: int) -> None:
        number = self.session(place)

        async def do(house: House) -> Any:
            await house.application.identity.delete_me(await house.member(number))

        self.everywhere(self.model.delete_me(self.model.sessions[number]), do)

    @rule(place=places, is_meant=st.sampled_from([False, False, True]))
    def delete_user(self, place: int, is_meant: bool) -> None:
        if not is_meant or not self.model.accounts:
            return
        number = self.account(place)

        async def do(house: House) -> Any:
            await house.application.identity.delete_user(OPERATOR, user_id=house.accounts[number])

        self.everywhere(self.model.delete(self.model.accounts[number]), do)

    # time

    @rule(seconds=st.sampled_from(LAPSES))
    def wait(self, seconds: int) -> None:
        self.clock.advance(seconds=seconds)
        self.model.now += seconds

    @rule()
    def sweep(self) -> None:
        async def do(house: House) -> Any:
            return str(await house.application.sweep(OPERATOR))

        self.everywhere(self.model.sweep(), do)

    # what holds whatever was done

    @invariant()
    def exactly_those_are_in_who_should_be(self) -> None:
        """Who was shown out does not come back."""
        expected = [self.model.admits(session) for session in self.model.sessions]
        keys = [(self.model.opens(key), key.reads_users and key.account.is_admin) for key in self.model.keys]

        async def look(house: House) -> None:
            assert [await _admits(house, tokens.access) for tokens in house.sessions] == expected
            assert [await _opens(house, key) for _, key in house.keys] == [
                (opens, opens and reads) for opens, reads in keys
            ]

        for house in self.houses:
            self.loop.run_until_complete(look(house))

    def teardown(self) -> None:
        if not hasattr(self, "model"):
            return
        trails = [self.loop.run_until_complete(h.trail(n)) for h, n in zip(self.houses, self.entries, strict=True)]
        assert [trails[0]] * len(trails) == trails
        rows = [self.loop.run_until_complete(house.rows()) for house in self.houses]
        assert [rows[0]] * len(rows) == rows
        for session in self.model.sessions:
            self._ended_for_good(session)
        for name in NAMES:
            for password in PASSWORDS:
                self.log_in(name, password, ANONYMOUS)

    def _ended_for_good(self, session: Session) -> None:
        if session.is_ended and session.by is None:
            self._refresh(self.model.sessions.index(session), session.tokens)


async def _admits(house: House, token: str) -> bool:
    try:
        await house.application.identity.identify_caller(token)
    except MoothallError:
        return False
    return True


async def _opens(house: House, key: str) -> tuple[bool, bool]:
    """Whether it does, and whether it may read users."""
    try:
        caller = await house.application.identity.identify_caller(key, as_key=True)
    except MoothallError:
        return False, False
    return True, "users:read" in caller.actor.permissions


@pytest.fixture
def houses(tmp_path: Path) -> Iterator[None]:
    loop = asyncio.new_event_loop()
    resources = AsyncExitStack()
    clock = OwnClock()

    async def opened(store: str) -> House:
        folder = tmp_path / store
        folder.mkdir()
        chosen = Settings(bcrypt_cost=4, data_dir=folder, database_url=database_url(store, folder), **UNLIMITED)
        mailer = MemoryMailer()
        application = await resources.enter_async_context(
            open_application(chosen, in_memory=store == MEMORY, clock=clock, mailer=mailer)
        )
        await application.identity.create_first_admin(OPERATOR, email="root@example.com", password=PASSWORDS[2])
        await application.runner.drain()
        return House(store, application, mailer)

    try:
        AccountLife.loop, AccountLife.clock, AccountLife.done = loop, clock, Counter()
        AccountLife.houses = [loop.run_until_complete(opened(store)) for store in STORES]
        yield
    finally:
        loop.run_until_complete(resources.aclose())
        loop.close()


def test_three_stores_live_through_the_same_life(houses: None) -> None:
    run_state_machine_as_test(
        AccountLife,
        settings=settings(
            max_examples=SCENARIOS,
            stateful_step_count=STEPS,
            deadline=None,
            database=None,
            derandomize="MOOTHALL_TEST_SCENARIOS" not in os.environ,
            phases=[Phase.generate, Phase.shrink],
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
        ),
    )
    for (name, result), times in sorted(AccountLife.done.items()):
        print(name, result, times)
