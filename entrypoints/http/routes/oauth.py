"""The OAuth 2 endpoints (RFC 6749, 7009, 7662, 8414) and the published keys (RFC 7517).

Here errors have the shape of RFC 6749, section 5.2, and parameters that are not known are ignored, as it says.
The password grant is for first-party clients alone (RFC 9700, section 2.4).
"""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from pydantic import BaseModel, Field

from application.identity.tokens import Introspection
from domain.errors import Denied, Invalid, MoothallError, Throttled, Unauthenticated, Unavailable
from entrypoints.bootstrap import AUDIENCE
from entrypoints.http.errors import headers_of
from entrypoints.http.openapi import form_body, oauth_errors, problems
from entrypoints.http.resources import API, NO_STORE
from entrypoints.http.routes.auth import TokenAnswer, token_answer
from entrypoints.http.routing import FORM, LARGEST_FORM, MOST_FIELDS, Handler, media_type, operation_id
from entrypoints.http.security import SignedIn, SigningIn, Stranger, TheApplication

ERROR_OF: Mapping[type[MoothallError], tuple[HTTPStatus, str]] = {
    Invalid: (HTTPStatus.BAD_REQUEST, "invalid_request"),
    Throttled: (HTTPStatus.TOO_MANY_REQUESTS, "temporarily_unavailable"),
    Unavailable: (HTTPStatus.SERVICE_UNAVAILABLE, "temporarily_unavailable"),
}
BEARER = "Bearer"

A_TOKEN = {"type": "string", "description": "An access token or a refresh token."}
TOKEN_TYPE_HINT = {"type": "string", "examples": ["refresh_token"], "description": "Taken, and not needed."}


class OAuthError(Exception):
    def __init__(self, error: str, description: str) -> None:
        super().__init__(error, description)
        self.error = error
        self.description = description


class OAuthRoute(APIRoute):
    """Errors as `{"error", "error_description"}`, and nothing here is ever cached."""

    def get_route_handler(self) -> Handler:
        handle = super().get_route_handler()

        async def in_the_words_of_oauth(request: Request) -> Response:
            try:
                return await handle(request)
            except OAuthError as error:
                return _error(HTTPStatus.BAD_REQUEST, error.error, error.description)
            except Unauthenticated as error:
                return _error(HTTPStatus.UNAUTHORIZED, "invalid_token", error.detail, headers_of(error))
            except Denied as error:
                return _error(HTTPStatus.FORBIDDEN, "insufficient_scope", error.detail)
            except MoothallError as error:
                if type(error) not in ERROR_OF:
                    raise
                status, word = ERROR_OF[type(error)]
                return _error(status, word, error.detail, headers_of(error))

        return in_the_words_of_oauth


router = APIRouter(
    prefix=f"{API}/auth", route_class=OAuthRoute, generate_unique_id_function=operation_id, tags=["OAuth 2"]
)
well_known = APIRouter(prefix="/.well-known", generate_unique_id_function=operation_id, tags=["OAuth 2"])


class ActingParty(BaseModel):
    """RFC 8693, section 4.1."""

    sub: str = Field(description="The id of the member who acts.")


class IntrospectionAnswer(BaseModel):
    """RFC 7662, section 2.2; an inactive token has no other member."""

    active: bool
    token_type: str | None = Field(default=None, examples=["Bearer"], description="Of an access token.")
    sub: str | None = None
    username: str | None = None
    sid: str | None = None
    jti: str | None = None
    iss: str | None = None
    aud: str | None = None
    client_id: str | None = None
    iat: int | None = None
    exp: int | None = None
    scope: str | None = Field(default=None, description="Of an impersonation: what its token may do.")
    act: ActingParty | None = Field(default=None, description="Who acts in the user's place (RFC 8693).")


class Jwk(BaseModel):
    """RFC 7517, section 4, and RFC 8037: the public half of an Ed25519 key."""

    kty: str = Field(examples=["OKP"])
    crv: str = Field(examples=["Ed25519"])
    x: str = Field(examples=["11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"])
    kid: str = Field(examples=["kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"])
    alg: str = Field(examples=["EdDSA"])
    use: str = Field(examples=["sig"])


class JwkSet(BaseModel):
    keys: list[Jwk]


class Metadata(BaseModel):
    """RFC 8414, section 2."""

    issuer: str
    token_endpoint: str
    revocation_endpoint: str
    introspection_endpoint: str
    jwks_uri: str
    grant_types_supported: list[str]
    response_types_supported: list[str]
    token_endpoint_auth_methods_supported: list[str]
    revocation_endpoint_auth_methods_supported: list[str]


