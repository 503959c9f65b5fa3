"""The contract of accounts within a unit of work."""

import asyncio
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any, Protocol
from uuid import UUID, uuid4

import pytest

from domain.errors import Conflict
from domain.identity.email import EmailAddress
from domain.identity.user import User, UserRepository
from moothall.contracts.builders import NOW, SECOND, a_user

FULL = a_user(
    email=EmailAddress("Ada@Example.com", "ada@example.com"),
    username="Ada_L",
    first_name="Ada",
    last_name="Lovelace",
    is_verified=True,
    roles=frozenset({"admin", "member"}),
    updated_at=NOW + SECOND,
    last_login_at=NOW + 2 * SECOND,
    version=5,
)
BARE = a_user("bare", password_hash=None, is_active=False, roles=frozenset())


class UsersUnit(Protocol):
    """What the contract asks of a unit of work."""

    @property
    def users(self) -> UserRepository: ...


class UserTransactions(Protocol):
    """What the contract asks of a store. Whatever is `application.unit_of_work.Transactions` does it."""

    def begin(self) -> AbstractAsyncContextManager[UsersUnit]:
        """Commits on a clean exit, and rolls back on an exception."""
        ...


class Nevermind(Exception):
    """What a test raises to have everything rolled back."""


async def add(store: UserTransactions, *users: User) -> None:
    async with store.begin() as uow:
        for user in users:
            await uow.users.add(user)


async def stored(store: UserTransactions, user_id: UUID) -> User | None:
    async with store.begin() as uow:
        return await uow.users.get(user_id)


async def owner_of(store: UserTransactions, *, email_key: str = "", username_key: str = "") -> UUID | None:
    """Who has this address, or this username."""
    async with store.begin() as uow:
        if email_key:
            return await uow.users.find(email_key)
        return (await uow.users.find_usernames([username_key])).get(username_key)


async def codes_of_adding(store: UserTransactions, *users: User) -> list[str]:
    """What became of each, all of them added at once; "" for the one that was stored."""

    async def attempt(user: User) -> str:
        try:
            await add(store, user)
        except Conflict as conflict:
            return conflict.code
        return ""

    return await asyncio.gather(*(attempt(user) for user in users))


