"""Signing in and staying signed in: failures that tell nothing, refresh families (S1, S9, S11 to S13, S16)."""

import asyncio

import bcrypt
import pytest

from domain.identity.email import EmailAddress
from tests.entrypoints.http.client import ANOTHER_PASSWORD, OPERATOR, PASSWORD, Api, Tokens


async def _accounts_that_cannot_sign_in(api: Api) -> dict[str, str]:
    """A name to sign in with, for each way of being refused with a wrong password."""
    identity = api.application.identity
    await api.register("wrong@example.com", username="wrong")
    await identity.create_user(OPERATOR, email="passwordless@example.com")
    await identity.create_user(OPERATOR, email="disabled@example.com", password=PASSWORD, is_active=False)
    await api.register("foreign@example.com")
    await _store_hash(api, "foreign@example.com", "not a hash that we can read")
    await api.register("costly@example.com")
    await _store_hash(api, "costly@example.com", "$2b$31$" + "a" * 53)
    return {
        "unknown": "nobody@example.com",
        "unknown username": "nobody",
        "not an address": "no @ address",
        "with a NUL": "ada\0@example.com",
        "wrong password": "wrong@example.com",
        "wrong password, username": "wrong",
        "passwordless": "passwordless@example.com",
        "disabled": "disabled@example.com",
        "unreadable hash": "foreign@example.com",
        "hash of absurd cost": "costly@example.com",
    }


async def _store_hash(api: Api, email: str, password_hash: str) -> None:
    """As an import from elsewhere would leave it."""
    found = await api.application.identity.find_user(OPERATOR, name=email)
    async with api.application.identity.register.transactions.begin() as uow:
        user = await uow.users.get(found)
        assert user is not None
        assert isinstance(user.email, EmailAddress)
        await uow.users.save(user.changed(api.clock.now(), password_hash=password_hash))


async def _stored_hash(api: Api, email: str) -> str:
    known = await api.application.identity.log_in.queries.credentials(email_key=email)
    assert known is not None
    assert known.password_hash is not None
    return known.password_hash


async def test_every_failed_login_answers_the_same_and_costs_one_hash(api: Api, hashes: list[str]) -> None:
    seen = set()
    for why, login in (await _accounts_that_cannot_sign_in(api)).items():
        hashes.clear()
        answer = await api.call("POST", "/auth/login", data={"username": login, "password": "not the password"})
        assert len(hashes) == 1, why
        body = answer.json()
        headers = tuple(sorted((n, v) for n, v in answer.headers.items() if n not in ("x-request-id", "date")))
        comparable = headers, tuple(sorted((n, v) for n, v in body.items() if n != "request_id"))
        seen.add((answer.status_code, *comparable))
    [(status, headers, _)] = seen
    assert status == 401
    assert ("www-authenticate", "Bearer") in headers
    assert not any(name == "x-process-time" for name, _ in headers)


async def test_only_the_right_password_learns_that_an_account_is_disabled(api: Api) -> None:
    await api.application.identity.create_user(OPERATOR, email="off@example.com", password=PASSWORD, is_active=False)
    answer = await api.call("POST", "/auth/login", data={"username": "off@example.com", "password": PASSWORD})
    assert (answer.status_code, answer.json()["code"]) == (403, "account-disabled")


FROM_ELSEWHERE = {
    "bcrypt": "$2b$04$7YX2osI.IpSRoQyWxjxSxO5MexpCNuuyAbALfENCzMhmV.aE/hGHm",
    "django, pbkdf2": "pbkdf2_sha256$1000$VH8lZBvKnXzPp3Zf4DjTQm$LVeF7RBSLNZ5tE/Rg1aaLhpavAtf96gKP0WwdWnfk8k=",
    "django, bcrypt": "bcrypt$$2b$04$UaRBqF56h4JxOKTHN/Ger.sSx7VYRoYwYDwJmJuC52A/23XbHqXCe",
    "django, bcrypt_sha256": "bcrypt_sha256$$2b$04$hf3cKNCeBEJkiyEg010i0.gYaJa1L7PdkmOlwvU7PdC7DEjwcU9F.",
    "django, argon2": "argon2$argon2id$v=19$m=64,t=1,p=2$ZFZuT1g4TGR3YXBCYWlXcjJGcmhvVA"
    "$ZCgCzBVNEZOnwnxFgkKd6qEDR3rlh8rLt4LfHKLnD8k",
    "argon2": "$argon2id$v=19$m=64,t=1,p=4$n8sBoceTm8vNtock7OiBgw$Q5BKZTDlYk9lti4XvlnIgx/LDwfVoU8M6i4IHzrIZgI",
    "pbkdf2": "$pbkdf2-sha512$i=1000$MDEyMzQ1Njc4OWFiY2RlZg"
    "$6M+L+7GjFaDGfx/09lA7+JkqLt8cJhf8OAIuO+CTP1sEtXHgeJeXdMBJL0H3rSNxm0R9G+jUEoVrcRNx4Bx6gQ",
}
"""Of ANOTHER_PASSWORD."""


