"""Becoming a member: addresses, usernames and passwords (S5, S6)."""

import asyncio
import unicodedata

import pytest

from tests.entrypoints.http.client import PASSWORD, Api


async def test_a_new_member_is_shown_without_any_secret(api: Api) -> None:
    answer = await api.call(
        "POST",
        "/auth/register",
        json={"email": "Ada@Example.com", "password": PASSWORD, "username": "Ada_1", "first_name": "Ada"},
    )
    assert answer.status_code == 201
    user = answer.json()
    assert answer.headers["location"] == f"/api/v1/users/{user['id']}"
    assert answer.headers["etag"] == '"1"'
    assert set(user) == {
        "id", "email", "username", "first_name", "last_name", "full_name", "is_active", "is_verified",
        "is_superuser", "roles", "created_at", "updated_at", "last_login_at",
    }  # fmt: skip
    assert user["email"] == "Ada@Example.com"
    assert user["full_name"] == "Ada"
    assert (user["is_active"], user["is_verified"], user["is_superuser"]) == (True, False, False)
    assert user["roles"] == ["member"]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("ada@example.com", "ADA@EXAMPLE.COM"),
        ("ada@example.com", "\uff41\uff44\uff41@example.com"),
        ("kim@example.com", "\u212aim@example.com"),
        ("straße@example.com", "STRASSE@example.com"),
        ("ada@bücher.example", "ada@xn--bcher-kva.example"),
        (unicodedata.normalize("NFC", "zoé@example.com"), unicodedata.normalize("NFD", "zoé@example.com")),
    ],
)
async def test_addresses_that_are_the_same_to_people_are_one_account(api: Api, first: str, second: str) -> None:
    await api.register(first)
    answer = await api.call("POST", "/auth/register", json={"email": second, "password": PASSWORD})
    assert (answer.status_code, answer.json()["code"]) == (409, "email-taken")
    assert (await api.me(await api.log_in(second))).json()["email"] == first


@pytest.mark.parametrize(("first", "second"), [("mike@example.com", "mıke@example.com"), ("a.b@x.com", "ab@x.com")])
async def test_addresses_that_only_look_alike_are_two_accounts(api: Api, first: str, second: str) -> None:
    one, other = await api.register(first), await api.register(second)
    assert one["id"] != other["id"]
    assert (await api.me(await api.log_in(second))).json()["email"] == second


async def test_usernames_differ_by_more_than_case(api: Api) -> None:
    await api.register("a@example.com", username="Grace")
    answer = await api.call(
        "POST", "/auth/register", json={"email": "b@example.com", "password": PASSWORD, "username": "gRACE"}
    )
    assert (answer.status_code, answer.json()["code"]) == (409, "username-taken")


@pytest.mark.parametrize("username", ["ab", "a" * 51, "a b c", "héloïse", "ada\n", "", "a-b-c", "ada\u0000"])
async def test_a_bad_username_is_refused_by_name(api: Api, username: str) -> None:
    answer = await api.call(
        "POST", "/auth/register", json={"email": "a@example.com", "password": PASSWORD, "username": username}
    )
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/username"


@pytest.mark.parametrize(
    "email", ["", "ada", "ada@", "@example.com", "a b@example.com", "ada@example.com\n", "ada@\u0000.com", "a" * 300]
)
async def test_what_is_no_address_is_refused(api: Api, email: str) -> None:
    answer = await api.call("POST", "/auth/register", json={"email": email, "password": PASSWORD})
    assert (answer.status_code, answer.json()["code"]) == (422, "bad-email")


async def test_a_lost_race_for_an_address_is_a_conflict(api: Api) -> None:
    answers = await asyncio.gather(
        *(api.call("POST", "/auth/register", json={"email": "ada@example.com", "password": PASSWORD}) for _ in range(8))
    )
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 7


def good(length: int) -> str:
    """A strong password of that many code points."""
    return ("kV9#mZ2!qX7@wL4$" * 20)[:length]


@pytest.mark.parametrize(
    ("password", "why"),
    [
        (good(11), "it needs 12"),
        (good(257), "256 characters at most"),
        ("kV9#mZ2!qX7@\u0000wL4$", "control characters"),
        ("password1234", "easy to guess"),
        ("aaaaaaaaaaaaaaaa", "easy to guess"),
        ("example.comAda", "your own name"),
        ("lovelace@example", "your own name"),
    ],
)
async def test_a_refused_password_is_told_why(api: Api, password: str, why: str) -> None:
    answer = await api.call(
        "POST",
        "/auth/register",
        json={"email": "ada@example.com", "password": password, "first_name": "Ada", "last_name": "Lovelace"},
    )
    body = answer.json()
    assert (answer.status_code, body["code"]) == (422, "password-refused")
    assert all(problem["pointer"] == "/password" for problem in body["errors"])
    assert why in body["detail"]


@pytest.mark.parametrize(
    "password",
    [
        good(12),
        good(72),
        good(73),
        good(256),
        "  " + good(12) + "  ",
        "grüße aus dem hinteren zimmer",
        "пароль который длинный",
        "🦜🗿🧵 a parrot, a stone, a thread",
    ],
)
async def test_an_accepted_password_signs_in_and_a_changed_last_character_does_not(api: Api, password: str) -> None:
    await api.register(password=password)
    await api.log_in(password=password)
    for wrong in (
        password[:-1] + ("x" if password[-1] != "x" else "y"),
        password[:-1],
        password + "x",
        password.upper(),
    ):
        answer = await api.call("POST", "/auth/login", data={"username": "ada@example.com", "password": wrong})
        assert (answer.status_code, answer.json()["code"]) == (401, "bad-credentials")


async def test_a_password_is_the_same_however_the_keyboard_composes_it(api: Api) -> None:
    await api.register(password=unicodedata.normalize("NFC", "crème brûlée à la carte"))
    await api.log_in(password=unicodedata.normalize("NFD", "crème brûlée à la carte"))