@pytest.mark.asyncio
class UserRepositoryContract:
    """Override `transactions`."""

    @pytest.fixture
    def transactions(self) -> UserTransactions:
        """An empty store of your own: what it begins has your repository as `users`."""
        pytest.fail("Override the fixture `transactions`: what it begins has the repository as `users`.", pytrace=False)

    # What is stored comes back.

    async def test_every_field_comes_back(self, transactions: UserTransactions) -> None:
        for user in (FULL, BARE):
            await add(transactions, user)
            assert await stored(transactions, user.id) == user

    async def test_every_field_is_saved(self, transactions: UserTransactions) -> None:
        user = a_user()
        await add(transactions, user)
        for wanted in (replace(FULL, id=user.id, version=1), replace(BARE, id=user.id, version=2)):
            async with transactions.begin() as uow:
                saved = await uow.users.save(wanted)
            assert saved == replace(wanted, version=wanted.version + 1)
            assert await stored(transactions, user.id) == saved

    async def test_who_is_not_there_is_none(self, transactions: UserTransactions) -> None:
        nobody = a_user()
        async with transactions.begin() as uow:
            assert await uow.users.get(nobody.id) is None
            assert await uow.users.find(nobody.email.key) is None
            await uow.users.remove(nobody.id)
            await uow.users.record_sign_in(nobody.id, NOW, password_hash="x")
        assert await stored(transactions, nobody.id) is None

    async def test_who_was_removed_is_gone_and_may_be_removed_again(self, transactions: UserTransactions) -> None:
        ada, grace = a_user("ada", username="ada"), a_user("grace")
        await add(transactions, ada, grace)
        for _ in range(2):
            async with transactions.begin() as uow:
                await uow.users.remove(ada.id)
            assert await stored(transactions, ada.id) is None
            assert await owner_of(transactions, email_key=ada.email.key) is None
            assert await owner_of(transactions, username_key="ada") is None
        assert await stored(transactions, grace.id) == grace

    async def test_roles_go_with_their_account(self, transactions: UserTransactions) -> None:
        ada = a_user("ada", roles=frozenset({"admin"}))
        await add(transactions, ada)
        async with transactions.begin() as uow:
            await uow.users.remove(ada.id)
        heir = replace(ada, roles=frozenset())
        await add(transactions, heir)
        assert await stored(transactions, ada.id) == heir

    async def test_another_admin_is_active_and_not_oneself(self, transactions: UserTransactions) -> None:
        admin = a_user("admin", roles=frozenset({"admin", "member"}))
        retired = a_user("retired", roles=frozenset({"admin"}), is_active=False)
        await add(transactions, retired, a_user("member"))
        async with transactions.begin() as uow:
            assert not await uow.users.another_admin_exists(None)
            await uow.users.add(admin)
            assert await uow.users.another_admin_exists(None)
            assert not await uow.users.another_admin_exists(admin.id)
            assert await uow.users.another_admin_exists(retired.id)

    # They are found by their keys.

    async def test_an_address_is_found_by_its_key(self, transactions: UserTransactions) -> None:
        user = a_user("ada")
        async with transactions.begin() as uow:
            await uow.users.add(user)
            assert await uow.users.find("ada@example.com") == user.id
            assert await uow.users.find("Ada@example.com") is None

    async def test_keys_are_compared_exactly(self, transactions: UserTransactions) -> None:
        await add(transactions, FULL)
        addresses = ("Ada@example.com", "ada@example.com ", "ada@example.co", "", "ad_@example.com", "a%")
        usernames = ("Ada_L", "ada-l", "", "ada%")
        async with transactions.begin() as uow:
            for key in addresses:
                assert await uow.users.find(key) is None
            assert await uow.users.find_all(addresses) == {}
            assert await uow.users.find_usernames(usernames) == {}

    async def test_keys_are_found_without_what_is_nobodys(self, transactions: UserTransactions) -> None:
        await add(transactions, FULL, BARE)
        async with transactions.begin() as uow:
            assert await uow.users.find_all(["ada@example.com", "bare@example.com", "x@example.com"]) == {
                "ada@example.com": FULL.id,
                "bare@example.com": BARE.id,
            }
            assert await uow.users.find_usernames(["ada_l", "Ada_L", "nobody"]) == {"ada_l": FULL.id}
            assert await uow.users.find_all([]) == {}
            assert await uow.users.find_usernames([]) == {}

    async def test_ids_from_elsewhere_are_each_one_accounts(self, transactions: UserTransactions) -> None:
        await add(transactions, FULL, BARE)
        async with transactions.begin() as uow:
            await uow.users.set_external_ids({FULL.id: "7", BARE.id: "Eight "})
            await uow.users.set_external_ids({})
        async with transactions.begin() as uow:
            assert await uow.users.find_external_ids(["7", "Eight ", "eight"]) == {"7": FULL.id, "Eight ": BARE.id}
            await uow.users.set_external_ids({FULL.id: "nine"})
        with pytest.raises(Conflict) as refused:
            async with transactions.begin() as uow:
                await uow.users.set_external_ids({FULL.id: "Eight "})
        assert refused.value.code == "external-id-taken"
        async with transactions.begin() as uow:
            assert await uow.users.find_external_ids(["7", "nine", "Eight "]) == {"nine": FULL.id, "Eight ": BARE.id}
            await uow.users.remove(FULL.id)
        async with transactions.begin() as uow:
            assert await uow.users.find_external_ids(["nine", "Eight "]) == {"Eight ": BARE.id}

    # Two accounts never share an e-mail address or a username.

    async def test_of_accounts_with_one_email_address_exactly_one_is_stored(
        self, transactions: UserTransactions
    ) -> None:
        same = EmailAddress("Same@x.org", "same@x.org")
        codes = await codes_of_adding(transactions, *(a_user("same", email=same) for _ in "1234"))
        assert sorted(codes) == ["", "email-taken", "email-taken", "email-taken"]

    async def test_of_usernames_that_differ_by_case_exactly_one_is_stored(self, transactions: UserTransactions) -> None:
        names = ["Ada_1", "ada_1", "ADA_1", "aDa_1"]
        codes = await codes_of_adding(
            transactions, *(a_user(f"user{n}", username=name) for n, name in enumerate(names))
        )
        assert sorted(codes) == ["", "username-taken", "username-taken", "username-taken"]

    async def test_where_both_are_taken_the_email_address_is_told(self, transactions: UserTransactions) -> None:
        await add(transactions, a_user("ada", username="ada"))
        assert await codes_of_adding(transactions, a_user("ada", username="ada")) == ["email-taken"]

    async def test_accounts_without_a_username_do_not_conflict(self, transactions: UserTransactions) -> None:
        assert await codes_of_adding(transactions, a_user("one"), a_user("two")) == ["", ""]

    async def test_a_change_to_what_another_has_is_refused(self, transactions: UserTransactions) -> None:
        ada, grace = a_user("ada", username="ada"), a_user("grace", username="grace")
        await add(transactions, ada, grace)
        changes: list[tuple[dict[str, Any], str]] = [
            ({"email": ada.email}, "email-taken"),
            ({"username": "ADA"}, "username-taken"),
        ]
        for change, code in changes:
            with pytest.raises(Conflict) as refused:
                async with transactions.begin() as uow:
                    await uow.users.save(replace(grace, **change))
            assert refused.value.code == code
        assert await stored(transactions, grace.id) == grace

    async def test_an_account_keeps_its_own_names_when_it_is_saved(self, transactions: UserTransactions) -> None:
        ada = a_user("ada", username="ada")
        await add(transactions, ada)
        async with transactions.begin() as uow:
            await uow.users.save(replace(ada, username="ADA", email=EmailAddress("ADA@example.com", ada.email.key)))
        found = await stored(transactions, ada.id)
        assert found is not None
        assert (found.username, found.email.typed) == ("ADA", "ADA@example.com")

    async def test_what_was_given_up_is_free_again(self, transactions: UserTransactions) -> None:
        ada = a_user("ada", username="ada")
        await add(transactions, ada)
        async with transactions.begin() as uow:
            await uow.users.save(replace(ada, username=None, email=EmailAddress("new@x.org", "new@x.org")))
        heir = a_user("ada", username="Ada")
        await add(transactions, heir)
        assert await owner_of(transactions, username_key="ada") == heir.id
        async with transactions.begin() as uow:
            await uow.users.remove(heir.id)
        await add(transactions, a_user("ada", username="ada"))

    async def test_an_id_is_taken_once(self, transactions: UserTransactions) -> None:
        """Ids are made by chance, so that this is a bug: it has no name in the domain, but it is not overlooked."""
        user = a_user("ada")
        await add(transactions, user)
        with pytest.raises(Exception):  # noqa: B017, PT011
            await add(transactions, a_user("twin", id=user.id))
        assert await stored(transactions, user.id) == user
        assert await owner_of(transactions, email_key="twin@example.com") is None

    # Many at once are as if they had come one by one.

    async def test_many_are_added_as_one_is(self, transactions: UserTransactions) -> None:
        async with transactions.begin() as uow:
            await uow.users.add_all([FULL, BARE])
            await uow.users.add_all([])
        for user in (FULL, BARE):
            assert await stored(transactions, user.id) == user
        assert await owner_of(transactions, username_key="ada_l") == FULL.id

    @pytest.mark.parametrize(
        ("fields", "code"),
        [
            ({"email": EmailAddress("ADA@example.com", "ada@example.com")}, "email-taken"),
            ({"username": "ADA_L"}, "username-taken"),
        ],
        ids=["email", "username"],
    )
    async def test_one_that_is_taken_spoils_all(
        self, transactions: UserTransactions, fields: dict[str, Any], code: str
    ) -> None:
        await add(transactions, FULL)
        other, taken = a_user("other"), a_user("taken", **fields)
        with pytest.raises(Conflict) as refused:
            async with transactions.begin() as uow:
                await uow.users.add_all([other, taken])
        assert refused.value.code == code
        assert await stored(transactions, other.id) is None

    async def test_many_are_saved_as_one_is(self, transactions: UserTransactions) -> None:
        one, two, three = a_user("one"), a_user("two", roles=frozenset({"admin", "member"})), a_user("three")
        await add(transactions, one, two, three)
        async with transactions.begin() as uow:
            found = await uow.users.get_all([one.id, two.id, uuid4()])
            assert found == {one.id: one, two.id: two}
            assert await uow.users.get_all([]) == {}
            changed = [
                replace(one, username="first", roles=frozenset({"admin"}), is_active=False, updated_at=NOW + SECOND),
                replace(two, first_name="Two", roles=frozenset()),
            ]
            await uow.users.save_all(changed)
            await uow.users.save_all([])
        for wanted in changed:
            assert await stored(transactions, wanted.id) == replace(wanted, version=2)
        assert await stored(transactions, three.id) == three

    # No change is lost.

    async def test_saving_moves_the_version_on(self, transactions: UserTransactions) -> None:
        user = a_user()
        await add(transactions, user)
        async with transactions.begin() as uow:
            first = await uow.users.save(replace(user, first_name="Ada"))
            second = await uow.users.save(replace(first, last_name="Lovelace"))
        assert (first.version, second.version) == (2, 3)
        assert await stored(transactions, user.id) == second

    @pytest.mark.parametrize("version", [1, 3])
    async def test_only_the_version_that_is_stored_can_be_saved(
        self, transactions: UserTransactions, version: int
    ) -> None:
        user = a_user()
        await add(transactions, user)
        async with transactions.begin() as uow:
            saved = await uow.users.save(user)
        with pytest.raises(Conflict) as refused:
            async with transactions.begin() as uow:
                await uow.users.save(replace(user, version=version, first_name="Too late"))
        assert refused.value.code == "changed-meanwhile"
        assert await stored(transactions, user.id) == saved

    async def test_a_removed_account_cannot_be_saved(self, transactions: UserTransactions) -> None:
        with pytest.raises(Conflict) as refused:
            async with transactions.begin() as uow:
                await uow.users.save(a_user())
        assert refused.value.code == "changed-meanwhile"

    async def test_concurrent_changes_of_one_account_all_count(self, transactions: UserTransactions) -> None:
        user = a_user(first_name="0")
        await add(transactions, user)

        async def count_up() -> None:
            async with transactions.begin() as uow:
                loaded = await uow.users.get(user.id)
                assert loaded is not None
                await asyncio.sleep(0)
                await uow.users.save(replace(loaded, first_name=str(int(loaded.first_name or "") + 1)))

        await asyncio.gather(*(count_up() for _ in range(20)))
        changed = await stored(transactions, user.id)
        assert changed is not None
        assert (changed.first_name, changed.version) == ("20", 21)

    async def test_concurrent_changes_of_roles_all_count(self, transactions: UserTransactions) -> None:
        user = a_user(roles=frozenset())
        await add(transactions, user)

        async def give(role: str) -> None:
            async with transactions.begin() as uow:
                loaded = await uow.users.get(user.id)
                assert loaded is not None
                await uow.users.save(replace(loaded, roles=loaded.roles | {role}))

        wanted = {f"role{n}" for n in range(8)}
        await asyncio.gather(*(give(role) for role in wanted))
        changed = await stored(transactions, user.id)
        assert changed is not None
        assert changed.roles == wanted

    async def test_a_sign_in_leaves_version_and_time_of_change_alone(self, transactions: UserTransactions) -> None:
        user = a_user()
        await add(transactions, user)
        later = NOW + timedelta(days=1)
        async with transactions.begin() as uow:
            await uow.users.record_sign_in(user.id, later, password_hash="$new$")
        assert await stored(transactions, user.id) == replace(user, last_login_at=later, password_hash="$new$")

    async def test_a_sign_in_does_not_make_a_change_under_way_stale(self, transactions: UserTransactions) -> None:
        user = a_user()
        await add(transactions, user)
        async with transactions.begin() as uow:
            await uow.users.record_sign_in(user.id, NOW + SECOND, password_hash="$new$")
        async with transactions.begin() as uow:
            assert (await uow.users.save(user.changed(NOW, first_name="Ada"))).version == 2

    # Everything in a unit of work happens, or nothing does.

    async def test_an_exception_rolls_everything_back(self, transactions: UserTransactions) -> None:
        user = a_user(username="ada")

        async def add_and_fail() -> None:
            async with transactions.begin() as uow:
                await uow.users.add(user)
                await uow.users.set_external_ids({user.id: "7"})
                raise Nevermind

        with pytest.raises(Nevermind):
            await add_and_fail()
        assert await stored(transactions, user.id) is None
        assert await owner_of(transactions, email_key=user.email.key) is None
        async with transactions.begin() as uow:
            assert await uow.users.find_external_ids(["7"]) == {}
        await add(transactions, user)

    async def test_what_was_removed_or_changed_comes_back_with_a_rollback(self, transactions: UserTransactions) -> None:
        removed, changed = a_user("ada", username="ada"), a_user("grace", username="grace")
        await add(transactions, removed, changed)

        async def change_and_fail() -> None:
            async with transactions.begin() as uow:
                await uow.users.remove(removed.id)
                await uow.users.save(replace(changed, username=None, roles=frozenset({"admin"})))
                await uow.users.record_sign_in(changed.id, NOW + SECOND, password_hash="$new$")
                raise Nevermind

        with pytest.raises(Nevermind):
            await change_and_fail()
        for user in (removed, changed):
            assert await stored(transactions, user.id) == user
            assert await owner_of(transactions, username_key=user.username_key or "") == user.id

    async def test_a_forgotten_save_changes_nothing(self, transactions: UserTransactions) -> None:
        user = a_user()
        await add(transactions, user)
        async with transactions.begin() as uow:
            loaded = await uow.users.get(user.id)
            assert loaded is not None
            loaded.changed(NOW, first_name="Grace")
        assert await stored(transactions, user.id) == user

    async def test_a_unit_of_work_sees_its_own_changes(self, transactions: UserTransactions) -> None:
        user = a_user()
        async with transactions.begin() as uow:
            await uow.users.add(user)
            assert await uow.users.get(user.id) == user
            saved = await uow.users.save(replace(user, roles=frozenset({"admin"})))
            assert await uow.users.get(user.id) == saved
            assert await uow.users.another_admin_exists(None)
            await uow.users.remove(user.id)
            assert await uow.users.get(user.id) is None

    async def test_after_a_conflict_nothing_is_committed_even_if_somebody_caught_it(
        self, transactions: UserTransactions
    ) -> None:
        await add(transactions, a_user("taken"))
        other = a_user("other")

        async def add_both() -> None:
            async with transactions.begin() as uow:
                await uow.users.add(other)
                with suppress(Conflict):
                    await uow.users.add(a_user("taken"))

        with pytest.raises(Conflict) as refused:
            await add_both()
        assert refused.value.code == "email-taken"
        assert await stored(transactions, other.id) is None

    async def test_after_a_stale_save_nothing_is_committed_even_if_somebody_caught_it(
        self, transactions: UserTransactions
    ) -> None:
        user, other = a_user(), a_user("other")
        await add(transactions, user)

        async def add_another_and_save() -> None:
            async with transactions.begin() as uow:
                await uow.users.add(other)
                with suppress(Conflict):
                    await uow.users.save(replace(user, version=7))

        with pytest.raises(Conflict) as refused:
            await add_another_and_save()
        assert refused.value.code == "changed-meanwhile"
        assert await stored(transactions, other.id) is None

    async def test_many_units_of_work_at_once_all_commit(self, transactions: UserTransactions) -> None:
        users = [a_user(f"user{n}") for n in range(25)]
        await asyncio.gather(*(add(transactions, user) for user in users))
        for user in users:
            assert await owner_of(transactions, email_key=user.email.key) == user.id
