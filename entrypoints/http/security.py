"""Who is calling, from the request."""

from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import OAuth2PasswordBearer

from application.app import Application
from application.identity.caller import Caller
from domain.access.actor import Actor
from domain.errors import Unauthenticated
from domain.identity.session import Client


async def get_application(request: Request) -> Application:
    application: Application = request.app.state.application
    return application


TheApplication = Annotated[Application, Depends(get_application)]


class BearerToken(OAuth2PasswordBearer):
    """The member whose access token came with the request.

    Scheme of the description and dependency in one: each level of dependencies costs as much as verifying the token.
    """

    def __init__(self) -> None:
        super().__init__(
            tokenUrl="/api/v1/auth/token",
            refreshUrl="/api/v1/auth/token",
            scheme_name="BearerToken",
            auto_error=False,
            description="First-party sign-in (RFC 6749, section 4.3); the access token is sent as a bearer token.",
        )

    async def __call__(self, request: Request) -> Caller:  # type: ignore[override]
        """Raises Unauthenticated (`not-signed-in`, `bad-token`)."""
        token = await super().__call__(request)
        if not token:
            raise Unauthenticated("not-signed-in", "Sign in first.")
        application: Application = request.app.state.application
        return await application.identity.identify_caller(token)


TheCaller = Annotated[Caller, Depends(BearerToken())]


async def get_actor(caller: TheCaller) -> Actor:
    return caller.actor


SignedIn = Annotated[Actor, Depends(get_actor)]


async def get_client(request: Request) -> Client:
    return Client(request.client.host if request.client else None, request.headers.get("user-agent"))


TheClient = Annotated[Client, Depends(get_client)]
