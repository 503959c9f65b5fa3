"""Clients that nobody here wrote, over a real socket."""

from collections.abc import Iterator

import jwt
import pytest
import requests
from oauthlib.oauth2 import LegacyApplicationClient
from requests_oauthlib import OAuth2Session

from tests.entrypoints.http.client import PASSWORD
from tests.entrypoints.http.server import Server, run_in_memory


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with run_in_memory() as running:
        requests.post(
            f"{running.url}/api/v1/auth/register",
            json={"email": "ada@example.com", "password": PASSWORD, "username": "ada"},
            timeout=5,
        ).raise_for_status()
        yield running


def test_requests_oauthlib_signs_in_and_refreshes_by_itself(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")
    saved: list[dict[str, str]] = []
    token_url = f"{server.url}/api/v1/auth/token"
    session = OAuth2Session(
        client=LegacyApplicationClient(client_id="any"),
        auto_refresh_url=token_url,
        auto_refresh_kwargs={"client_id": "any"},
        token_updater=saved.append,
    )
    token = session.fetch_token(token_url, username="ada", password=PASSWORD, client_id="any")
    assert session.get(f"{server.url}/api/v1/users/me", timeout=5).json()["username"] == "ada"
    session.token = {**token, "expires_at": 1, "expires_in": -1}
    assert session.get(f"{server.url}/api/v1/users/me", timeout=5).json()["username"] == "ada"
    [refreshed] = saved
    assert refreshed["refresh_token"] != token["refresh_token"]


def test_pyjwt_verifies_an_access_token_from_the_published_keys(server: Server) -> None:
    metadata = requests.get(f"{server.url}/.well-known/oauth-authorization-server", timeout=5).json()
    token = requests.post(
        f"{server.url}/api/v1/auth/login", data={"username": "ada", "password": PASSWORD}, timeout=5
    ).json()["access_token"]
    key = jwt.PyJWKClient(f"{server.url}/.well-known/jwks.json").get_signing_key_from_jwt(token)
    claims = jwt.decode(token, key, algorithms=["EdDSA"], audience="moothall", issuer=metadata["issuer"])
    me = requests.get(f"{server.url}/api/v1/users/me", headers={"Authorization": f"Bearer {token}"}, timeout=5).json()
    assert claims["sub"] == me["id"]
