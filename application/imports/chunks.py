"""Some rows of a file, held against the accounts that are there. What one row does, the next ones see."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence, Set
from datetime import datetime
from uuid import UUID

from application.identity.accounts import an_administrator_stays
from application.identity.administration import SetRoles, UpdateUser
from application.imports.rights import PASSWORDS_RULE
from application.imports.rows import WantedMember
from application.unit_of_work import UnitOfWork
from domain.access.actor import Actor
from domain.access.policy import Rule, judge, require_reach
from domain.access.roles import MEMBER, ROLE_NAME, Role, permissions_of
from domain.errors import Conflict, Denied
from domain.identity.user import User
from domain.imports.members_import import Counts, MembersImport, RejectedRow


class RowRefused(Exception):
    """`field` is the cell at fault, by our name for it (empty: the row is)."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(reason)
        self.field = field
        self.reason = reason


class Chunk:
    """`new` are the accounts to be made, `changed` those to be changed, as they were and as they will be; `expected` is
    what a dry run notes for the rows that follow."""

    def __init__(
        self, uow: UnitOfWork, found: MembersImport, actor: Actor, roles: Mapping[str, Role], now: datetime
    ) -> None:
        self.found = found
        self.actor = actor
        self.now = now
        self.new: dict[UUID, User] = {}
        self.changed: dict[UUID, tuple[User, User]] = {}
        self.expected: set[bytes] = set()
        self.rejected: list[RejectedRow] = []
        self.skipped = 0
        self._created = 0
        self._updated = 0
        self._uow = uow
        self._roles = roles
        self._there: dict[UUID, User] = {}
        self._emails: dict[str, UUID] = {}
        self._usernames: dict[str, UUID] = {}
        self._externals: dict[str, UUID] = {}
        self._external_of: dict[UUID, str] = {}
        self._external_ids: dict[UUID, str] = {}
        self._foreseen: Set[bytes] = frozenset()
        self._within_reach: dict[frozenset[str], str | None] = {}

    @property
    def counts(self) -> Counts:
        return Counts(self._created, self._updated, self.skipped, len(self.rejected))

    async def look_up(self, wanted: Sequence[WantedMember]) -> None:
        """What of these is there already; the accounts that may be changed are locked."""
        users = self._uow.users
        self._emails.update(await users.find_all([row.user.email.key for row in wanted]))
        self._usernames.update(
            await users.find_usernames([row.user.username_key for row in wanted if row.user.username_key is not None])
        )
        self._externals.update(
            await users.find_external_ids([row.external_id for row in wanted if row.external_id is not None])
        )
        self._external_of.update((user_id, text) for text, user_id in self._externals.items())
        if self._emails and judge(self.actor, UpdateUser.rule) is None:
            self._there.update(await users.get_all(sorted(set(self._emails.values()))))
        if self.found.dry_run:
            keys = {key for row in wanted for key in _names(row)}
            keys |= {_freed(row.user.username_key) for row in wanted if row.user.username_key is not None}
            self._foreseen = await self._uow.imports.expected(self.found.id, keys)

    def require_rights(self, row: WantedMember) -> None:
        """Raises RowRefused."""
        if "roles" in row.given:
            self._require(SetRoles.rule, "roles")
            if unknown := row.user.roles - self._roles.keys():
                told = ", ".join(sorted(name for name in unknown if ROLE_NAME.fullmatch(name)))
                raise RowRefused("roles", f"There is no role called {told or 'so'}.")
        if "password_hash" in row.given:
            self._require(PASSWORDS_RULE, "password_hash")

    def is_there(self, row: WantedMember) -> bool:
        return row.user.email.key in self._emails or (self.found.dry_run and _email(row) in self._foreseen)

    def create(self, row: WantedMember) -> None:
        """Raises RowRefused."""
        user = row.user
        self._require_reach(user.roles - {MEMBER})
        self._require_free_names(row, user.id)
        self._created += 1
        self.new[user.id] = user
        self._take_names(row, user.id)
        self._emails[user.email.key] = user.id

    async def update(self, row: WantedMember) -> None:
        """Raises RowRefused, Conflict (`changed-meanwhile`)."""
        self._require(UpdateUser.rule, "")
        known_id = self._emails.get(row.user.email.key)
        user_id = known_id or UUID(bytes=_email(row))
        self._require_free_names(row, user_id)
        before = self.new.get(user_id) or self._there.get(user_id)
        if before is None and known_id is not None:
            raise Conflict("changed-meanwhile", "The account was deleted meanwhile.")
        if before is None:  # it is one that a dry run would have made
            self._require_reach(row.user.roles - {MEMBER})
            self._updated += 1
            self._take_names(row, user_id)
        elif user_id in self.new:
            self._require_reach(row.user.roles - {MEMBER})
            self._change(row, before, _changed(before, row, self.now))
        else:
            await self._update_stored(row, before)

    async def _update_stored(self, row: WantedMember, before: User) -> None:
        if before.id in (self.actor.user_id, self.actor.impersonator_id):
            raise RowRefused("", "This is your own account; an import does not change it.")
        self._require_reach(before.roles, whole_account=True)
        after = _changed(before, row, self.now)
        self._require_reach(after.roles ^ before.roles)
        if before.is_admin and before.is_active and not (after.is_admin and after.is_active):
            after = await self._demoted(before, after)
        self._change(row, before, after)

    def _change(self, row: WantedMember, before: User, after: User) -> None:
        """What the row makes of an account, with the names that it gives up."""
        if after is before and not self._external_is_new(row, before.id):
            self.skipped += 1
            return
        self._updated += 1
        if before.id in self.new:
            self.new[before.id] = after
        else:
            first = self.changed[before.id][0] if before.id in self.changed else before
            self._there[before.id] = after
            self.changed[before.id] = (first, after)
        if before.username_key is not None and before.username_key != after.username_key:
            self._usernames.pop(before.username_key, None)
            self.expected.add(_freed(before.username_key))
        self._take_names(row, before.id)

    async def store(self) -> None:
        """Raises Conflict."""
        users = self._uow.users
        await users.save_all([after for _, after in self.changed.values()])
        await users.add_all(list(self.new.values()))
        await users.set_external_ids(self._external_ids)

    async def _demoted(self, before: User, after: User) -> User:
        """At once, so that the next row sees who is left."""
        try:
            await an_administrator_stays(self._uow, before)
        except Conflict as error:
            raise RowRefused("is_active" if after.is_admin else "roles", error.detail) from error
        return after if self.found.dry_run else await self._uow.users.save(after)

    def _require(self, rule: Rule, field: str) -> None:
        if (refusal := judge(self.actor, rule)) is not None:
            raise RowRefused(field, refusal.detail)

    def _require_reach(self, roles: frozenset[str], *, whole_account: bool = False) -> None:
        if roles not in self._within_reach:
            try:
                require_reach(self.actor, permissions_of(role for name, role in self._roles.items() if name in roles))
            except Denied as error:
                self._within_reach[roles] = error.detail
            else:
                self._within_reach[roles] = None
        if (reason := self._within_reach[roles]) is not None:
            raise RowRefused("" if whole_account else "roles", reason)

    def _require_free_names(self, row: WantedMember, user_id: UUID) -> None:
        """`user_id` is whose they will be."""
        username, external_id = row.user.username_key, row.external_id
        if username is not None:
            is_anothers = self._usernames.get(username, user_id) != user_id
            if self.found.dry_run:
                is_anothers = is_anothers and _freed(username) not in self._foreseen
                is_anothers = is_anothers or self._is_foreseen_for_another(_username(row), row)
            if is_anothers:
                raise RowRefused("username", "This username is taken.")
        if external_id is not None:
            is_anothers = self._externals.get(external_id, user_id) != user_id
            if is_anothers or (self.found.dry_run and self._is_foreseen_for_another(_external(row), row)):
                raise RowRefused("external_id", "Another account has this id.")

    def _is_foreseen_for_another(self, name: bytes, row: WantedMember) -> bool:
        return name in self._foreseen and _of(name, row) not in self._foreseen

    def _external_is_new(self, row: WantedMember, user_id: UUID) -> bool:
        return row.external_id is not None and self._externals.get(row.external_id) != user_id

    def _take_names(self, row: WantedMember, user_id: UUID) -> None:
        if row.user.username_key is not None:
            self._usernames[row.user.username_key] = user_id
        if row.external_id is not None and self._external_is_new(row, user_id):
            if (given_up := self._external_of.get(user_id)) is not None:
                del self._externals[given_up]
            self._externals[row.external_id] = user_id
            self._external_of[user_id] = row.external_id
            self._external_ids[user_id] = row.external_id
        if self.found.dry_run:
            self.expected.update(_names(row))


def _changed(before: User, row: WantedMember, now: datetime) -> User:
    """What the row gives. Whoever has a password keeps it: it may be newer than the file."""
    given = row.given - {"password_hash"} if before.password_hash is not None else row.given
    return before.changed(now, **{field: getattr(row.user, field) for field in given})


def _email(row: WantedMember) -> bytes:
    return _digest("email", row.user.email.key)


def _username(row: WantedMember) -> bytes:
    return _digest("username", row.user.username_key or "")


def _external(row: WantedMember) -> bytes:
    return _digest("external_id", row.external_id or "")


def _of(name: bytes, row: WantedMember) -> bytes:
    return _digest(name.hex(), row.user.email.key)


def _freed(username: str) -> bytes:
    return _digest("freed", username)


def _names(row: WantedMember) -> Iterator[bytes]:
    """What a dry run would give to the row's account, and whose that is then."""
    yield _email(row)
    for is_given, name in ((row.user.username_key, _username(row)), (row.external_id, _external(row))):
        if is_given is not None:
            yield name
            yield _of(name, row)


def _digest(kind: str, text: str) -> bytes:
    return hashlib.blake2b(f"{kind}/{text}".encode(), digest_size=16).digest()
