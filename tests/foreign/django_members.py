# mypy: disable-error-code="import-not-found,import-untyped,misc,unused-ignore"
"""Members made by Django's own `contrib.auth`, on SQLite (run where the peers of the benchmark live).

Run: python -m tests.foreign.django_members DATABASE_FILE
"""

import sys
from datetime import UTC, datetime

import django
from django.conf import settings
from django.contrib.auth import hashers
from django.core.management import call_command

from tests.foreign.people import PEOPLE

ITERATIONS = 1_000
LONG_AGO = datetime(2012, 2, 29, 12, tzinfo=UTC)
"""Django writes whole seconds without a fraction."""


class CheapPbkdf2(hashers.PBKDF2PasswordHasher):
    """As Django's documentation changes the iterations; only the default hasher has as many as Django wants."""

    iterations = ITERATIONS


class CheapBcrypt(hashers.BCryptPasswordHasher):
    rounds = 4


class CheapBcryptSha256(hashers.BCryptSHA256PasswordHasher):
    rounds = 4


class CheapArgon2(hashers.Argon2PasswordHasher):
    time_cost = 1
    memory_cost = 1024
    parallelism = 2


CHEAP = {"bcrypt": CheapBcrypt, "bcrypt_sha256": CheapBcryptSha256, "argon2": CheapArgon2}


def main(file: str) -> None:
    settings.configure(
        INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes"],
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": file}},
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        USE_TZ=True,
    )
    django.setup()
    from django.contrib.auth.models import User

    call_command("migrate", verbosity=0)
    for person in PEOPLE:
        make = User.objects.create_superuser if person.is_superuser else User.objects.create_user
        user = make(
            person.username,
            person.email,
            person.password,
            first_name=person.first_name,
            last_name=person.last_name,
            is_active=person.is_active,
            **({} if person.is_active else {"date_joined": LONG_AGO}),
        )
        if person.password is not None and person.hashed_by != "default":
            hasher = CHEAP.get(person.hashed_by, CheapPbkdf2)()
            user.password = hasher.encode(person.password, hasher.salt())
            user.save()


if __name__ == "__main__":
    main(sys.argv[1])
