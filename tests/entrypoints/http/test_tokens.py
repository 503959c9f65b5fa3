"""Access tokens and the keys behind them; the OAuth endpoints (S14, S15)."""

import asyncio
import base64
import json
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.entrypoints.http.client import OPERATOR, PASSWORD, Api, Tokens


def _part(content: Any) -> str:
    text = content if isinstance(content, str) else json.dumps(content)
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _claims_of(token: str) -> dict[str, Any]:
    claims: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    return claims


async def _refused(api: Api, token: str) -> None:
    answer = await api.me(Tokens(token, ""))
    assert answer.status_code == 401, token
    assert answer.headers["www-authenticate"] == 'Bearer error="invalid_token"'


async def test_an_access_token_says_what_rfc_9068_wants(api: Api) -> None:
    user = await api.register()
    token = (await api.log_in()).access_token
    header, claims = jwt.get_unverified_header(token), _claims_of(token)
    assert (header["alg"], header["typ"]) == ("EdDSA", "at+jwt")
    assert header["kid"]
    assert claims["exp"] - claims["iat"] == 900
    assert claims["sub"] == user["id"]
    assert {"iss", "aud", "sub", "sid", "jti", "client_id"} <= claims.keys()


async def test_an_access_token_runs_out(api: Api) -> None:
    await api.register()
    tokens = await api.log_in()
    api.clock.advance(seconds=898)
    assert (await api.me(tokens)).status_code == 200
    api.clock.advance(seconds=3)
    await _refused(api, tokens.access_token)


async def test_forged_headers_are_refused(api: Api) -> None:
    await api.register()
    token = (await api.log_in()).access_token
    _, payload, signature = token.split(".")
    good = jwt.get_unverified_header(token)
    own_key = Ed25519PrivateKey.generate()
    for header in (
        {**good, "alg": "none"},
        {**good, "alg": "HS256"},
        {**good, "alg": "ES256"},
        {**good, "typ": "JWT"},
        {**good, "kid": "../../../../dev/null"},
        {**good, "kid": ["a"]},
        {**good, "kid": None},
        {**good, "jku": "http://127.0.0.1:9/jwks.json"},
        {**good, "x5u": "http://127.0.0.1:9/x5u"},
        {**good, "jwk": {"kty": "OKP"}},
        {**good, "crit": ["exp"]},
        {**good, "b64": False, "crit": ["b64"]},
        {key: value for key, value in good.items() if key != "kid"},
    ):
        await _refused(api, f"{_part(header)}.{payload}.{signature}")
        await _refused(api, f"{_part(header)}.{payload}.")
        signed = own_key.sign(f"{_part(header)}.{payload}".encode())
        await _refused(api, f"{_part(header)}.{payload}.{base64.urlsafe_b64encode(signed).decode().rstrip('=')}")
    public_key = (await api.call("GET", "//.well-known/jwks.json")).json()["keys"][0]["x"]
    await _refused(
        api, jwt.encode(_claims_of(token), public_key, "HS256", headers={"kid": good["kid"], "typ": "at+jwt"})
    )
    duplicate = payload[:-2] + _part('{"sub":"a","sub":"b"}')
    await _refused(api, f"{_part(good)}.{duplicate}.{signature}")


async def test_every_changed_character_is_refused(api: Api) -> None:
    await api.register()
    token = (await api.log_in()).access_token
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    for place, character in enumerate(token):
        replacements = (
            [c for c in alphabet if c != character] if place == len(token) - 1 else ["A" if character != "A" else "B"]
        )
        for other in replacements:
            await _refused(api, token[:place] + other + token[place + 1 :])
    for changed in (token + "=", token + "A", token[:-1], token.replace(".", "..", 1), "." + token, token + "."):
        await _refused(api, changed)


@pytest.mark.parametrize("change", ["iss", "aud", "sub", "sid", "jti", "iat", "exp", "typ"])
async def test_our_own_signature_on_the_wrong_claims_is_refused(api: Api, change: str) -> None:
    """Signed with the real key, so that only the claims are wrong or missing."""
    await api.register()
    claims = _claims_of((await api.log_in()).access_token)
    [stored] = await api.application.identity.publish_keys.queries.signing_keys()
    private_key = api.application.identity.publish_keys.keys.private_key(stored)  # type: ignore[attr-defined]

    def signed(claims: dict[str, Any], kind: str = "at+jwt") -> str:
        return jwt.encode(claims, private_key, "EdDSA", headers={"kid": stored.kid, "typ": kind})

    assert (await api.me(Tokens(signed(claims), ""))).status_code == 200
    if change == "typ":
        await _refused(api, signed(claims, "JWT"))
        return
    await _refused(api, signed({name: value for name, value in claims.items() if name != change}))
    if change not in ("jti", "iat"):
        await _refused(api, signed({**claims, change: 1 if change == "exp" else "urn:somebody-else"}))


async def test_a_refresh_token_is_no_access_token_and_the_other_way_round(api: Api) -> None:
    await api.register()
    tokens = await api.log_in()
    await _refused(api, tokens.refresh_token)
    assert (await api.refresh(tokens.access_token)).status_code == 401


async def test_keys_rotate_under_load_and_nobody_is_logged_out(api: Api) -> None:
    await api.register()
    before = await api.log_in()
    statuses: list[int] = []

    async def read_and_refresh() -> None:
        token = (await api.log_in()).refresh_token
        for _ in range(10):
            answer = await api.refresh(token)
            statuses.append(answer.status_code)
            token = answer.json()["refresh_token"]
            statuses.append((await api.me(Tokens(answer.json()["access_token"], ""))).status_code)

    async def rotate() -> None:
        for _ in range(3):
            await api.application.identity.rotate_signing_keys(OPERATOR)
            await asyncio.sleep(0.01)

    await asyncio.gather(*(read_and_refresh() for _ in range(4)), rotate())
    assert set(statuses) == {200}
    assert (await api.me(before)).status_code == 200
    published = (await api.call("GET", "//.well-known/jwks.json")).json()["keys"]
    assert jwt.get_unverified_header(before.access_token)["kid"] in {key["kid"] for key in published}
    assert len(published) == 4


