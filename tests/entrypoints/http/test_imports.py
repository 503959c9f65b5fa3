"""Members come in from a file: what becomes of each row, and what is told of it."""

import json
from typing import Any

import pytest

from application.imports import importing
from tests.entrypoints.http.client import ANOTHER_PASSWORD, PASSWORD, Api
from tests.entrypoints.http.importing import counts, imported, rejects, shown, started, users

ADA = "email,username,first_name,last_name\nada@example.com,ada,Ada,Lovelace\n"


async def test_a_row_becomes_an_account(api: Api) -> None:
    _, root = await api.admin()
    found = await imported(
        api,
        root,
        "last_name,Email,is_verified,created_at,USERNAME,is_active,first_name\n"
        "Hopper,Grace@Example.com,yes,1906-12-09T00:00:00Z,grace,0,Grace\n",
    )
    assert counts(found) == {"created": 1}
    assert found["status"] == "succeeded"
    assert found["progress"] == {"done": 1, "total": 1, "rejected": 0}
    [grace] = (await users(api, root)).values()
    del grace["id"], grace["updated_at"]
    assert grace == {
        "email": "Grace@Example.com",
        "username": "grace",
        "first_name": "Grace",
        "last_name": "Hopper",
        "full_name": "Grace Hopper",
        "is_active": False,
        "is_verified": True,
        "is_superuser": False,
        "roles": ["member"],
        "created_at": "1906-12-09T00:00:00Z",
        "last_login_at": None,
    }


@pytest.mark.parametrize(
    "content",
    [
        ADA.encode(),
        ADA.encode("utf-8-sig"),
        ADA.encode("utf-16"),
        b"\xfe\xff" + ADA.encode("utf-16-be"),
        ADA.replace(",", ";").encode(),
        ADA.replace(",", "\t").encode(),
        ADA.replace("\n", "\r\n").encode(),
        ADA.replace("\n", "\r").encode(),
        ADA.rstrip("\n").encode(),
        ADA.replace("ada,", '"ada",').replace("\n", "\n\n").encode(),
    ],
)
async def test_it_is_found_out_how_the_file_is_written(api: Api, store_name: str, content: bytes) -> None:
    if store_name != "memory":
        return  # reading is the same on every store
    _, root = await api.admin()
    assert counts(await imported(api, root, content)) == {"created": 1}
    assert (await users(api, root))["ada@example.com"]["full_name"] == "Ada Lovelace"


async def test_a_form_brings_a_file_as_a_body_does(api: Api) -> None:
    _, root = await api.admin()
    answer = await api.call("POST", "/imports", as_=root, files={"file": ("members.csv", ADA, "text/csv")})
    assert answer.status_code == 202, answer.text
    await api.application.runner.drain()
    assert list(await users(api, root)) == ["ada@example.com"]


async def test_what_is_wrong_is_told_row_by_row(api: Api) -> None:
    _, root = await api.admin()
    found = await imported(
        api,
        root,
        "email,username,first_name,roles,is_active,created_at\n"
        "good@example.com,good,,,,\n"
        ",nobody,,,,\n"
        "no-address,,,,,\n"
        "a@example.com,x,,,,\n"
        f"b@example.com,,{'x' * 101},,,\n"
        "c@example.com,,,astronaut,,\n"
        "d@example.com,,,,perhaps,\n"
        "e@example.com,,,,,tomorrow\n"
        "f@example.com,,,,,2999-01-01T00:00:00Z\n"
        "g@example.com,,\n"
        "h@example.com,GOOD,,,,\n"
        "Good@Example.com,,,,,\n"
        '"i@example.com","open,,,,\n'
        "j@example.com,jay,,,,\n",
    )
    assert counts(found) == {"created": 2, "rejected": 12}
    assert found["progress"] == {"done": 14, "total": 14, "rejected": 12}
    told = await rejects(api, root, found)
    assert [(row["line"], row["column"]) for row in told] == [
        ("3", "email"),
        ("4", "email"),
        ("5", "username"),
        ("6", "first_name"),
        ("7", "roles"),
        ("8", "is_active"),
        ("9", "created_at"),
        ("10", "created_at"),
        ("11", ""),
        ("12", "username"),
        ("13", "email"),
        ("14", ""),
    ]
    assert told[0]["reason"] == "There is no e-mail address."
    assert told[0]["row"] == ",nobody,,,,"
    assert told[-1]["row"] == '"i@example.com","open,,,,'
    assert all(row["reason"].endswith((".", ")")) or row["reason"] for row in told)
    assert set(await users(api, root)) == {"good@example.com", "j@example.com"}


