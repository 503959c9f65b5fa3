"""From the name of a constraint to what it means to a member: a lost race becomes a domain error."""

from collections.abc import Callable, Mapping

from sqlalchemy import PrimaryKeyConstraint, UniqueConstraint

from adapters.sql.tables import metadata
from domain.errors import Conflict

MEANINGS: Mapping[str, Callable[[], Conflict]] = {
    "uq_users_email_key": lambda: Conflict("email-taken", "There is an account with this e-mail address already."),
    "uq_users_username_key": lambda: Conflict("username-taken", "This username is taken."),
    "pk_kept_answers": lambda: Conflict("request-running", "This request was made twice at once; try again."),
    "uq_external_ids_external_id": lambda: Conflict("external-id-taken", "Another account has this id."),
    "uq_jobs_unique_key_unfinished": lambda: Conflict(
        "job-unfinished", "There is another such job, which is not finished."
    ),
    "pk_profiles": lambda: Conflict("changed-meanwhile", "The profile was changed meanwhile; read it again."),
    "uq_products_sku_key": lambda: Conflict("sku-taken", "There is a product of this sku already."),
    "uq_payments_gateway_reference": lambda: Conflict("reference-taken", "Another payment has this reference already."),
    "uq_rooms_name": lambda: Conflict("room-taken", "There is a room of this name already."),
    "uq_roles_name": lambda: Conflict("role-taken", "There is a role of this name already."),
}

_SQLITE_UNIQUE = "UNIQUE constraint failed: "

_NAME_OF_COLUMNS = {
    ", ".join(str(column) for column in constraint.columns): str(constraint.name)
    for table in metadata.tables.values()
    for constraint in table.constraints
    if isinstance(constraint, PrimaryKeyConstraint | UniqueConstraint)
} | {
    ", ".join(str(column) for column in index.columns): str(index.name)
    for table in metadata.tables.values()
    for index in table.indexes
    if index.unique
}


def meaning_of(error: Exception) -> Conflict | None:
    """Of an exception of a driver: the domain error; None where no constraint was broken, or none that has a meaning of
    its own."""
    make = MEANINGS.get(_name(error) or "")
    return make() if make else None


def _name(error: Exception) -> str | None:
    """PostgreSQL names the constraint; SQLite names the columns, from which the tables tell it."""
    name: str | None = getattr(error, "constraint_name", None)
    return name or _NAME_OF_COLUMNS.get(str(error).removeprefix(_SQLITE_UNIQUE))
