"""Registration, signing in and out, one's sessions."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Form, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from application.identity.views import SessionView, TokenPair, UserView
from application.paging import Page, PageRequest
from entrypoints.http.openapi import problems
from entrypoints.http.resources import API, NO_STORE, Body, accepted, listing, no_content, page_request, resource
from entrypoints.http.routing import StrictRoute, operation_id
from entrypoints.http.security import SignedIn, SigningIn, Stranger, TheApplication

router = APIRouter(prefix=f"{API}/auth", route_class=StrictRoute, generate_unique_id_function=operation_id)


class Registration(Body):
    email: str = Field(examples=["ada@example.com"], json_schema_extra={"format": "email"})
    password: str = Field(
        examples=["violet-anchor-42-lamp"],
        description="At least 12 characters (settable), 256 at most; refused when it is common, weak or made of names.",
    )
    username: str | None = Field(
        default=None, examples=["ada"], description="3 to 50 of A-Z, a-z, 0-9 and _; differs by more than case."
    )
    first_name: str | None = Field(default=None, examples=["Ada"], description="100 characters at most.")
    last_name: str | None = Field(default=None, examples=["Lovelace"], description="100 characters at most.")


class LoginForm(BaseModel):
    """The OAuth2 password form; what belongs to it but says nothing here is taken and ignored."""

    model_config = ConfigDict(extra="forbid")

    username: str = Field(description="E-mail address or username.", examples=["ada@example.com"])
    password: str = Field(examples=["violet-anchor-42-lamp"])
    device_token: str | None = Field(default=None, description="From an earlier sign-in on this device.")
    grant_type: str | None = Field(default=None, pattern="^password$")
    scope: str = ""
    client_id: str | None = None
    client_secret: str | None = None


class RefreshRequest(Body):
    refresh_token: str


class Address(Body):
    email: str = Field(examples=["ada@example.com"], json_schema_extra={"format": "email"})


class Link(Body):
    token: str = Field(description="From the link in the mail.")


class PasswordReset(Link):
    password: str = Field(examples=["amber-harbour-17-kite"])


class Acceptance(PasswordReset):
    username: str | None = Field(default=None, examples=["ada"])
    first_name: str | None = Field(default=None, examples=["Ada"])
    last_name: str | None = Field(default=None, examples=["Lovelace"])


class TokenAnswer(BaseModel):
    """A pair of tokens; `expires_in` is the access token's life in seconds."""

    access_token: str
    refresh_token: str
    token_type: str = "bearer"  # noqa: S105
    expires_in: int
    device_token: str | None = Field(
        default=None, description="Keep it on this device and send it with the next sign-in; only signing in gives one."
    )


def token_answer(pair: TokenPair) -> Response:
    """What there is of the pair, never to be cached."""
    found = TokenAnswer(
        access_token=pair.access_token,
        refresh_token=pair.refresh_token,
        expires_in=pair.expires_in,
        device_token=pair.device_token,
    )
    return Response(found.model_dump_json(exclude_none=True), headers=NO_STORE, media_type="application/json")


@router.post(
    "/register",
    tags=["Signing in"],
    status_code=201,
    response_model=UserView,
    responses=problems(use_case="register"),
    summary="Become a member",
)
async def register(application: TheApplication, actor: Stranger, body: Registration) -> Response:
    user = await application.identity.register(actor, **body.model_dump())
    return resource(user, status=201, location=f"{API}/users/{user.value.id}")


@router.post(
    "/login",
    tags=["Signing in"],
    response_model=TokenAnswer,
    responses=problems(use_case="log_in"),
    summary="Sign in",
)
async def log_in(application: TheApplication, comer: SigningIn, form: Annotated[LoginForm, Form()]) -> Response:
    pair = await application.identity.log_in(
        comer.actor,
        login=form.username,
        password=form.password,
        device_token=form.device_token,
        unless_known=comer.one_too_many,
    )
    return token_answer(pair)