@pytest.mark.parametrize(
    ("on_duplicate", "became", "name"),
    [("skip", {"skipped": 1}, None), ("update", {"updated": 1}, "Ada Lovelace"), ("reject", {"rejected": 1}, None)],
)
async def test_a_duplicate_becomes_what_was_asked_for(
    api: Api, on_duplicate: str, became: dict[str, int], name: str | None
) -> None:
    _, root = await api.admin()
    await api.register("ADA@example.com")
    found = await imported(api, root, ADA, on_duplicate=on_duplicate)
    assert counts(found) == became
    [ada] = (await users(api, root)).values()
    assert ada["full_name"] == name
    assert ada["email"] == "ADA@example.com", "mail goes where it went before"


async def test_an_empty_cell_says_nothing(api: Api) -> None:
    _, root = await api.admin()
    await imported(api, root, ADA)
    found = await imported(api, root, "email,username,first_name\nada@example.com,,Augusta\n", on_duplicate="update")
    assert counts(found) == {"updated": 1}
    ada = (await users(api, root))["ada@example.com"]
    assert (ada["username"], ada["full_name"]) == ("ada", "Augusta Lovelace")


async def test_the_same_file_again_changes_nothing(api: Api) -> None:
    _, root = await api.admin()
    await imported(api, root, ADA)
    before = await users(api, root)
    assert counts(await imported(api, root, ADA, on_duplicate="update")) == {"skipped": 1}
    assert await users(api, root) == before


async def test_a_file_may_name_somebody_twice(api: Api) -> None:
    _, root = await api.admin()
    found = await imported(api, root, "email,first_name\na@x.org,One\nA@X.org,Two\n", on_duplicate="update")
    assert counts(found) == {"created": 1, "updated": 1}
    assert (await users(api, root))["a@x.org"]["first_name"] == "Two"


async def test_names_may_move_from_one_to_another(api: Api) -> None:
    """In one chunk, in the order of the rows."""
    _, root = await api.admin()
    await imported(api, root, "email,username\na@x.org,first\nb@x.org,second\n")
    found = await imported(
        api,
        root,
        "email,username\na@x.org,third\nb@x.org,first\nc@x.org,second\nd@x.org,third\n",
        on_duplicate="update",
    )
    assert counts(found) == {"created": 1, "updated": 2, "rejected": 1}
    assert {email: user["username"] for email, user in (await users(api, root)).items()} == {
        "a@x.org": "third",
        "b@x.org": "first",
        "c@x.org": "second",
    }


async def test_a_dry_run_tells_what_would_happen_and_changes_nothing(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importing, "CHUNK", 2)
    _, root = await api.admin()
    await api.register("there@example.com", username="there")
    rows = (
        "email,username,external_id\n"
        "a@x.org,one,1\nb@x.org,two,2\n"
        "a@x.org,three,\nc@x.org,two,\nd@x.org,,1\n"
        "there@example.com,four,9\ne@x.org,there,\nf@x.org,four,\n"
    )
    before = await users(api, root)
    dry = await imported(api, root, rows, dry_run=True, on_duplicate="update")
    assert await users(api, root) == before
    assert dry["dry_run"] is True
    real = await imported(api, root, rows, on_duplicate="update")
    assert counts(dry) == counts(real) == {"created": 3, "updated": 2, "rejected": 3}
    assert await rejects(api, root, dry) == await rejects(api, root, real)


