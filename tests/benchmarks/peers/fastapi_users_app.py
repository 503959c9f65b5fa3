# mypy: disable-error-code="import-not-found,misc,unused-ignore,untyped-decorator"
"""fastapi-users as its documentation sets it up: SQLAlchemy over asyncpg, JWT strategy, bearer transport.

Two things differ from the documentation, both for a fair comparison: passwords are hashed with bcrypt at cost 12, as
Moothall's are, and the pool is large enough for the benchmark's 32 connections, instead of opening and closing them all
the time.

Settings: BENCH_DATABASE_URL (`postgresql+asyncpg://…`), BENCH_SECRET_KEY.
Run as a program (`fastapi_users_app.py seed MEMBERS PASSWORD REQUESTS_FILE`) it makes the tables and the members.
"""

import asyncio
import os
import sys
import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated

from fastapi import Depends, FastAPI
from fastapi_users import BaseUserManager, FastAPIUsers, UUIDIDMixin, schemas
from fastapi_users.authentication import AuthenticationBackend, BearerTransport, JWTStrategy
from fastapi_users.password import PasswordHelper
from fastapi_users_db_sqlalchemy import SQLAlchemyBaseUserTableUUID, SQLAlchemyUserDatabase
from pwdlib import PasswordHash
from pwdlib.hashers.bcrypt import BcryptHasher
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase

SECRET = os.environ["BENCH_SECRET_KEY"]
LIFETIME = 3600  # seconds
POOL_SIZE = 20  # connections for each worker

engine = create_async_engine(os.environ["BENCH_DATABASE_URL"], pool_size=POOL_SIZE)
new_session = async_sessionmaker(engine, expire_on_commit=False)
passwords = PasswordHelper(PasswordHash((BcryptHasher(rounds=12),)))


class Base(DeclarativeBase):
    pass


class User(SQLAlchemyBaseUserTableUUID, Base):
    pass


class UserRead(schemas.BaseUser[uuid.UUID]):
    pass


class UserUpdate(schemas.BaseUserUpdate):
    pass


class UserManager(UUIDIDMixin, BaseUserManager[User, uuid.UUID]):
    reset_password_token_secret = SECRET
    verification_token_secret = SECRET


async def session() -> AsyncIterator[AsyncSession]:
    async with new_session() as opened:
        yield opened


async def user_database(
    opened: Annotated[AsyncSession, Depends(session)],
) -> AsyncIterator[SQLAlchemyUserDatabase[User, uuid.UUID]]:
    yield SQLAlchemyUserDatabase(opened, User)


async def user_manager(
    database: Annotated[SQLAlchemyUserDatabase[User, uuid.UUID], Depends(user_database)],
) -> AsyncIterator[UserManager]:
    yield UserManager(database, passwords)


def strategy() -> JWTStrategy[User, uuid.UUID]:
    return JWTStrategy(secret=SECRET, lifetime_seconds=LIFETIME)


backend = AuthenticationBackend(name="jwt", transport=BearerTransport(tokenUrl="auth/login"), get_strategy=strategy)
users = FastAPIUsers[User, uuid.UUID](user_manager, [backend])

app = FastAPI()
app.include_router(users.get_auth_router(backend), prefix="/auth")
app.include_router(users.get_users_router(UserRead, UserUpdate), prefix="/users")


@app.get("/health")
async def health() -> dict[str, str]:
    return {"status": "ok"}


async def seed(members: int, password: str, requests: Path) -> None:
    """All members share one hash: only logging in reads it, and the salt does not change what that costs."""
    hashed = passwords.hash(password)
    made = [
        User(id=uuid.uuid4(), email=f"member{number}@example.com", hashed_password=hashed) for number in range(members)
    ]
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    async with new_session() as opened:
        opened.add_all(made)
        await opened.commit()
    tokens = [await strategy().write_token(user) for user in made]
    lines = [f"/users/me {token} {user.email}\n" for user, token in zip(made, tokens, strict=True)]
    requests.write_text("".join(lines))  # noqa: ASYNC240
    await engine.dispose()


if __name__ == "__main__":
    asyncio.run(seed(int(sys.argv[2]), sys.argv[3], Path(sys.argv[4])))