async def test_a_retired_key_is_published_until_its_last_token_has_run_out(api: Api) -> None:
    await api.application.identity.rotate_signing_keys(OPERATOR)
    api.clock.advance(seconds=900)
    assert len((await api.call("GET", "//.well-known/jwks.json")).json()["keys"]) == 2
    api.clock.advance(seconds=61)
    assert len((await api.call("GET", "//.well-known/jwks.json")).json()["keys"]) == 1


async def test_private_keys_are_never_stored_in_the_open(api: Api) -> None:
    [stored] = await api.application.identity.publish_keys.queries.signing_keys()
    private_key = api.application.identity.publish_keys.keys.private_key(stored)  # type: ignore[attr-defined]
    assert private_key.private_bytes_raw() not in stored.sealed_private_key


# RFC 6749, 7009, 7662, 8414


async def test_the_token_endpoint_speaks_rfc_6749(api: Api) -> None:
    await api.register()
    grant = {"grant_type": "password", "username": "ada@example.com", "password": PASSWORD}
    answer = await api.call("POST", "/auth/token", data={**grant, "client_id": "anybody", "unknown": "ignored"})
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    body = answer.json()
    assert {"access_token", "refresh_token", "token_type", "expires_in"} <= body.keys()
    answer = await api.call(
        "POST", "/auth/token", data={"grant_type": "refresh_token", "refresh_token": body["refresh_token"]}
    )
    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({}, "invalid_request"),
        ({"grant_type": "password"}, "invalid_request"),
        ({"grant_type": "password", "username": "ada@example.com", "password": "wrong"}, "invalid_grant"),
        ({"grant_type": "refresh_token", "refresh_token": "x"}, "invalid_grant"),
        ({"grant_type": "client_credentials"}, "unsupported_grant_type"),
        ({"grant_type": ["password", "password"], "username": "a", "password": "b"}, "invalid_request"),
    ],
)
async def test_the_token_endpoint_refuses_in_the_words_of_rfc_6749(api: Api, form: Any, error: str) -> None:
    await api.register()
    answer = await api.call("POST", "/auth/token", data=form)
    assert answer.status_code == 400
    assert answer.json()["error"] == error
    assert answer.json().keys() == {"error", "error_description"}


@pytest.mark.parametrize("kind", ["access_token", "refresh_token"])
async def test_revoking_either_token_ends_the_session(api: Api, kind: str) -> None:
    await api.register()
    tokens = await api.log_in()
    answer = await api.call("POST", "/auth/revoke", data={"token": getattr(tokens, kind), "token_type_hint": "odd"})
    assert answer.status_code == 200
    await _refused(api, tokens.access_token)
    assert (await api.refresh(tokens.refresh_token)).status_code == 401


async def test_revoking_what_is_no_token_changes_nothing(api: Api) -> None:
    await api.register()
    tokens = await api.log_in()
    forged = tokens.refresh_token[:-4] + "AAAA"
    for text in ("x", forged, tokens.access_token[:-4] + "AAAA"):
        assert (await api.call("POST", "/auth/revoke", data={"token": text})).status_code == 200
    assert (await api.me(tokens)).status_code == 200
    assert (await api.call("POST", "/auth/revoke", data={})).json()["error"] == "invalid_request"


async def test_introspection_tells_who_may_ask_what_a_token_is_worth(api: Api) -> None:
    _, root = await api.admin()
    user, ada = await api.member("ada")

    async def introspect(token: str) -> dict[str, Any]:
        answer = await api.call("POST", "/auth/introspect", as_=root, data={"token": token})
        assert answer.status_code == 200
        found: dict[str, Any] = answer.json()
        return found

    access = await introspect(ada.access_token)
    assert (access["active"], access["sub"], access["username"], access["token_type"]) == (
        True, user["id"], "ada", "Bearer",
    )  # fmt: skip
    assert (access["aud"], access["client_id"]) == ("moothall", "moothall")
    refresh = await introspect(ada.refresh_token)
    assert (refresh["active"], refresh["sub"], "token_type" in refresh) == (True, user["id"], False)
    assert await introspect("x") == {"active": False}
    await api.call("POST", "/auth/logout", as_=ada)
    assert await introspect(ada.access_token) == {"active": False}
    assert await introspect(ada.refresh_token) == {"active": False}


async def test_introspection_is_not_for_everybody(api: Api) -> None:
    _, ada = await api.member("ada")
    answer = await api.call("POST", "/auth/introspect", as_=ada, data={"token": ada.access_token})
    assert (answer.status_code, answer.json()["error"]) == (403, "insufficient_scope")
    answer = await api.call("POST", "/auth/introspect", data={"token": ada.access_token})
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")


async def test_the_metadata_leads_to_endpoints_that_are_there(api: Api) -> None:
    metadata = (await api.call("GET", "//.well-known/oauth-authorization-server")).json()
    for name in ("token_endpoint", "revocation_endpoint", "introspection_endpoint"):
        path = metadata[name].removeprefix(metadata["issuer"])
        assert (await api.call("POST", f"/{path}")).status_code in (400, 401), name
    assert (await api.call("GET", f"/{metadata['jwks_uri'].removeprefix(metadata['issuer'])}")).status_code == 200