@pytest.mark.parametrize("kind", FROM_ELSEWHERE)
async def test_a_hash_from_elsewhere_signs_in_and_is_upgraded(kind: str, api: Api, hashes: list[str]) -> None:
    await api.register()
    await _store_hash(api, "ada@example.com", api.application.identity.log_in.hasher.imported(FROM_ELSEWHERE[kind]))
    hashes.clear()
    refused = await api.call("POST", "/auth/login", data={"username": "ada@example.com", "password": PASSWORD})
    assert (refused.status_code, refused.json()["code"]) == (401, "bad-credentials")
    assert hashes == ["check"]
    hashes.clear()
    await api.log_in(password=ANOTHER_PASSWORD)
    assert hashes == ["check", "hash"]
    assert (await _stored_hash(api, "ada@example.com")).startswith("mh1$")
    hashes.clear()
    await api.log_in(password=ANOTHER_PASSWORD)
    assert hashes == ["check"]


async def test_right_passwords_in_parallel_all_sign_in_while_the_hash_is_made_anew(api: Api) -> None:
    await api.register()
    await _store_hash(api, "ada@example.com", bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode())
    await asyncio.gather(*(api.log_in() for _ in range(20)))


async def test_twenty_right_passwords_at_once_are_twenty_sessions(api: Api) -> None:
    await api.register()
    signed_in = await asyncio.gather(*(api.log_in() for _ in range(20)))
    sessions = (await api.call("GET", "/auth/sessions", as_=signed_in[0], params={"page_size": 100})).json()
    assert sessions["total"] == 20
    assert [session["is_current"] for session in sessions["items"]].count(True) == 1


async def test_a_known_device_keeps_its_token(api: Api) -> None:
    await api.register()
    await api.register("eve@example.com")
    first = await api.log_in()
    again = await api.log_in(device_token=first.device_token or "")
    assert again.device_token == first.device_token
    for foreign in ("x", "AAAA" * 16, (await api.log_in("eve@example.com")).device_token or ""):
        assert (await api.log_in(device_token=foreign)).device_token not in (None, foreign)


async def test_a_login_does_not_change_the_version(api: Api) -> None:
    await api.register()
    tokens = await api.log_in()
    me = await api.me(tokens)
    assert me.headers["etag"] == '"1"'
    assert me.json()["last_login_at"] is not None


# Refresh families


async def test_a_refresh_gives_a_new_pair_and_keeps_the_session(api: Api) -> None:
    await api.register()
    tokens = await api.log_in()
    answer = await api.refresh(tokens.refresh_token)
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    body = answer.json()
    assert body["refresh_token"] != tokens.refresh_token
    assert body["token_type"] == "bearer"
    assert (await api.me(Tokens(body["access_token"], ""))).status_code == 200
    sessions = (await api.call("GET", "/auth/sessions", as_=tokens)).json()
    assert sessions["total"] == 1


async def test_twenty_parallel_refreshes_get_the_identical_child(api: Api) -> None:
    await api.register()
    tokens = await api.log_in()
    answers = await asyncio.gather(*(api.refresh(tokens.refresh_token) for _ in range(20)))
    assert {answer.status_code for answer in answers} == {200}
    [child] = {answer.json()["refresh_token"] for answer in answers}
    grandchild = await api.refresh(child)
    assert grandchild.status_code == 200
    assert grandchild.json()["refresh_token"] != child


