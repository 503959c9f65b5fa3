"""Accounts within a unit of work."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from adapters.memory import imports, notifications
from adapters.memory.database import Changes, Layer
from domain.errors import Conflict
from domain.identity.user import User, UserRepository


class MemoryUsers(UserRepository):
    def __init__(self, changes: Changes) -> None:
        self._changes = changes

    async def add(self, user: User) -> None:
        self._claim_keys(user)
        self._changes.users.add(user.id, user)

    async def get(self, user_id: UUID) -> User | None:
        return self._changes.users.get(user_id)

    async def find(self, email_key: str) -> UUID | None:
        return self._changes.emails.get(email_key)

    async def save(self, user: User) -> User:
        stored = self._changes.users.get(user.id)
        if stored is None or stored.version != user.version:
            raise self._changes.spoil(
                Conflict("changed-meanwhile", "The account was changed meanwhile; read it again.")
            )
        self._release_keys(stored)
        self._claim_keys(user)
        saved = replace(user, version=user.version + 1)
        self._changes.users.put(user.id, saved)
        return saved

    async def record_sign_in(self, user_id: UUID, at: datetime, *, password_hash: str) -> None:
        if (user := self._changes.users.get(user_id)) is not None:
            self._changes.users.put(user_id, replace(user, last_login_at=at, password_hash=password_hash))

    async def remove(self, user_id: UUID) -> None:
        if (user := self._changes.users.get(user_id)) is None:
            return
        self._release_keys(user)
        self._changes.users.remove(user_id)
        for session in self._changes.sessions.values():
            if session.user_id == user_id:
                self._changes.sessions.remove(session.id)
        for key in self._changes.api_keys.values():
            if key.user_id == user_id:
                self._changes.api_keys.remove(key.id)
        for token in self._changes.one_time_tokens.values():
            if token.user_id == user_id:
                self._changes.one_time_tokens.remove(token.id)
        for job in self._changes.jobs.values():
            if job.owner_id == user_id:
                self._changes.jobs.remove(job.id)
                imports.remove_of(self._changes, job.id)
        self._forget_external_id(user_id)
        self._changes.profiles.remove(user_id)
        for order in self._changes.orders.values():
            if order.user_id == user_id:
                self._changes.orders.put(order.id, replace(order, user_id=None))
        for notification in self._changes.notifications.values():
            if notification.user_id == user_id:
                notifications.remove(self._changes, notification.id)
        self._changes.inboxes.remove(user_id)
        for place, _ in self._changes.preferences.items():
            if place[0] == user_id:
                self._changes.preferences.remove(place)
        for post in self._changes.posts.values():
            if post.author_id == user_id:
                self._changes.posts.remove(post.id)
        for message in self._changes.room_messages.values():
            if message.author_id == user_id:
                self._changes.room_messages.remove((message.room_id, message.number))
        for ticket in self._changes.live_tickets.values():
            if ticket.user_id == user_id:
                self._changes.live_tickets.remove(ticket.digest)

    async def find_all(self, email_keys: Collection[str]) -> Mapping[str, UUID]:
        return _found(self._changes.emails, email_keys)

    async def find_usernames(self, username_keys: Collection[str]) -> Mapping[str, UUID]:
        return _found(self._changes.usernames, username_keys)

    async def find_external_ids(self, external_ids: Collection[str]) -> Mapping[str, UUID]:
        return _found(self._changes.external_ids, external_ids)

    async def get_all(self, user_ids: Collection[UUID]) -> Mapping[UUID, User]:
        return {user_id: user for user_id in user_ids if (user := self._changes.users.get(user_id)) is not None}

    async def add_all(self, users: Sequence[User]) -> None:
        for user in users:
            await self.add(user)

    async def save_all(self, users: Sequence[User]) -> None:
        for user in users:
            await self.save(user)

    async def set_external_ids(self, external_ids: Mapping[UUID, str]) -> None:
        for user_id, external_id in external_ids.items():
            self._forget_external_id(user_id)
            if self._changes.external_ids.get(external_id) is not None:
                raise self._changes.spoil(Conflict("external-id-taken", "Another account has this id."))
            self._changes.external_ids.put(external_id, user_id)

    def _forget_external_id(self, user_id: UUID) -> None:
        for external_id, owner in self._changes.external_ids.items():
            if owner == user_id:
                self._changes.external_ids.remove(external_id)

    async def another_admin_exists(self, than: UUID | None) -> bool:
        return any(user.is_admin and user.is_active and user.id != than for user in self._changes.users.values())

    def _claim_keys(self, user: User) -> None:
        """Raises Conflict where another user has the e-mail address or the username."""
        if self._changes.emails.get(user.email.key) is not None:
            raise self._changes.spoil(Conflict("email-taken", "There is an account with this e-mail address already."))
        if user.username_key is not None and self._changes.usernames.get(user.username_key) is not None:
            raise self._changes.spoil(Conflict("username-taken", "This username is taken."))
        self._changes.emails.put(user.email.key, user.id)
        if user.username_key is not None:
            self._changes.usernames.put(user.username_key, user.id)

    def _release_keys(self, user: User) -> None:
        self._changes.emails.remove(user.email.key)
        if user.username_key is not None:
            self._changes.usernames.remove(user.username_key)


def _found(layer: Layer[str, UUID], keys: Collection[str]) -> Mapping[str, UUID]:
    return {key: owner for key in keys if (owner := layer.get(key)) is not None}
