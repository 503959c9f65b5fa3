"""Accounts within a unit of work."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

from sqlalchemy import Column, Delete, Row, Select, bindparam, delete, exists, insert, select, update

from adapters.sql.given import as_parameter, is_given, is_given_text, texts_as_parameter
from adapters.sql.tables import external_ids, user_roles, users
from adapters.sql.work import Work
from application.remembering import POSTS, USERS
from domain.access.roles import ADMIN
from domain.errors import Conflict
from domain.identity.email import EmailAddress
from domain.identity.user import User, UserRepository

_INSERT = insert(users)
_LOCK = select(users).where(users.c.id == bindparam("user_id")).with_for_update()
_UPDATE = update(users).where(users.c.id == bindparam("user_id"), users.c.version == bindparam("read_version"))
_SIGNED_IN = update(users).where(users.c.id == bindparam("user_id"))
_DELETE = delete(users).where(users.c.id == bindparam("user_id"))
_ADMINS = select(users.c.id).join(user_roles).where(user_roles.c.role == ADMIN, users.c.is_active)

_FIND = select(users.c.id).where(users.c.email_key == bindparam("email_key"))
_ROLES = select(user_roles.c.role).where(user_roles.c.user_id == bindparam("user_id"))
_GIVE_ROLE = insert(user_roles)
_TAKE_ROLE = delete(user_roles).where(
    user_roles.c.user_id == bindparam("from_user_id"), user_roles.c.role == bindparam("taken_role")
)


_LISTED_BY = ("is_active", "is_verified", "created_at", "updated_at", "email_key", "username_order")
"""What nobody else can change yet, so that the trigger does not have to look it up."""


@lru_cache
def _whose(text: Column[Any], user_id: Column[Any], on_postgresql: bool) -> Select[Any]:
    return select(text.label("text"), user_id.label("user_id")).where(is_given_text(text, on_postgresql))


@lru_cache
def _lock_all(on_postgresql: bool) -> Select[Any]:
    """In one order, so that of two who lock the same accounts one waits."""
    return select(users).where(is_given(users.c.id, on_postgresql)).order_by(users.c.id).with_for_update()


@lru_cache
def _roles_of_all(on_postgresql: bool) -> Select[Any]:
    return select(user_roles.c.user_id, user_roles.c.role).where(is_given(user_roles.c.user_id, on_postgresql))


@lru_cache
def _forget_external_ids(on_postgresql: bool) -> Delete:
    return delete(external_ids).where(is_given(external_ids.c.user_id, on_postgresql))


class SqlUsers(UserRepository):
    def __init__(self, work: Work) -> None:
        self._work = work
        self._stored_roles: dict[UUID, frozenset[str]] = {}

    async def add(self, user: User) -> None:
        self._work.changed.add(USERS)
        await self._work.execute(_INSERT, {"id": user.id, **_columns(user), "version": user.version})
        self._stored_roles[user.id] = frozenset()
        await self._save_roles(user)

    async def get(self, user_id: UUID) -> User | None:
        """In two statements: one would see the roles as they were before it waited for the lock."""
        row = (await self._work.execute(_LOCK, {"user_id": user_id})).one_or_none()
        return _user(row, await self._roles(user_id)) if row else None

    async def find(self, email_key: str) -> UUID | None:
        user_id: UUID | None = (await self._work.execute(_FIND, {"email_key": email_key})).scalar_one_or_none()
        return user_id

    async def save(self, user: User) -> User:
        version = user.version + 1
        result = await self._work.execute(
            _UPDATE, {"user_id": user.id, "read_version": user.version, **_columns(user), "version": version}
        )
        if result.rowcount == 0:
            raise self._work.spoil(Conflict("changed-meanwhile", "The account was changed meanwhile; read it again."))
        await self._save_roles(user)
        self._work.changed.update((user.id, USERS))
        return replace(user, version=version)

    async def record_sign_in(self, user_id: UUID, at: datetime, *, password_hash: str) -> None:
        await self._work.execute(_SIGNED_IN, {"user_id": user_id, "last_login_at": at, "password_hash": password_hash})
        self._work.changed.add(user_id)

    async def remove(self, user_id: UUID) -> None:
        await self._work.execute(_DELETE, {"user_id": user_id})
        self._work.changed.update((user_id, USERS, POSTS))

    async def find_all(self, email_keys: Collection[str]) -> Mapping[str, UUID]:
        return await self._found(users.c.email_key, users.c.id, email_keys)

    async def find_usernames(self, username_keys: Collection[str]) -> Mapping[str, UUID]:
        return await self._found(users.c.username_key, users.c.id, username_keys)

    async def find_external_ids(self, wanted: Collection[str]) -> Mapping[str, UUID]:
        return await self._found(external_ids.c.external_id, external_ids.c.user_id, wanted)

    async def get_all(self, user_ids: Collection[UUID]) -> Mapping[UUID, User]:
        """In two statements, as `get` does it."""
        if not user_ids:
            return {}
        on_postgresql = self._work.dialect == "postgresql"
        given = as_parameter(user_ids, on_postgresql)
        rows = (await self._work.execute(_lock_all(on_postgresql), given)).all()
        roles: dict[UUID, set[str]] = {row.id: set() for row in rows}
        for row in await self._work.execute(_roles_of_all(on_postgresql), given):
            roles[row.user_id].add(row.role)
        self._stored_roles.update((user_id, frozenset(held)) for user_id, held in roles.items())
        return {row.id: _user(row, self._stored_roles[row.id]) for row in rows}

    async def add_all(self, new: Sequence[User]) -> None:
        if not new:
            return
        self._work.changed.add(USERS)
        columns = ("id", *_columns(new[0]), "version")
        await self._work.insert_many(users, columns, [(u.id, *_columns(u).values(), u.version) for u in new])
        listed_by = [
            (u.is_active, u.is_verified, u.created_at, u.updated_at, u.email.key, u.username_key or "") for u in new
        ]
        await self._work.insert_many(
            user_roles,
            ("user_id", "role", *_LISTED_BY),
            [(u.id, role, *by) for u, by in zip(new, listed_by, strict=True) for role in sorted(u.roles)],
        )
        self._stored_roles.update((user.id, user.roles) for user in new)

    async def save_all(self, changed: Sequence[User]) -> None:
        if not changed:
            return
        await self._work.plan_anew(from_now_on=True)
        await self._work.execute(
            _UPDATE,
            [{"user_id": u.id, "read_version": u.version, **_columns(u), "version": u.version + 1} for u in changed],
        )
        await self._work.plan_anew(from_now_on=False)
        taken = [(user.id, role) for user in changed for role in sorted(self._stored_roles[user.id] - user.roles)]
        if taken:
            await self._work.execute(_TAKE_ROLE, [{"from_user_id": of, "taken_role": role} for of, role in taken])
        await self._give_roles(
            [(user.id, role) for user in changed for role in sorted(user.roles - self._stored_roles[user.id])]
        )
        self._stored_roles.update((user.id, user.roles) for user in changed)
        self._work.changed.update((USERS, *(user.id for user in changed)))

    async def set_external_ids(self, given: Mapping[UUID, str]) -> None:
        if given:
            on_postgresql = self._work.dialect == "postgresql"
            await self._work.execute(_forget_external_ids(on_postgresql), as_parameter(given.keys(), on_postgresql))
            await self._work.insert_many(external_ids, ("user_id", "external_id"), list(given.items()))

    async def another_admin_exists(self, than: UUID | None) -> bool:
        admins = _ADMINS if than is None else _ADMINS.where(users.c.id != than)
        return bool((await self._work.execute(select(exists(admins)))).scalar_one())

    async def _found(self, text: Column[Any], user_id: Column[Any], texts: Collection[str]) -> Mapping[str, UUID]:
        if not texts:
            return {}
        on_postgresql = self._work.dialect == "postgresql"
        rows = await self._work.find(_whose(text, user_id, on_postgresql), texts_as_parameter(texts, on_postgresql))
        return {row.text: row.user_id for row in rows}

    async def _give_roles(self, given: Sequence[tuple[UUID, str]]) -> None:
        await self._work.insert_many(user_roles, ("user_id", "role"), given)

    async def _roles(self, user_id: UUID) -> frozenset[str]:
        roles = frozenset((await self._work.execute(_ROLES, {"user_id": user_id})).scalars())
        self._stored_roles[user_id] = roles
        return roles

    async def _save_roles(self, user: User) -> None:
        stored = self._stored_roles.get(user.id)
        if stored is None:
            stored = await self._roles(user.id)
        if taken := sorted(stored - user.roles):
            await self._work.execute(_TAKE_ROLE, [{"from_user_id": user.id, "taken_role": role} for role in taken])
        if given := sorted(user.roles - stored):
            await self._work.execute(_GIVE_ROLE, [{"user_id": user.id, "role": role} for role in given])
        self._stored_roles[user.id] = user.roles


def _user(row: Row[Any], roles: frozenset[str]) -> User:
    return User(
        id=row.id,
        email=EmailAddress(row.email, row.email_key),
        username=row.username,
        first_name=row.first_name,
        last_name=row.last_name,
        password_hash=row.password_hash,
        is_active=row.is_active,
        is_verified=row.is_verified,
        roles=roles,
        created_at=row.created_at,
        updated_at=row.updated_at,
        last_login_at=row.last_login_at,
        version=row.version,
    )


def _columns(user: User) -> dict[str, object]:
    """Everything but the id and the version."""
    return {
        "email": user.email.typed,
        "email_key": user.email.key,
        "username": user.username,
        "username_key": user.username_key,
        "username_order": user.username_key or "",
        "first_name": user.first_name,
        "last_name": user.last_name,
        "search_text": user.search_text,
        "password_hash": user.password_hash,
        "is_active": user.is_active,
        "is_verified": user.is_verified,
        "created_at": user.created_at,
        "updated_at": user.updated_at,
        "last_login_at": user.last_login_at,
    }