async def test_one_entry_in_the_trail_stands_for_the_whole(api: Api) -> None:
    root_user, root = await api.admin()
    before = await api.trail(root)
    found = await imported(api, root, "email\na@x.org\nb@x.org\nnobody\n", on_duplicate="skip")
    [entry] = [entry for entry in await api.trail(root) if entry not in before]
    assert entry["action"] == "members.import-started"
    assert (entry["actor"], entry["item"], entry["fields"]) == (root_user["id"], found["id"], ["skip"])


async def test_the_same_file_is_imported_by_one_at_a_time(api: Api) -> None:
    _, root = await api.admin()
    await started(api, root, ADA)
    again = await api.call("POST", "/imports", as_=root, content=ADA, headers={"Content-Type": "text/csv"})
    assert (again.status_code, again.json()["code"]) == (409, "import-running")
    await started(api, root, ADA.replace("ada@", "bob@"))
    await api.application.runner.drain()
    await started(api, root, ADA)


async def test_a_repeated_request_starts_one_import(api: Api) -> None:
    _, root = await api.admin()
    headers = {"Content-Type": "text/csv", "Idempotency-Key": '"k1"'}
    first = await api.call("POST", "/imports", as_=root, content=ADA, headers=headers)
    again = await api.call("POST", "/imports", as_=root, content=ADA, headers=headers)
    other = await api.call("POST", "/imports", as_=root, content=ADA + "b@x.org,,,\n", headers=headers)
    assert (first.status_code, again.status_code, again.text) == (202, 202, first.text)
    assert again.headers["location"] == first.headers["location"]
    assert (other.status_code, other.json()["code"]) == (422, "idempotency-key-reused")
    await api.application.runner.drain()
    assert [blob.key async for blob in api.application.imports.start_import.files.blobs.all("imports")] == []


@pytest.mark.parametrize(
    ("content", "code"),
    [
        ("", "empty-file"),
        ("\n\n", "no-header"),
        ("name,age\nAda,36\n", "no-email-column"),
        ("email,emial\na@x.org,b\n", "unknown-column"),
        ("email,E-Mail,Email\na@x.org,,\n", "repeated-column"),
        ('email,"username\n', "no-email-column"),
        ("x" * 70_000, "no-header"),
    ],
)
async def test_a_file_that_cannot_be_read_is_refused_at_once(api: Api, content: str, code: str) -> None:
    _, root = await api.admin()
    answer = await api.call("POST", "/imports", as_=root, content=content, headers={"Content-Type": "text/csv"})
    assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert answer.json()["errors"][0]["pointer"] == "/file"
    assert [blob.key async for blob in api.application.imports.start_import.files.blobs.all("imports")] == []


async def test_another_media_type_is_refused(api: Api) -> None:
    _, root = await api.admin()
    answer = await api.call("POST", "/imports", as_=root, json={"email": "a@x.org"})
    assert answer.status_code == 415


async def test_what_our_own_answers_tell_beside_may_stand_there(api: Api) -> None:
    _, root = await api.admin()
    header = "id,email,full_name,is_superuser,updated_at,last_login_at\n"
    assert counts(await imported(api, root, f"{header}x,a@x.org,A,true,,\n")) == {"created": 1}
    assert (await users(api, root))["a@x.org"]["roles"] == ["member"]


async def test_who_is_imported_and_has_no_password_is_invited_on_request(api: Api) -> None:
    _, root = await api.admin()
    await api.mails()
    await imported(api, root, "email,is_active\na@x.org,\nb@x.org,false\n", invite=True)
    [mail] = await api.mails()
    assert mail.to == "a@x.org"


