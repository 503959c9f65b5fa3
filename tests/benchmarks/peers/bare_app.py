"""The hand-written minimum in FastAPI: a verified token only (`/claims/me`), and the row behind it (`/row/me`).

Settings: BENCH_PUBLIC_KEY, an Ed25519 key as PEM; BENCH_DATABASE_URL, PostgreSQL with a table `members`, or nothing.
"""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Annotated, Any, cast
from uuid import UUID

import asyncpg
import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from fastapi import Depends, FastAPI, HTTPException, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel

PUBLIC_KEY = cast("Ed25519PublicKey", load_pem_public_key(os.environ["BENCH_PUBLIC_KEY"].encode()))
DATABASE_URL = os.environ.get("BENCH_DATABASE_URL")
POOL_SIZE = 5  # connections for each worker; 10 and 20 were slower on two cores
OWN_ROW = "SELECT id, email, username, first_name, last_name, is_active, created_at FROM members WHERE id = $1"


class Row(BaseModel):
    id: UUID
    email: str
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


async def signed_in(request: Request) -> dict[str, Any]:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    try:
        if scheme == "Bearer":
            return jwt.decode(token, PUBLIC_KEY, algorithms=["EdDSA"], options={"require": ["exp", "sub"]})
    except jwt.PyJWTError:
        pass
    raise HTTPException(401, headers={"WWW-Authenticate": "Bearer"})


@app.get("/health")
async def health() -> dict[str, str]:
    return {"status": "ok"}


@app.get("/claims/me")
async def claims_of_me(claims: Annotated[dict[str, Any], Depends(signed_in)]) -> JSONResponse:
    return JSONResponse({"id": claims["sub"], "email": claims["email"]})


@app.get("/row/me")
async def row_of_me(request: Request, claims: Annotated[dict[str, Any], Depends(signed_in)]) -> Row:
    row = await request.app.state.pool.fetchrow(OWN_ROW, UUID(claims["sub"]))
    if row is None:
        raise HTTPException(401)
    return Row(**row)
