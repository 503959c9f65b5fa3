"""What becomes of some rows of a file: decided and done in one unit of work."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from application.access.reach import admitted
from application.identity.links import Links
from application.imports.chunks import Chunk, RowRefused
from application.imports.rights import RULE, actor_of
from application.imports.rows import Rows, WantedMember
from application.outbox import Outbox
from application.unit_of_work import UnitOfWork
from domain.audit.entry import changed_fields
from domain.errors import Denied, Unauthenticated
from domain.identity.events import (
    UserCreated,
    UserDeactivated,
    UserInvited,
    UserReactivated,
    UserRolesChanged,
    UserUpdated,
)
from domain.identity.one_time_token import Purpose
from domain.identity.user import User
from domain.imports.members_import import MembersImport, OnDuplicate, RejectedRow

PreparedRow = WantedMember | RejectedRow

MOST_WITH_MUCH_TO_FOLLOW = 200
"""Rows, where each has something follow: an invitation, a message to a webhook, a session that ends."""


class TooMuchAtOnce(Exception):
    """So many statements would follow from these rows that others would wait for long."""


@dataclass(frozen=True)
class Merging:
    outbox: Outbox
    links: Links

    async def merge(
        self, uow: UnitOfWork, found: MembersImport, rows: Rows, prepared: Sequence[PreparedRow], now: datetime
    ) -> MembersImport:
        """The import behind these rows; the caller has it locked.

        Raises:
            Denied: who asked for it may not any more (`importer-gone`).
            TooMuchAtOnce: there are many rows, and webhooks hear of each.
            Conflict: somebody else made or changed one of these accounts meanwhile; whoever tries again finds it so.
        """
        if len(prepared) > MOST_WITH_MUCH_TO_FOLLOW and not found.dry_run and await self._is_heard(uow):
            raise TooMuchAtOnce
        try:
            actor = await admitted(uow, actor_of(found.importer), RULE)
        except Unauthenticated as gone:
            raise Denied(
                "importer-gone", "Who asked for this import was deactivated, or their API key revoked."
            ) from gone
        roles = {role.name: role for role in await uow.roles.all()}
        chunk = Chunk(uow, found, actor, roles, now)
        await chunk.look_up([row for row in prepared if isinstance(row, WantedMember)])
        for row in prepared:
            if isinstance(row, RejectedRow):
                chunk.rejected.append(row)
                continue
            try:
                await _decide(chunk, row)
            except RowRefused as refused:
                chunk.rejected.append(rows.rejected(row.record, refused.field, refused.reason))
        if found.dry_run:
            await uow.imports.expect(found.id, chunk.expected)
        else:
            await chunk.store()
            await self._tell(uow, chunk)
        advanced = found.advanced(chunk.counts)
        await uow.imports.save(advanced, chunk.rejected)
        return advanced

    async def _is_heard(self, uow: UnitOfWork) -> bool:
        """Whether anything follows from an account that is made or changed."""
        return any([await self.outbox.is_heard(uow, kind) for kind in (UserCreated, UserUpdated, UserRolesChanged)])

    async def _tell(self, uow: UnitOfWork, chunk: Chunk) -> None:
        if await self.outbox.is_heard(uow, UserCreated):
            for user in chunk.new.values():
                await self.outbox.emit(uow, chunk.actor, UserCreated(user.id))
        if chunk.found.invite:
            for user in chunk.new.values():
                if user.is_active and user.password_hash is None:
                    token = await self.links.issue(uow, user, Purpose.INVITATION)
                    await self.outbox.emit(uow, chunk.actor, UserInvited(user.id, token.id))
        for before, after in chunk.changed.values():
            await self._tell_change(uow, chunk, before, after)

    async def _tell_change(self, uow: UnitOfWork, chunk: Chunk, before: User, after: User) -> None:
        actor, user_id = chunk.actor, after.id
        if before.is_active and not after.is_active:
            await uow.sessions.remove_all_of(user_id)
            await uow.one_time_tokens.remove_all_of(user_id)
            await self.outbox.emit(uow, actor, UserDeactivated(user_id))
        elif after.is_active and not before.is_active:
            await self.outbox.emit(uow, actor, UserReactivated(user_id))
        if before.roles != after.roles:
            await self.outbox.emit(uow, actor, UserRolesChanged(user_id))
        if set(changed_fields(before.changed(chunk.now, is_active=after.is_active, roles=after.roles), after)):
            await self.outbox.emit(uow, actor, UserUpdated(user_id))


async def _decide(chunk: Chunk, row: WantedMember) -> None:
    """Raises RowRefused."""
    chunk.require_rights(row)
    if not chunk.is_there(row):
        chunk.create(row)
    elif chunk.found.on_duplicate is OnDuplicate.REJECT:
        raise RowRefused("email", "There is an account with this e-mail address already, or it was in an earlier row.")
    elif chunk.found.on_duplicate is OnDuplicate.SKIP:
        chunk.skipped += 1
    else:
        await chunk.update(row)
