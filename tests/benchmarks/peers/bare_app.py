"""The hand-written minimum in FastAPI: a verified token only (`/claims/me`), and the row behind it (`/row/me`).

Settings: BENCH_PUBLIC_KEY, an Ed25519 key as PEM; BENCH_DATABASE_URL, PostgreSQL with a table `members`, or nothing.
"""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Annotated
from uuid import UUID

import asyncpg
import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from fastapi import Depends, FastAPI, HTTPException, Request
from pydantic import BaseModel

PUBLIC_KEY = load_pem_public_key(os.environ["BENCH_PUBLIC_KEY"].encode())
if not isinstance(PUBLIC_KEY, Ed25519PublicKey):
    raise TypeError("BENCH_PUBLIC_KEY is not an Ed25519 key")
DATABASE_URL = os.environ.get("BENCH_DATABASE_URL")
POOL_SIZE = 10  # connections for each worker
OWN_ROW = "SELECT id, email, username, first_name, last_name, is_active, created_at FROM members WHERE id = $1"


class Claims(BaseModel):
    id: UUID
    email: str


class Row(Claims):
    username: str
    first_name: str
    last_name: str
    is_active: bool
    created_at: datetime


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    if DATABASE_URL is None:
        yield
        return
    async with asyncpg.create_pool(DATABASE_URL, min_size=POOL_SIZE, max_size=POOL_SIZE) as pool:
        app.state.pool = pool
        yield


app = FastAPI(lifespan=lifespan)


async def signed_in(request: Request) -> Claims:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    try:
        claims = jwt.decode(token, PUBLIC_KEY, algorithms=["EdDSA"], options={"require": ["exp", "sub"]})
    except jwt.PyJWTError:
        claims = None
    if claims is None or scheme != "Bearer":
        raise HTTPException(401, headers={"WWW-Authenticate": "Bearer"})
    return Claims(id=claims["sub"], email=claims["email"])


@app.get("/health")
async def health() -> dict[str, str]:
    return {"status": "ok"}


@app.get("/claims/me")
async def claims_of_me(caller: Annotated[Claims, Depends(signed_in)]) -> Claims:
    return caller


@app.get("/row/me")
async def row_of_me(request: Request, caller: Annotated[Claims, Depends(signed_in)]) -> Row:
    row = await request.app.state.pool.fetchrow(OWN_ROW, caller.id)
    if row is None:
        raise HTTPException(401)
    return Row(**row)
