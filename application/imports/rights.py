"""What an import may do: no more than who asked for it, then and now."""

from domain.access.actor import Actor, ActorKind
from domain.access.permissions import Permission
from domain.access.policy import holder
from domain.imports.members_import import Importer

IMPORT = Permission("users:import", "Bring members in from files, and see what became of such an import.")
IMPORT_PASSWORDS = Permission("users:import-passwords", "Bring password hashes in with members.")

RULE = holder(IMPORT)
PASSWORDS_RULE = holder(IMPORT_PASSWORDS)


def importer_of(actor: Actor) -> Importer:
    return Importer(actor.name, actor.permissions, actor.user_id, actor.api_key_id, actor.impersonator_id)


def actor_of(importer: Importer) -> Actor:
    """Without a session: who signs out has not changed their mind."""
    if importer.user_id is None:
        return Actor(ActorKind.OPERATOR, importer.name, importer.permissions)
    kind = ActorKind.MEMBER if importer.api_key_id is None else ActorKind.API_KEY
    return Actor(
        kind,
        None,
        importer.permissions,
        importer.user_id,
        api_key_id=importer.api_key_id,
        impersonator_id=importer.impersonator_id,
    )