async def test_the_parent_within_the_grace_gets_the_same_child(api: Api) -> None:
    await api.register()
    parent = (await api.log_in()).refresh_token
    child = (await api.refresh(parent)).json()["refresh_token"]
    api.clock.advance(seconds=9.9)
    assert (await api.refresh(parent)).json()["refresh_token"] == child


async def test_the_parent_after_the_grace_ends_the_session(api: Api) -> None:
    await api.register()
    tokens = await api.log_in()
    child = (await api.refresh(tokens.refresh_token)).json()
    api.clock.advance(seconds=10.1)
    await _is_refused(api, tokens.refresh_token)
    await _is_refused(api, child["refresh_token"])
    assert (await api.me(Tokens(child["access_token"], ""))).status_code == 401


async def test_the_grandparent_ends_the_session_at_once(api: Api) -> None:
    await api.register()
    grandparent = (await api.log_in()).refresh_token
    parent = (await api.refresh(grandparent)).json()["refresh_token"]
    child = (await api.refresh(parent)).json()["refresh_token"]
    await _is_refused(api, grandparent)
    await _is_refused(api, child)


async def test_a_stolen_family_does_not_end_the_others(api: Api) -> None:
    await api.register()
    stolen, other = await api.log_in(), await api.log_in()
    await api.refresh(stolen.refresh_token)
    api.clock.advance(minutes=1)
    await _is_refused(api, stolen.refresh_token)
    assert (await api.refresh(other.refresh_token)).status_code == 200


async def test_a_session_has_an_absolute_end(api: Api) -> None:
    await api.register()
    token = (await api.log_in()).refresh_token
    for _ in range(29):
        api.clock.advance(days=1)
        token = (await api.refresh(token)).json()["refresh_token"]
    api.clock.advance(days=1)
    await _is_refused(api, token)


async def test_what_is_not_a_refresh_token_is_refused(api: Api) -> None:
    await api.register()
    tokens = await api.log_in()
    real = tokens.refresh_token
    for text in ("", "x", tokens.access_token, real + "A", real[:-1], real + "=", real.swapcase(), "A" * 72, "é" * 72):
        await _is_refused(api, text)
    for place in range(len(real)):
        changed = real[:place] + ("A" if real[place] != "A" else "B") + real[place + 1 :]
        await _is_refused(api, changed)
    assert (await api.refresh(real)).status_code == 200


async def test_refresh_against_logout_leaves_nothing_alive(api: Api) -> None:
    await api.register()
    for _ in range(50):
        tokens = await api.log_in()
        refreshed, _ = await asyncio.gather(
            api.refresh(tokens.refresh_token), api.call("POST", "/auth/logout", as_=tokens)
        )
        minted = [tokens]
        if refreshed.status_code == 200:
            body = refreshed.json()
            minted.append(Tokens(body["access_token"], body["refresh_token"]))
        for pair in minted:
            assert (await api.me(pair)).status_code == 401
            await _is_refused(api, pair.refresh_token)


async def _is_refused(api: Api, refresh_token: str) -> None:
    answer = await api.refresh(refresh_token)
    assert (answer.status_code, answer.json()["code"]) == (401, "bad-refresh-token")
    assert answer.headers["www-authenticate"] == 'Bearer error="invalid_token"'


# What ends sessions (S9, S16)


async def _is_signed_out(api: Api, tokens: Tokens) -> None:
    answer = await api.me(tokens)
    assert (answer.status_code, answer.json()["code"]) == (401, "bad-token")
    await _is_refused(api, tokens.refresh_token)


async def test_logging_out_ends_this_session_alone(api: Api) -> None:
    await api.register()
    here, there = await api.log_in(), await api.log_in()
    assert (await api.call("POST", "/auth/logout", as_=here)).status_code == 204
    await _is_signed_out(api, here)
    assert (await api.me(there)).status_code == 200


