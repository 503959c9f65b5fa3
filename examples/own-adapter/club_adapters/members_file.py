"""Accounts in one JSON file, which a club of a few hundred can read with an editor."""

import asyncio
import json
import os
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from domain.errors import Conflict
from domain.identity.email import EmailAddress
from domain.identity.user import User, UserRepository


class FileUsers(UserRepository):
    """All accounts, within one unit of work. The first error that it raised is kept: nothing is written then."""

    def __init__(self, accounts: Mapping[UUID, User], external_ids: Mapping[UUID, str]) -> None:
        self.accounts = dict(accounts)
        self.external_ids = dict(external_ids)
        self.spoiled_by: Exception | None = None

    async def add(self, user: User) -> None:
        if user.id in self.accounts:
            raise self._spoiled(LookupError(user.id))
        self._check(user)
        self.accounts[user.id] = user

    async def get(self, user_id: UUID) -> User | None:
        return self.accounts.get(user_id)

    async def find(self, email_key: str) -> UUID | None:
        return (await self.find_all([email_key])).get(email_key)

    async def save(self, user: User) -> User:
        stored = self.accounts.get(user.id)
        if stored is None or stored.version != user.version:
            raise self._spoiled(Conflict("changed-meanwhile", "The account was changed meanwhile; read it again."))
        self._check(user)
        self.accounts[user.id] = saved = replace(user, version=user.version + 1)
        return saved

    async def record_sign_in(self, user_id: UUID, at: datetime, *, password_hash: str) -> None:
        if (user := self.accounts.get(user_id)) is not None:
            self.accounts[user_id] = replace(user, last_login_at=at, password_hash=password_hash)

    async def remove(self, user_id: UUID) -> None:
        self.accounts.pop(user_id, None)
        self.external_ids.pop(user_id, None)

    async def find_all(self, email_keys: Collection[str]) -> Mapping[str, UUID]:
        return {user.email.key: user.id for user in self.accounts.values() if user.email.key in email_keys}

    async def find_usernames(self, username_keys: Collection[str]) -> Mapping[str, UUID]:
        return {key: user.id for user in self.accounts.values() if (key := user.username_key) in username_keys and key}

    async def find_external_ids(self, external_ids: Collection[str]) -> Mapping[str, UUID]:
        return {external_id: owner for owner, external_id in self.external_ids.items() if external_id in external_ids}

    async def get_all(self, user_ids: Collection[UUID]) -> Mapping[UUID, User]:
        return {user_id: self.accounts[user_id] for user_id in user_ids if user_id in self.accounts}

    async def add_all(self, users: Sequence[User]) -> None:
        for user in users:
            await self.add(user)

    async def save_all(self, users: Sequence[User]) -> None:
        for user in users:
            await self.save(user)

    async def set_external_ids(self, external_ids: Mapping[UUID, str]) -> None:
        for user_id, external_id in external_ids.items():
            if any(each == external_id and owner != user_id for owner, each in self.external_ids.items()):
                raise self._spoiled(Conflict("external-id-taken", "Another account has this id."))
            self.external_ids[user_id] = external_id

    async def another_admin_exists(self, than: UUID | None) -> bool:
        return any(user.is_admin and user.is_active and user.id != than for user in self.accounts.values())

    def _check(self, user: User) -> None:
        """Raises Conflict where another has the address or the username."""
        others = [each for each in self.accounts.values() if each.id != user.id]
        if any(each.email.key == user.email.key for each in others):
            raise self._spoiled(Conflict("email-taken", "There is an account with this e-mail address already."))
        if user.username_key is not None and any(each.username_key == user.username_key for each in others):
            raise self._spoiled(Conflict("username-taken", "This username is taken."))

    def _spoiled(self, error: Exception) -> Exception:
        self.spoiled_by = self.spoiled_by or error
        return error


@dataclass(frozen=True)
class Unit:
    users: FileUsers


@dataclass
class MembersFile:
    """One unit of work after another. What they changed is written anew as a whole, beside the file, and takes its
    place."""

    path: Path
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[Unit]:
        async with self._turn:
            accounts, external_ids = await asyncio.to_thread(_read, self.path)
            users = FileUsers(accounts, external_ids)
            yield Unit(users)
            if users.spoiled_by is not None:
                raise users.spoiled_by
            if (users.accounts, users.external_ids) != (accounts, external_ids):
                await asyncio.to_thread(_write, self.path, users)


def _read(path: Path) -> tuple[dict[UUID, User], dict[UUID, str]]:
    if not path.exists():
        return {}, {}
    rows = json.loads(path.read_text(encoding="utf-8"))
    users = [_user(row) for row in rows]
    known = {UUID(row["id"]): row["external_id"] for row in rows if row["external_id"] is not None}
    return {user.id: user for user in users}, known


def _write(path: Path, users: FileUsers) -> None:
    rows = [_row(user, users.external_ids.get(user.id)) for user in users.accounts.values()]
    beside = path.with_suffix(".new")
    with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        json.dump(rows, file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)


_TIMES = ("created_at", "updated_at", "last_login_at")
_AS_THEY_ARE = ("username", "first_name", "last_name", "password_hash", "is_active", "is_verified", "version")


def _row(user: User, external_id: str | None) -> dict[str, Any]:
    times = {name: moment and moment.isoformat() for name in _TIMES for moment in [getattr(user, name)]}
    return {
        "id": str(user.id),
        "email": user.email.typed,
        "email_key": user.email.key,
        "roles": sorted(user.roles),
        "external_id": external_id,
        **{name: getattr(user, name) for name in _AS_THEY_ARE},
        **times,
    }


def _user(row: Mapping[str, Any]) -> User:
    return User(
        id=UUID(row["id"]),
        email=EmailAddress(row["email"], row["email_key"]),
        roles=frozenset(row["roles"]),
        **{name: row[name] for name in _AS_THEY_ARE},
        **{name: row[name] and datetime.fromisoformat(row[name]) for name in _TIMES},
    )