@router.post(
    "/token",
    response_model=TokenAnswer,
    responses=oauth_errors(400, 429, 503),
    openapi_extra=form_body(
        "TokenRequest",
        required=["grant_type"],
        grant_type={"type": "string", "enum": ["password", "refresh_token"]},
        username={"type": "string", "description": "E-mail address or username (grant `password`)."},
        password={"type": "string"},
        refresh_token={"type": "string", "description": "Grant `refresh_token`."},
        device_token={"type": "string"},
    ),
    summary="Tokens for a password or a refresh token (RFC 6749)",
)
async def token(request: Request, application: TheApplication, comer: SigningIn) -> Response:
    form = await _form(request)
    grant = _required(form, "grant_type")
    try:
        if grant == "password":
            pair = await application.identity.log_in(
                comer.actor,
                login=_required(form, "username"),
                password=_required(form, "password"),
                device_token=form.get("device_token"),
                unless_known=comer.one_too_many,
            )
        elif comer.one_too_many is not None:
            raise comer.one_too_many
        elif grant == "refresh_token":
            pair = await application.identity.refresh(comer.actor, refresh_token=_required(form, "refresh_token"))
        else:
            raise OAuthError("unsupported_grant_type", "The grants here are password and refresh_token.")
    except (Unauthenticated, Denied) as error:
        raise OAuthError("invalid_grant", error.detail) from error
    return token_answer(pair)


@router.post(
    "/revoke",
    response_class=Response,
    response_model=None,
    responses=oauth_errors(400, 429, 503),
    openapi_extra=form_body("RevocationRequest", required=["token"], token=A_TOKEN, token_type_hint=TOKEN_TYPE_HINT),
    summary="End the session of a token (RFC 7009)",
)
async def revoke(request: Request, application: TheApplication, actor: Stranger) -> Response:
    """Access or refresh token; a token that is not good is not an error."""
    form = await _form(request)
    await application.identity.revoke_token(actor, token=_required(form, "token"))
    return Response(status_code=HTTPStatus.OK, headers=NO_STORE)


@router.post(
    "/introspect",
    response_model=IntrospectionAnswer,
    response_model_exclude_none=True,
    responses=oauth_errors(400, 401, 403, 429, 503),
    openapi_extra=form_body("IntrospectionRequest", required=["token"], token=A_TOKEN, token_type_hint=TOKEN_TYPE_HINT),
    summary="Whether a token is good, and whose (RFC 7662)",
)
async def introspect(request: Request, application: TheApplication, actor: SignedIn) -> Response:
    """Needs the permission `tokens:introspect`."""
    form = await _form(request)
    found = await application.identity.introspect_token(actor, token=_required(form, "token"))
    return JSONResponse(_described(found, request.app.state.issuer), headers=NO_STORE)


@well_known.get(
    "/jwks.json",
    response_model=JwkSet,
    responses=problems(use_case="publish_keys", codes={503: ["database-unavailable"]}),
    summary="The keys that sign our tokens",
)
async def published_keys(application: TheApplication) -> Response:
    keys = await application.identity.publish_keys()
    return JSONResponse({"keys": keys}, headers={"Cache-Control": "public, max-age=60"})


@well_known.get("/oauth-authorization-server", response_model=Metadata, summary="Where everything is (RFC 8414)")
async def metadata(request: Request) -> Response:
    base = request.app.state.public_url
    return JSONResponse(
        {
            "issuer": request.app.state.issuer,
            "token_endpoint": f"{base}{API}/auth/token",
            "revocation_endpoint": f"{base}{API}/auth/revoke",
            "introspection_endpoint": f"{base}{API}/auth/introspect",
            "jwks_uri": f"{base}/.well-known/jwks.json",
            "grant_types_supported": ["password", "refresh_token"],
            "response_types_supported": [],
            "token_endpoint_auth_methods_supported": ["none"],
            "revocation_endpoint_auth_methods_supported": ["none"],
        }
    )


async def _form(request: Request) -> dict[str, str]:
    """The parameters of a form. What is not known is ignored; a parameter that came twice is an error (section 3.2)."""
    if media_type(request) != FORM:
        raise OAuthError("invalid_request", f"Send this as {FORM}.")
    body = await request.body()
    if len(body) > LARGEST_FORM:
        raise OAuthError("invalid_request", f"A form has {LARGEST_FORM} bytes at most.")
    try:
        pairs = parse_qsl(body.decode("utf-8"), keep_blank_values=True, max_num_fields=MOST_FIELDS, errors="strict")
    except ValueError as error:
        raise OAuthError("invalid_request", "The form cannot be read.") from error
    form = {name: value for name, value in pairs if value}
    if len(form) < len([name for name, value in pairs if value]):
        raise OAuthError("invalid_request", "A parameter was sent more than once.")
    return form


def _required(form: Mapping[str, str], name: str) -> str:
    if name not in form:
        raise OAuthError("invalid_request", f"{name} is missing.")
    return form[name]


def _error(status: int, error: str, description: str, headers: Mapping[str, str] | None = None) -> Response:
    return JSONResponse({"error": error, "error_description": description}, status, {**NO_STORE, **(headers or {})})


def _described(found: Introspection | None, issuer: str) -> dict[str, Any]:
    if found is None:
        return {"active": False}
    described = {
        "active": True,
        "sub": str(found.user_id),
        "username": found.username,
        "sid": str(found.session_id),
        "iss": issuer,
        "aud": AUDIENCE,
        "client_id": AUDIENCE,
        "iat": int(found.issued_at.timestamp()),
        "exp": int(found.expires_at.timestamp()),
    }
    if found.token_id is not None:
        described |= {"token_type": BEARER, "jti": found.token_id}
    if found.impersonator_id is not None:
        described |= {"act": {"sub": str(found.impersonator_id)}, "scope": found.scope}
    return described