async def test_one_session_or_all_others_can_be_ended(api: Api) -> None:
    await api.register()
    here, there, elsewhere = await api.log_in(), await api.log_in(), await api.log_in()
    sessions = (await api.call("GET", "/auth/sessions", as_=there)).json()["items"]
    [its_id] = [session["id"] for session in sessions if session["is_current"]]
    assert (await api.call("DELETE", f"/auth/sessions/{its_id}", as_=here)).status_code == 204
    await _is_signed_out(api, there)
    assert (await api.call("DELETE", "/auth/sessions", as_=here)).status_code == 204
    await _is_signed_out(api, elsewhere)
    assert (await api.me(here)).status_code == 200


async def test_somebody_elses_session_is_not_there(api: Api) -> None:
    _, ada = await api.member("ada")
    _, eve = await api.member("eve")
    [session] = (await api.call("GET", "/auth/sessions", as_=ada)).json()["items"]
    answer = await api.call("DELETE", f"/auth/sessions/{session['id']}", as_=eve)
    assert (answer.status_code, answer.json()["code"]) == (404, "session-not-found")
    assert (await api.me(ada)).status_code == 200


async def test_a_new_password_ends_every_other_session(api: Api) -> None:
    await api.register()
    here, there = await api.log_in(), await api.log_in()
    answer = await api.call(
        "PUT",
        "/users/me/password",
        as_=here,
        json={"current_password": PASSWORD, "new_password": ANOTHER_PASSWORD},
    )
    assert answer.status_code == 204
    await _is_signed_out(api, there)
    assert (await api.me(here)).status_code == 200
    assert (await api.refresh(here.refresh_token)).status_code == 200
    await api.log_in(password=ANOTHER_PASSWORD)
    answer = await api.call("POST", "/auth/login", data={"username": "ada@example.com", "password": PASSWORD})
    assert answer.status_code == 401


async def test_a_password_is_changed_only_by_who_knows_it(api: Api) -> None:
    await api.register()
    here = await api.log_in()
    answer = await api.call(
        "PUT", "/users/me/password", as_=here, json={"current_password": "wrong", "new_password": ANOTHER_PASSWORD}
    )
    assert (answer.status_code, answer.json()["code"]) == (422, "wrong-password")
    await api.log_in()


async def test_disabling_demoting_and_deleting_count_from_the_next_request_on(api: Api) -> None:
    _, root = await api.admin()
    user, ada = await api.member("ada")
    path = f"/users/{user['id']}"
    await api.call("PUT", f"{path}/roles", as_=root, json={"roles": ["admin"]})
    assert (await api.call("GET", "/users", as_=ada)).status_code == 200
    await api.call("PUT", f"{path}/roles", as_=root, json={"roles": ["member"]})
    assert (await api.call("GET", "/users", as_=ada)).status_code == 403

    await api.call("PATCH", path, as_=root, json={"is_active": False})
    await _is_signed_out(api, ada)
    await api.call("PATCH", path, as_=root, json={"is_active": True})
    await _is_signed_out(api, ada)
    back = await api.log_in()

    assert (await api.call("DELETE", path, as_=root)).status_code == 204
    await _is_signed_out(api, back)


async def test_an_address_changed_by_an_administrator_signs_out_everywhere(api: Api) -> None:
    _, root = await api.admin()
    user, ada = await api.member("ada")
    path = f"/users/{user['id']}"
    assert (await api.call("PATCH", path, as_=root, json={"is_verified": True})).json()["is_verified"] is True
    answer = await api.call("PATCH", path, as_=root, json={"email": "ada@example.org"})
    assert (answer.json()["email"], answer.json()["is_verified"]) == ("ada@example.org", False)
    await _is_signed_out(api, ada)
    await api.log_in("ada@example.org")


async def test_deleting_oneself_needs_a_recent_sign_in(api: Api) -> None:
    await api.register()
    tokens = await api.log_in()
    api.clock.advance(minutes=14)
    fresh = Tokens((await api.refresh(tokens.refresh_token)).json()["access_token"], "")
    api.clock.advance(minutes=2)
    answer = await api.call("DELETE", "/users/me", as_=fresh)
    assert (answer.status_code, answer.json()["code"]) == (403, "sign-in-again")
    again = await api.log_in()
    assert (await api.call("DELETE", "/users/me", as_=again)).status_code == 204
    assert (await api.me(again)).status_code == 401
