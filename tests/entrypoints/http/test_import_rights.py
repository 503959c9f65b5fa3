"""An import reaches no further than who asked for it: a row that would is refused, and the others are not (S28)."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest

from application.imports import importing
from domain.imports.members_import import OnDuplicate
from tests.entrypoints.http.client import OPERATOR, Api, Tokens
from tests.entrypoints.http.importing import counts, imported, rejects, shown, started, streamed, users

HASH = "$2b$04$" + "abcdefghijklmnopqrstuu" + "x" * 31


async def columns(api: Api, by: Tokens, found: dict[str, Any]) -> list[tuple[str, str]]:
    return [(row["line"], row["column"]) for row in await rejects(api, by, found)]


async def test_roles_need_the_right_to_give_them(api: Api) -> None:
    _, root = await api.admin()
    await api.application.access.create_role(OPERATOR, name="greeter", permissions=["users:read"])
    _, clerk = await api.staff("clerk", "users:import")
    table = "email,roles\na@x.org,member\nb@x.org,greeter\nc@x.org,admin\nd@x.org,\n"
    found = await imported(api, clerk, table)
    assert counts(found) == {"created": 1, "rejected": 3}
    assert await columns(api, clerk, found) == [("2", "roles"), ("3", "roles"), ("4", "roles")]
    assert (await users(api, root))["d@x.org"]["roles"] == ["member"]


async def test_nobody_gives_roles_beyond_their_own(api: Api) -> None:
    _, root = await api.admin()
    await api.application.access.create_role(OPERATOR, name="greeter", permissions=["users:read"])
    _, clerk = await api.staff("clerk", "users:import", "users:set-roles", "users:read")
    found = await imported(api, clerk, "email,roles\na@x.org,member greeter\nb@x.org,member;admin\nc@x.org,nowhere\n")
    assert await columns(api, clerk, found) == [("3", "roles"), ("4", "roles")]
    assert (await users(api, root))["a@x.org"]["roles"] == ["greeter", "member"]


async def test_password_hashes_need_the_right_to_bring_them(api: Api) -> None:
    _, root = await api.admin()
    _, clerk = await api.staff("clerk", "users:import")
    found = await imported(api, clerk, f"email,password_hash\na@x.org,{HASH}\nb@x.org,\n")
    assert await columns(api, clerk, found) == [("2", "password_hash")]
    assert "b@x.org" in await users(api, root)


async def test_accounts_of_others_need_the_right_to_change_them(api: Api) -> None:
    await api.admin()
    await api.member("ada")
    _, clerk = await api.staff("clerk", "users:import")
    table = "email,first_name\nada@example.com,Changed\n"
    assert counts(await imported(api, clerk, table, on_duplicate="update")) == {"rejected": 1}


async def test_nobody_changes_who_may_do_more(api: Api) -> None:
    _, root = await api.admin()
    await api.member("ada")
    _, clerk = await api.staff("clerk", "users:import", "users:update", "users:import-passwords")
    table = f"email,first_name,password_hash\nada@example.com,Changed,\nroot@example.com,Changed,{HASH}\n"
    found = await imported(api, clerk, table, on_duplicate="update")
    assert counts(found) == {"updated": 1, "rejected": 1}
    [row] = await rejects(api, clerk, found)
    assert "beyond" in row["reason"]
    assert (await api.me(root)).json()["first_name"] is None


async def test_nobody_changes_their_own_account_so(api: Api) -> None:
    _, root = await api.admin()
    table = "email,roles,is_active\nroot@example.com,member,false\n"
    assert counts(await imported(api, root, table, on_duplicate="update")) == {"rejected": 1}
    assert (await api.me(root)).status_code == 200


async def test_the_last_administrator_stays(api: Api) -> None:
    """Of several who would be demoted by one chunk."""
    await api.admin()
    for name in ("ada", "bob"):
        user, _ = await api.member(name)
        await api.give(user, "admin", "member")
    table = "email,roles\nroot@example.com,member\nada@example.com,member\nbob@example.com,member\n"
    found = await api.application.imports.start_import(
        OPERATOR, content=streamed(table.encode()), on_duplicate=OnDuplicate.UPDATE
    )
    await api.application.runner.drain()
    view = await api.application.imports.show_import(OPERATOR, import_id=found.id)
    assert (view.updated, view.rejected) == (2, 1)
    [[row]] = [page async for page in await api.application.imports.list_rejected_rows(OPERATOR, import_id=view.id)]
    assert (row.line, row.column) == (4, "roles")


async def test_an_import_stops_when_who_asked_for_it_is_demoted(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importing, "CHUNK", 1)
    _, root = await api.admin()
    user, clerk = await api.staff("clerk", "users:import")
    found = await started(api, clerk, "email\na@x.org\n")
    await api.give(user, "member")
    await api.application.runner.drain()
    view = await shown(api, root, found["id"])
    assert (view["status"], view["created"]) == ("failed", 0)
    assert view["error"].startswith("not-allowed")


async def test_an_import_stops_when_who_asked_for_it_is_deactivated(api: Api) -> None:
    _, root = await api.admin()
    user, clerk = await api.staff("clerk", "users:import")
    found = await started(api, clerk, "email\na@x.org\n")
    await api.application.identity.update_user(OPERATOR, user_id=UUID(user["id"]), is_active=False)
    await api.application.runner.drain()
    view = await shown(api, root, found["id"])
    assert (view["status"], view["created"]) == ("failed", 0)
    assert view["error"].startswith("importer-gone")


async def test_an_api_key_brings_in_no_more_than_it_allows(api: Api) -> None:
    _, root = await api.admin()
    key = await api.key(root, "users:import")
    answer = await api.call(
        "POST",
        "/imports",
        content="email,roles\na@x.org,admin\nb@x.org,\n",
        headers={"Content-Type": "text/csv", "X-API-Key": key["key"]},
    )
    assert answer.status_code == 202
    await api.application.runner.drain()
    found = await shown(api, root, answer.json()["id"])
    assert counts(found) == {"created": 1, "rejected": 1}


async def test_a_revoked_api_key_brings_in_nobody(api: Api) -> None:
    _, root = await api.admin()
    key = await api.key(root, "users:import")
    headers = {"Content-Type": "text/csv", "X-API-Key": key["key"]}
    answer = await api.call("POST", "/imports", content="email\na@x.org\n", headers=headers)
    await api.call("DELETE", f"/api-keys/{key['id']}", as_=root)
    await api.application.runner.drain()
    assert (await shown(api, root, answer.json()["id"]))["status"] == "failed"


async def test_who_signs_out_meanwhile_has_not_changed_their_mind(api: Api) -> None:
    _, root = await api.admin()
    found = await started(api, root, "email\na@x.org\n")
    await api.call("POST", "/auth/logout", as_=root)
    await api.application.runner.drain()
    root = await api.log_in("root")
    assert (await shown(api, root, found["id"]))["created"] == 1


async def test_an_import_in_somebodys_place_ends_with_the_rights_of_who_was_there(api: Api) -> None:
    await api.admin()
    clerk, _ = await api.staff("clerk", "users:import")
    boss_user, boss = await api.staff("boss", "users:import", "users:impersonate")
    path = f"/users/{clerk['id']}/impersonate"
    told = (await api.call("POST", path, as_=boss, json={"permissions": ["users:import"]})).json()
    acting = Tokens(told["access_token"], "")
    found = await started(api, acting, "email\na@x.org\n")
    await api.application.identity.update_user(OPERATOR, user_id=UUID(boss_user["id"]), is_active=False)
    await api.application.runner.drain()
    root = await api.log_in("root")
    view = await shown(api, root, found["id"])
    assert (view["status"], view["created"], view["imported_by"]) == ("failed", 0, boss_user["id"])


async def test_a_form_is_not_read_for_who_may_not_import(api: Api) -> None:
    """It would lie on the disk first."""
    _, ada = await api.member("ada")
    sent = 0

    async def form() -> AsyncIterator[bytes]:
        nonlocal sent
        yield b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\n'
        for _ in range(100):
            sent += 1
            yield b"x" * 10_000

    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    answer = await api.call("POST", "/imports", as_=ada, content=form(), headers=headers)
    assert answer.status_code == 403
    assert sent < 100
