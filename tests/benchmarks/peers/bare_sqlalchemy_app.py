"""The hand-written minimum in FastAPI with SQLAlchemy Core: a verified token and the row behind it (`/sqlalchemy/me`).

Settings: as for `bare_app`.
"""

import os
from typing import Annotated, Any
from uuid import UUID

from bare_app import Row, health, signed_in  # type: ignore[import-not-found]
from fastapi import Depends, FastAPI, HTTPException
from sqlalchemy import Boolean, Column, DateTime, MetaData, Table, Text, Uuid, select
from sqlalchemy.ext.asyncio import create_async_engine

engine = create_async_engine(os.environ["BENCH_DATABASE_URL"].replace("postgresql://", "postgresql+asyncpg://", 1))
members = Table(
    "members",
    MetaData(),
    Column("id", Uuid, primary_key=True),
    *(Column(name, Text) for name in ("email", "username", "first_name", "last_name")),
    Column("is_active", Boolean),
    Column("created_at", DateTime(timezone=True)),
)
app = FastAPI()
app.get("/health")(health)


@app.get("/sqlalchemy/me")
async def row_of_me(claims: Annotated[dict[str, Any], Depends(signed_in)]) -> Row:
    async with engine.connect() as connection:
        row = (await connection.execute(select(members).where(members.c.id == UUID(claims["sub"])))).one_or_none()
    if row is None:
        raise HTTPException(401)
    return Row(**row._mapping)