@router.post(
    "/refresh",
    tags=["Signing in"],
    response_model=TokenAnswer,
    responses=problems(use_case="refresh"),
    summary="A new pair of tokens for a refresh token",
)
async def refresh(application: TheApplication, actor: Stranger, body: RefreshRequest) -> Response:
    """The refresh token is spent by this. The same one again within 10 seconds gets the same new one; later, it is
    taken for stolen, and the session ends."""
    pair = await application.identity.refresh(actor, refresh_token=body.refresh_token)
    return token_answer(pair)


@router.post(
    "/logout",
    tags=["Signing in"],
    status_code=204,
    response_model=None,
    responses=problems(use_case="log_out"),
    summary="End this session",
)
async def log_out(application: TheApplication, actor: SignedIn) -> Response:
    await application.identity.log_out(actor)
    return no_content()


@router.post(
    "/verify-email",
    tags=["Links in mails"],
    status_code=204,
    response_model=None,
    responses=problems(use_case="verify_email"),
    summary="Confirm an address",
)
async def verify_email(application: TheApplication, actor: Stranger, body: Link) -> Response:
    """The one of the account, or a new one that it shall have."""
    await application.identity.verify_email(actor, token=body.token)
    return no_content()


@router.post(
    "/verify-email/request",
    tags=["Links in mails"],
    status_code=202,
    response_class=Response,
    responses=problems(use_case="request_verification"),
    summary="Ask for a new link to confirm an address",
)
async def request_verification(application: TheApplication, actor: Stranger, body: Address) -> Response:
    """The answer is the same whatever is true of the address."""
    await application.identity.request_verification(actor, email=body.email)
    return accepted()


@router.post(
    "/forgot-password",
    tags=["Links in mails"],
    status_code=202,
    response_class=Response,
    responses=problems(use_case="forgot_password"),
    summary="Ask for a link to choose a new password",
)
async def forgot_password(application: TheApplication, actor: Stranger, body: Address) -> Response:
    """The answer is the same whatever is true of the address."""
    await application.identity.forgot_password(actor, email=body.email)
    return accepted()


@router.post(
    "/reset-password",
    tags=["Links in mails"],
    status_code=204,
    response_model=None,
    responses=problems(use_case="reset_password"),
    summary="Choose a new password",
)
async def reset_password(application: TheApplication, actor: Stranger, body: PasswordReset) -> Response:
    """Every session ends."""
    await application.identity.reset_password(actor, token=body.token, password=body.password)
    return no_content()


@router.post(
    "/accept-invitation",
    tags=["Links in mails"],
    response_model=UserView,
    responses=problems(use_case="accept_invitation"),
    summary="Accept an invitation",
)
async def accept_invitation(application: TheApplication, actor: Stranger, body: Acceptance) -> Response:
    """The account that was waiting gets its password, and perhaps names; then one signs in."""
    return resource(await application.identity.accept_invitation(actor, **body.model_dump()))


@router.get(
    "/sessions",
    tags=["Sessions"],
    response_model=Page[SessionView],
    responses=problems(use_case="list_sessions"),
    summary="Where I am signed in",
)
async def list_my_sessions(
    request: Request,
    application: TheApplication,
    actor: SignedIn,
    page: Annotated[PageRequest, Depends(page_request)],
) -> Response:
    found = await application.identity.list_sessions(actor, page=page)
    return listing(request, found, Page[SessionView])


@router.delete(
    "/sessions",
    tags=["Sessions"],
    status_code=204,
    response_model=None,
    responses=problems(use_case="end_other_sessions"),
    summary="End all my other sessions",
)
async def end_my_other_sessions(application: TheApplication, actor: SignedIn) -> Response:
    await application.identity.end_other_sessions(actor)
    return no_content()


@router.delete(
    "/sessions/{session_id}",
    tags=["Sessions"],
    status_code=204,
    response_model=None,
    responses=problems(use_case="end_session"),
    summary="End a session",
)
async def end_session(application: TheApplication, actor: SignedIn, session_id: UUID) -> Response:
    """One's own, or with `sessions:end` anybody's."""
    await application.identity.end_session(actor, session_id=session_id)
    return no_content()
