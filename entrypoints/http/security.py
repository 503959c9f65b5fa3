"""Who is calling, from the request."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import OAuth2PasswordBearer
from starlette.types import Scope

from application.app import Application
from application.identity.caller import Caller
from domain.access.actor import Actor, Origin, anonymous
from domain.errors import Invalid, Throttled, Unauthenticated
from entrypoints.http import limits

BEARER = "bearer"
API_KEY_HEADER = "X-API-Key"


async def get_application(request: Request) -> Application:
    application: Application = request.app.state.application
    return application


TheApplication = Annotated[Application, Depends(get_application)]


class Credentials(OAuth2PasswordBearer):
    """The member whose access token or API key came with the request.

    Scheme of the description and dependency in one: each level of dependencies costs as much as verifying the token.
    """

    is_optional = False

    def __init__(self) -> None:
        super().__init__(
            tokenUrl="/api/v1/auth/token",
            refreshUrl="/api/v1/auth/token",
            scheme_name="BearerToken",
            auto_error=False,
            description="First-party sign-in (RFC 6749, section 4.3); the access token is sent as a bearer token. "
            "An API key may be sent in its place.",
        )

    async def __call__(self, request: Request) -> Caller:  # type: ignore[override]
        """Raises Unauthenticated (`not-signed-in`, `bad-token`, `bad-api-key`), Invalid (`two-credentials`), Throttled
        (`too-many-requests`)."""
        credentials, origin = read_credentials(request.scope)
        try:
            if not credentials:
                raise Unauthenticated("not-signed-in", "Sign in first.")
            if len(credentials) > 1:
                raise Invalid.field("two-credentials", "/X-API-Key", "Send one access token or one API key.")
            credential, is_key = credentials[0]
            application: Application = request.app.state.application
            caller = await application.identity.identify_caller(credential, as_key=is_key, origin=origin)
        except (Unauthenticated, Invalid):
            await limits.count_stranger(request, origin)
            raise
        request.scope["state"]["user_id"] = caller.actor.user_id
        await limits.count(request, str(caller.actor.api_key_id or caller.actor.user_id))
        return caller


class OptionalCredentials(Credentials):
    """Whoever it is, where strangers may read too. A token that is not good any more is refused, and not taken for
    none: its owner would see less than is theirs, and not learn why."""

    is_optional = True

    async def __call__(self, request: Request) -> Actor:  # type: ignore[override]
        """Raises as `Credentials` does, but not for who brings nothing."""
        credentials, origin = read_credentials(request.scope)
        if credentials:
            return (await super().__call__(request)).actor
        await limits.count_stranger(request, origin)
        return anonymous(origin)


TheCaller = Annotated[Caller, Depends(Credentials())]


async def get_actor(caller: TheCaller) -> Actor:
    return caller.actor


SignedIn = Annotated[Actor, Depends(get_actor)]


Anybody = Annotated[Actor, Depends(OptionalCredentials())]


async def get_stranger(request: Request) -> Actor:
    """Raises Throttled (`too-many-requests`)."""
    origin = read_credentials(request.scope)[-1]
    await limits.count_stranger(request, origin)
    return anonymous(origin)


Stranger = Annotated[Actor, Depends(get_stranger)]
"""Whoever calls where nobody has to be signed in; credentials that come along say nothing there."""


@dataclass(frozen=True, slots=True)
class Comer:
    """A stranger who wants to sign in. `one_too_many` is for whoever has no known device: a member who has one is not
    kept out by others at the same address."""

    actor: Actor
    one_too_many: Throttled | None


async def get_comer(request: Request) -> Comer:
    origin = read_credentials(request.scope)[-1]
    try:
        await limits.count_stranger(request, origin)
    except Throttled as error:
        return Comer(anonymous(origin), error)
    return Comer(anonymous(origin), None)


SigningIn = Annotated[Comer, Depends(get_comer)]


def read_credentials(scope: Scope) -> tuple[list[tuple[str, bool]], Origin]:
    """Every credential, and whether it came as an API key; and where the request comes from. In one pass over the
    headers: each request pays for it."""
    credentials = []
    user_agent = None
    for name, value in scope["headers"]:
        if name == b"authorization":
            scheme, _, token = value.decode("latin-1").partition(" ")
            if scheme.lower() == BEARER and token.strip():
                credentials.append((token.strip(), False))
        elif name == b"x-api-key":
            credentials.append((value.decode("latin-1"), True))
        elif name == b"user-agent":
            user_agent = value.decode("latin-1")
    client = scope["client"]
    return credentials, Origin(client[0] if client else None, user_agent, scope["state"]["request_id"])
