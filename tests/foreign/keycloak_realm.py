"""A realm as Keycloak exports it, written here: Keycloak is a Java server that no package registry of ours has.

The form is that of `kc.sh export --users realm_file` (Keycloak 26): `RealmRepresentation` with `users`, each with
`credentials` whose `secretData` and `credentialData` are JSON in a string. What it does to a password is written after
its sources (`Pbkdf2PasswordHashProvider`, `Argon2PasswordHashProvider`). So these hashes are Keycloak's in form, and in
value only as far as the standards are.
"""

import base64
import hashlib
import json
import uuid
from collections.abc import Mapping
from typing import Any

from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from tests.foreign.people import PEOPLE, Person

CREATED = 1_700_000_000_000
"""Milliseconds since 1970, of the first one: 2023-11-14T22:13:20Z. The others follow a day apart."""
DAY = 24 * 60 * 60 * 1_000
ARGON2 = {"hashLength": ["32"], "memory": ["7168"], "type": ["id"], "version": ["1.3"], "parallelism": ["1"]}
PBKDF2 = {  # digest, iterations and bytes: of 26, 25 and 19
    "default": ("sha512", 210_000, 64),
    "bcrypt": ("sha256", 27_500, 32),
    "bcrypt_sha256": ("sha256", 27_500, 64),
}
NAMESPACE = uuid.UUID("6b1b36cb-1d1c-4a39-8f4e-3d2f5d4f5c11")


def realm() -> dict[str, Any]:
    members = [_user(number, person) for number, person in enumerate(PEOPLE)]
    without_address = {
        "id": _id("nobody"),
        "username": "without-address",
        "emailVerified": False,
        "createdTimestamp": CREATED,
        "enabled": True,
        "totp": False,
        "credentials": [],
        "realmRoles": ["default-roles-club"],
    }
    service = {
        "id": _id("service"),
        "username": "service-account-newsletter",
        "emailVerified": False,
        "createdTimestamp": CREATED,
        "enabled": True,
        "totp": False,
        "serviceAccountClientId": "newsletter",
        "credentials": [],
        "realmRoles": ["default-roles-club"],
    }
    return {
        "id": _id("club"),
        "realm": "club",
        "displayName": "The club",
        "enabled": True,
        "registrationEmailAsUsername": False,
        "roles": {"realm": [{"name": "default-roles-club"}, {"name": "board"}]},
        "users": [*members, without_address, service],
        "keycloakVersion": "26.4.0",
    }


def _user(number: int, person: Person) -> dict[str, Any]:
    user = {
        "id": _id(person.email),
        "username": person.username.lower(),
        "firstName": person.first_name,
        "lastName": person.last_name,
        "email": person.email.lower(),
        "emailVerified": person.is_verified,
        "createdTimestamp": CREATED + number * DAY,
        "enabled": person.is_active,
        "totp": number == 0,
        "credentials": _credentials(person),
        "disableableCredentialTypes": [],
        "requiredActions": [] if person.password else ["UPDATE_PASSWORD"],
        "realmRoles": ["default-roles-club", "board"] if person.is_superuser else ["default-roles-club"],
        "notBefore": 0,
        "groups": [],
    }
    return {name: value for name, value in user.items() if value != ""}


def _credentials(person: Person) -> list[dict[str, Any]]:
    if person.password is None:
        return []
    salt = hashlib.sha256(person.email.encode()).digest()[:16]  # always the same file
    typed = person.password.encode()
    if person.hashed_by in PBKDF2:
        digest, iterations, length = PBKDF2[person.hashed_by]
        value = hashlib.pbkdf2_hmac(digest, typed, salt, iterations, length)
        data = {"hashIterations": iterations, "algorithm": f"pbkdf2-{digest}", "additionalParameters": {}}
    else:
        value = Argon2id(salt=salt, length=32, iterations=5, lanes=1, memory_cost=7168).derive(typed)
        data = {"hashIterations": 5, "algorithm": "argon2", "additionalParameters": ARGON2}
    secret = {"value": _base64(value), "salt": _base64(salt), "additionalParameters": {}}
    credentials = [_credential("password", person, secret, data)]
    if person.is_superuser:
        one_time = {"subType": "totp", "digits": 6, "counter": 0, "period": 30, "algorithm": "HmacSHA1"}
        credentials.insert(0, _credential("otp", person, {"value": "a secret of a phone"}, one_time))
    return credentials


def _credential(kind: str, person: Person, secret: Mapping[str, Any], data: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": _id(f"{kind} of {person.email}"),
        "type": kind,
        "createdDate": CREATED,
        "secretData": json.dumps(secret, separators=(",", ":")),
        "credentialData": json.dumps(data, separators=(",", ":")),
    }


def _base64(part: bytes) -> str:
    return base64.b64encode(part).decode()


def _id(name: str) -> str:
    return str(uuid.uuid5(NAMESPACE, name))