async def test_an_import_that_was_cancelled_goes_on_where_it_was(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importing, "CHUNK", 2)
    _, root = await api.admin()
    found = await started(api, root, "email\n" + "".join(f"m{n}@x.org\n" for n in range(9)))
    merged = importing.Importing._merged

    async def stopped_after_some(self: Any, state: Any, *rest: Any) -> Any:
        if state.counts.done == 4:
            monkeypatch.setattr(importing.Importing, "_merged", merged)
            raise RuntimeError("The worker fell over.")
        return await merged(self, state, *rest)

    monkeypatch.setattr(importing.Importing, "_merged", stopped_after_some)
    await api.application.runner.drain()
    half = await shown(api, root, found["id"])
    assert (half["status"], half["created"]) == ("queued", 4)
    cancelled = await api.call("POST", f"/jobs/{found['job_id']}/cancel", as_=root)
    assert cancelled.json()["status"] == "cancelled"
    await api.application.runner.drain()
    assert counts(await shown(api, root, found["id"])) == {"created": 4}
    assert (await api.call("POST", f"/jobs/{found['job_id']}/retry", as_=root)).status_code == 200
    await api.application.runner.drain()
    whole = await shown(api, root, found["id"])
    assert (whole["status"], counts(whole)) == ("succeeded", {"created": 9})
    assert len(await users(api, root)) == 9


async def test_the_job_tells_what_became_of_it(api: Api) -> None:
    _, root = await api.admin()
    found = await imported(api, root, "email\na@x.org\nnobody\n")
    job = (await api.call("GET", f"/jobs/{found['job_id']}", as_=root)).json()
    assert job["kind"] == "import-members"
    assert job["progress"] == {"done": 2, "total": 2, "rejected": 1}
    assert job["result"] == {"import_id": found["id"], "created": 1, "updated": 0, "skipped": 0, "rejected": 1}


async def test_webhooks_hear_of_each_member(api: Api) -> None:
    """As if each had been made by hand; without a webhook nothing is stored for it."""
    _, root = await api.admin()
    await imported(api, root, "email\na@x.org\n")
    body = {"url": "https://example.com/hook", "events": ["user.*"]}
    hook = (await api.call("POST", "/webhooks", as_=root, json=body)).json()
    await started(api, root, "email,first_name,is_active\na@x.org,Ada,false\nb@x.org,,\n", on_duplicate="update")
    await api.application.runner.drain()
    told = (await api.call("GET", f"/webhooks/{hook['id']}/deliveries", as_=root)).json()["items"]
    assert sorted(each["event"] for each in told) == ["user.created", "user.deactivated", "user.updated"]


async def test_who_is_deactivated_by_a_file_is_signed_out(api: Api) -> None:
    _, root = await api.admin()
    _, ada = await api.member("ada")
    await imported(api, root, "email,is_active\nada@example.com,false\n", on_duplicate="update")
    assert (await api.me(ada)).status_code == 401


async def test_the_id_from_elsewhere_is_kept_for_the_member_to_see(api: Api) -> None:
    _, root = await api.admin()
    await api.member("ada")
    found = await imported(
        api, root, "email,external_id\nada@example.com,legacy-7\nb@x.org,legacy-7\n", on_duplicate="update"
    )
    assert counts(found) == {"updated": 1, "rejected": 1}
    ada = await api.log_in("ada")
    data = json.loads((await api.call("GET", "/users/me/export", as_=ada)).text)
    assert data["external_id"] == "legacy-7"


async def test_a_password_that_is_there_stays(api: Api) -> None:
    """It may be newer than the file, and nobody shall get in by it."""
    hasher = api.application.identity.log_in.hasher
    _, root = await api.admin()
    await api.member("ada")
    stored = await hasher.hash(ANOTHER_PASSWORD)
    row = f"email,password_hash\nada@example.com,{stored}\nb@x.org,{stored}\n"
    assert counts(await imported(api, root, row, on_duplicate="update")) == {"created": 1, "skipped": 1}
    await api.log_in("ada", PASSWORD)
    await api.log_in("b@x.org", ANOTHER_PASSWORD)


async def test_a_hash_is_in_no_answer(api: Api) -> None:
    _, root = await api.admin()
    secret = "$2b$12$" + "x" * 53
    found = await imported(api, root, f'email,password_hash\nnobody,{secret}\na@x.org,{secret},more\n"open,{secret}\n')
    told = await rejects(api, root, found)
    assert len(told) == 3
    assert "$2b$" not in str(told)
