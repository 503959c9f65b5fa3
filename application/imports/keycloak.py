"""Members out of a realm that Keycloak exported, as rows of a file that can be imported.

Source: what `kc.sh export` writes (Keycloak 26), `RealmRepresentation` with `UserRepresentation`: one file with the
realm and its `users`, or files of users alone beside it.
"""

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from domain.errors import Invalid

NOT_READABLE = "$keycloak"
"""In the place of the hash of a password that is kept in a way not known here: no hash, so that the import refuses the
row and says so, instead of letting the member come without the password they have."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SERVICE_ACCOUNT = ("serviceAccountClientId", "serviceAccountClientLink")
"""The account of a program: its name in exports, and in the database."""
_PBKDF2 = {"pbkdf2": "sha1", "pbkdf2-sha256": "sha256", "pbkdf2-sha512": "sha512"}
_ARGON2_VERSIONS = {"1.0": 16, "1.3": 19}


def rows(export: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    """One for each user, by our names of the columns; what is not known is empty, and roles are always: Keycloak's are
    not ours. Service accounts are left out, and so is a username that only repeats the e-mail address.

    Raises:
        Invalid: `no-users`; this is not what Keycloak exports, or it is a realm without its users.
    """
    users = export.get("users")
    if not isinstance(users, list) or not all(isinstance(user, dict) for user in users):
        raise Invalid.field(
            "no-users", "/file", "There is no list of users in it. Keycloak may have put them into files of their own."
        )
    for user in users:
        if not any(user.get(name) for name in _SERVICE_ACCOUNT):
            yield _row(user)


def _row(user: Mapping[str, Any]) -> dict[str, str]:
    email, username = _text(user.get("email")), _text(user.get("username"))
    return {
        "email": email,
        "username": "" if username.lower() == email.lower() else username,
        "first_name": _text(user.get("firstName")),
        "last_name": _text(user.get("lastName")),
        "is_active": _boolean(user.get("enabled")),
        "is_verified": _boolean(user.get("emailVerified")),
        "password_hash": _password_hash(user.get("credentials")),
        "external_id": _text(user.get("id")),
        "created_at": _moment(user.get("createdTimestamp")),
        "roles": "",
    }


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _boolean(value: object) -> str:
    """Keycloak takes what is missing for false."""
    return "true" if value is True else "false"


def _moment(milliseconds: object) -> str:
    """RFC 3339, in UTC."""
    if not isinstance(milliseconds, int):
        return ""
    try:
        moment = _EPOCH + timedelta(milliseconds=milliseconds)
    except OverflowError:
        return ""
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _password_hash(credentials: object) -> str:
    """The password as a PHC string; empty where there is none."""
    if not isinstance(credentials, list):
        return ""
    passwords = (each for each in credentials if isinstance(each, dict) and each.get("type") == "password")
    password = next(passwords, None)
    if password is None:
        return ""
    try:
        return _phc_string(json.loads(password["secretData"]), json.loads(password["credentialData"]))
    except (LookupError, TypeError, ValueError, OverflowError, RecursionError):
        return NOT_READABLE


def _phc_string(secret: Mapping[str, Any], data: Mapping[str, Any]) -> str:
    """Raises LookupError, TypeError, ValueError or OverflowError where it is not as Keycloak itself leaves it."""
    salt, value = (secret[name].rstrip("=") if isinstance(secret[name], str) else "" for name in ("salt", "value"))
    algorithm, iterations = data["algorithm"], int(data["hashIterations"])
    if algorithm != "argon2":
        return f"$pbkdf2-{_PBKDF2[algorithm]}$i={iterations}${salt}${value}"
    parameters = data["additionalParameters"]

    def first(name: str) -> str:
        found: str = parameters[name][0]
        return found

    version = _ARGON2_VERSIONS[first("version")]
    costs = f"m={int(first('memory'))},t={iterations},p={int(first('parallelism'))}"
    return f"$argon2{first('type')}$v={version}${costs}${salt}${value}"
