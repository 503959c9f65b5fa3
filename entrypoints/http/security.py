"""Who is calling, from the request."""

from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import OAuth2PasswordBearer

from application.app import Application
from application.identity.caller import Caller
from domain.access.actor import Actor
from domain.errors import Unauthenticated
from domain.identity.session import Client

bearer = OAuth2PasswordBearer(
    tokenUrl="/api/v1/auth/token",
    refreshUrl="/api/v1/auth/token",
    auto_error=False,
    description="First-party sign-in (RFC 6749, section 4.3); the access token then goes into `Authorization: Bearer`.",
)


async def get_application(request: Request) -> Application:
    application: Application = request.app.state.application
    return application


TheApplication = Annotated[Application, Depends(get_application)]


async def get_caller(application: TheApplication, token: Annotated[str | None, Depends(bearer)]) -> Caller:
    if not token:
        raise Unauthenticated("not-signed-in", "Sign in first.")
    return await application.identity.identify_caller(token)


TheCaller = Annotated[Caller, Depends(get_caller)]


async def get_actor(caller: TheCaller) -> Actor:
    return caller.actor


SignedIn = Annotated[Actor, Depends(get_actor)]


async def get_client(request: Request) -> Client:
    return Client(request.client.host if request.client else None, request.headers.get("user-agent"))


TheClient = Annotated[Client, Depends(get_client)]
