# mypy: disable-error-code="import-not-found,misc,unused-ignore"
"""Members made by fastapi-users itself, in its SQLAlchemy table on SQLite (run where the peers of the benchmark live).

Run: python -m tests.foreign.fastapi_users_members DATABASE_FILE
"""

import asyncio
import sys
import uuid

from fastapi_users import BaseUserManager, UUIDIDMixin, schemas
from fastapi_users.password import PasswordHelper
from fastapi_users_db_sqlalchemy import SQLAlchemyBaseUserTableUUID, SQLAlchemyUserDatabase
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher
from pwdlib.hashers.bcrypt import BcryptHasher
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase

from tests.foreign.people import PEOPLE

CHEAPLY = PasswordHelper(PasswordHash((Argon2Hasher(time_cost=1, memory_cost=1024, parallelism=4),)))
HASHERS = {
    "default": PasswordHelper(),
    "bcrypt": PasswordHelper(PasswordHash((BcryptHasher(rounds=4),))),  # what fastapi-users used until version 12
}


class Base(DeclarativeBase):
    pass


class User(SQLAlchemyBaseUserTableUUID, Base):
    pass


class UserManager(UUIDIDMixin, BaseUserManager[User, uuid.UUID]):
    pass


async def main(file: str) -> None:
    engine = create_async_engine(f"sqlite+aiosqlite:///{file}")
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    async with async_sessionmaker(engine, expire_on_commit=False)() as session:
        database = SQLAlchemyUserDatabase(session, User)
        for person in PEOPLE:
            if person.password is None:
                continue  # there is none without a password
            await UserManager(database, HASHERS.get(person.hashed_by, CHEAPLY)).create(
                schemas.BaseUserCreate(
                    email=person.email,
                    password=person.password,
                    is_active=person.is_active,
                    is_verified=person.is_verified,
                    is_superuser=person.is_superuser,
                )
            )
    await engine.dispose()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
