"""Who called lately is known, and not looked up again until something about them changes."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from application.access.impersonation import IMPERSONATE
from application.access.ports import AccessQueries, KeyHolder
from application.identity.ports import IdentityQueries, SignedIn
from application.remembering import ROLES, Changes, Remembered
from domain.access.permissions import covers, covers_all, shared

MOST_KNOWN = 10_000
"""Sessions, and API keys, of which each process remembers what it read."""


class KnownCallers:
    """Their sessions and API keys, with the account and all that its roles give."""

    def __init__(self, identity: IdentityQueries, access: AccessQueries, changes: Changes) -> None:
        self._identity = identity
        self._access = access
        self._sessions = Remembered[UUID, SignedIn](changes, most=MOST_KNOWN)
        self._keys = Remembered[tuple[UUID, UUID], KeyHolder](changes, most=MOST_KNOWN)
        self._ids_of_keys: dict[bytes, tuple[UUID, UUID]] = {}

    async def live_session(self, session_id: UUID, user_id: UUID, now: datetime) -> SignedIn | None:
        """The session, if it could be used now by this user. An impersonation lives only as long as the administrator's
        own session, and their right to it; `permissions` are then those that both have, of the ones asked for."""
        found = await self._signed_in(session_id, user_id, now)
        if found is None or found.impersonation is None:
            return found
        begun = found.impersonation
        return _impersonated(found, await self._signed_in(begun.session_id, begun.impersonator_id, now))

    async def live_sessions(self, wanted: Mapping[UUID, UUID], now: datetime) -> Mapping[UUID, SignedIn]:
        """What `live_session` finds for each of these sessions, by their ids, of these users; those for which it finds
        nothing are left out. What is not known any more is read all at once; then, where somebody acts in a member's
        place, the sessions of the administrators, if they are not known either."""
        found = await self._all_signed_in(wanted, now)
        begun = [each.impersonation for each in found.values() if each.impersonation is not None]
        if not begun:
            return found
        theirs = await self._all_signed_in({each.session_id: each.impersonator_id for each in begun}, now)
        live = {
            session_id: _impersonated(each, theirs.get(each.impersonation.session_id)) if each.impersonation else each
            for session_id, each in found.items()
        }
        return {session_id: each for session_id, each in live.items() if each is not None}

    async def key_holder(self, digest: bytes, now: datetime) -> KeyHolder | None:
        """The API key, if it could be used now."""
        ids = self._ids_of_keys.get(digest)
        found = self._keys.get(ids) if ids is not None else None
        if found is None:
            found = await self._read_key(digest, ids, now)
        return None if found is None or (found.expires_at is not None and found.expires_at <= now) else found

    async def _signed_in(self, session_id: UUID, user_id: UUID, now: datetime) -> SignedIn | None:
        async def read() -> SignedIn | None:
            found = await self._identity.signed_in(session_id, now)
            return found if found is not None and found.user.value.id == user_id else None

        found = self._sessions.get(session_id)
        if found is None:
            found = await self._sessions.read(session_id, (session_id, user_id, ROLES), read)
        return None if found is None or found.user.value.id != user_id or found.expires_at <= now else found

    async def _all_signed_in(self, wanted: Mapping[UUID, UUID], now: datetime) -> dict[UUID, SignedIn]:
        async def read(session_ids: Collection[UUID]) -> Mapping[UUID, SignedIn]:
            found = await self._identity.signed_in_all(session_ids, now)
            return {id: each for id, each in found.items() if each.user.value.id == wanted[id]}

        found = self._sessions.get_all(wanted)
        unknown = {id: (id, user_id, ROLES) for id, user_id in wanted.items() if id not in found}
        if unknown:
            found.update(await self._sessions.read_all(unknown, read))
        return {id: each for id, each in found.items() if each.user.value.id == wanted[id] and each.expires_at > now}

    async def _read_key(self, digest: bytes, ids: tuple[UUID, UUID] | None, now: datetime) -> KeyHolder | None:
        """At the first time it is not known yet what the answer depends on, and so it cannot be kept."""
        if ids is not None:
            return await self._keys.read(ids, (*ids, ROLES), lambda: self._access.key_holder(digest, now))
        found = await self._access.key_holder(digest, now)
        if found is not None:
            if len(self._ids_of_keys) >= MOST_KNOWN:
                del self._ids_of_keys[next(iter(self._ids_of_keys))]
            self._ids_of_keys[digest] = found.key_id, found.user.value.id
        return found


def _impersonated(found: SignedIn, administrator: SignedIn | None) -> SignedIn | None:
    """The session of an impersonation, with that of the administrator who began it."""
    if administrator is None or found.impersonation is None:
        return None
    theirs = administrator.permissions
    if not covers(theirs, IMPERSONATE.name) or not covers_all(theirs, found.permissions):
        return None
    return replace(found, permissions=shared(found.impersonation.permissions, found.permissions))
