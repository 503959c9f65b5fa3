"""The part of a session that tells an impersonation."""

from typing import Any

from sqlalchemy import Row

from adapters.sql.patterns import as_patterns, as_text
from adapters.sql.tables import sessions
from domain.identity.session import Impersonation

COLUMNS = (sessions.c.impersonator_id, sessions.c.impersonator_session_id, sessions.c.impersonator_permissions)


def impersonation(row: Row[Any]) -> Impersonation | None:
    if row.impersonator_id is None:
        return None
    return Impersonation(
        row.impersonator_id, row.impersonator_session_id, as_patterns(row.impersonator_permissions or "")
    )


def columns_of(impersonation: Impersonation | None) -> dict[str, object]:
    return {
        "impersonator_id": impersonation.impersonator_id if impersonation else None,
        "impersonator_session_id": impersonation.session_id if impersonation else None,
        "impersonator_permissions": as_text(impersonation.permissions) if impersonation else None,
    }
