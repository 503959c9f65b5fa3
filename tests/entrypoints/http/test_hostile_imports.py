"""Files that are broken, or meant to break something: a report of rows, and never more than that (S26, S27)."""

import pytest

from domain.spreadsheets import neutralised
from tests.entrypoints.http.client import Api
from tests.entrypoints.http.importing import counts, imported, rejects, users


@pytest.mark.parametrize(
    ("content", "became"),
    [
        (b"\xef\xbb\xbfemail\r\na@x.org\r\n", {"created": 1}),
        ("email,first_name\na@x.org,Zoë\n".encode("utf-16"), {"created": 1}),
        (b"email,first_name\na@x.org,Zo\xeb\n", {"rejected": 1}),
        (b"email,first_name\na@x.org,A\x00B\n", {"rejected": 1}),
        (b"email\x00,first_name\na@x.org,A\n", {"created": 1}),
        (b"email,first_name\na@x.org\nb@x.org,B,C\n,,\n", {"rejected": 3}),
        (b'email,first_name\na@x.org,"A\nb@x.org,B\n', {"created": 1, "rejected": 1}),
        (b"email,first_name\na@x.org," + b"x" * 1_000_000 + b"\nb@x.org,B\n", {"created": 1, "rejected": 1}),
        (b'email,first_name\na@x.org,"' + b"x\n" * 50_000 + b'"\nb@x.org,B\n', None),
        (b"email,first_name\n" + b"\n" * 100_000 + b"a@x.org,A\n", {"created": 1}),
        (b"email,first_name\n../../etc/passwd,../\na@x.org,<script>\n", {"created": 1, "rejected": 1}),
    ],
)
async def test_a_broken_file_gives_a_report(api: Api, content: bytes, became: dict[str, int] | None) -> None:
    _, root = await api.admin()
    found = await imported(api, root, content)
    assert found["status"] == "succeeded"
    if became is None:
        assert (found["created"], found["rejected"]) == (1, 50_001)
    else:
        assert counts(found) == became
        assert len(await rejects(api, root, found)) == found["rejected"]


async def test_a_hash_that_slipped_into_another_column_is_not_told(api: Api) -> None:
    """Nor what others have beside what we know of."""
    _, root = await api.admin()
    hash = "$2b$12$" + "x" * 53
    table = f"email,first_name,last_name,roles\nnobody,Ada,{hash},\na@x.org,,,{hash}\nb@x.org,{hash},\n"
    told = str(await rejects(api, root, await imported(api, root, table)))
    assert told.count("'line'") == 3
    assert "$2b$" not in told
    table = f"email,tokenKey,name,password,verified\nnobody,a-secret,Ada,{hash},1\n"
    told = str(await rejects(api, root, await imported(api, root, table, source="pocketbase")))
    assert "nobody,,Ada,,1" in told
    assert "a-secret" not in told


async def test_a_file_of_very_many_columns_is_refused(api: Api) -> None:
    _, root = await api.admin()
    content = "email" + ",x" * 1_000 + "\n"
    answer = await api.call(
        "POST", "/imports", as_=root, content=content, headers={"Content-Type": "text/csv"}, params={"source": "django"}
    )
    assert answer.json()["code"] == "too-many-columns"


async def test_what_spreadsheets_call_columns_is_understood(api: Api) -> None:
    """And a column that they left behind."""
    _, root = await api.admin()
    found = await imported(api, root, "E-Mail;First Name;is active;\na@x.org;Ada;no;\nb@x.org;Bob;;rest\n")
    assert counts(found) == {"created": 1, "rejected": 1}
    [user] = (await users(api, root)).values()
    assert (user["first_name"], user["is_active"]) == ("Ada", False)


@pytest.mark.parametrize(("content", "code"), [(b"PK\x03\x04\x14", "no-csv"), (b"email,first_name\n", "no-rows")])
async def test_what_is_no_table_of_members_is_refused(api: Api, content: bytes, code: str) -> None:
    _, root = await api.admin()
    answer = await api.call("POST", "/imports", as_=root, content=content, headers={"Content-Type": "text/csv"})
    assert (answer.status_code, answer.json()["code"]) == (422, code)


async def test_a_form_has_a_file_and_nothing_else(api: Api) -> None:
    _, root = await api.admin()
    form = {"files": {"file": ("m.csv", "email\na@x.org\n")}, "data": {"dry_run": "true"}}
    answer = await api.call("POST", "/imports", as_=root, **form)
    assert (answer.status_code, answer.json()["code"]) == (422, "more-than-a-file")


async def test_blanks_around_an_address_are_nobodys(api: Api) -> None:
    _, root = await api.admin()
    assert counts(await imported(api, root, "email,username\n a@x.org , ada \n")) == {"created": 1}
    assert (await users(api, root))["a@x.org"]["username"] == "ada"


async def test_another_encoding_is_refused_where_it_is_said(api: Api) -> None:
    _, root = await api.admin()
    headers = {"Content-Type": "text/csv; charset=ISO-8859-1"}
    answer = await api.call("POST", "/imports", as_=root, content="email\na@x.org\n", headers=headers)
    assert answer.status_code == 415


async def test_what_was_neutralised_comes_back(api: Api) -> None:
    _, root = await api.admin()
    formulas = ["=1+1", "+49 30 1234", "-2", "@SUM(A1)", "'=x", "O'Hara"]
    table = "email,last_name\n" + "".join(f"m{n}@x.org,{neutralised(name)}\n" for n, name in enumerate(formulas))
    assert counts(await imported(api, root, table)) == {"created": len(formulas)}
    there = await users(api, root)
    assert [there[f"m{n}@x.org"]["last_name"] for n in range(len(formulas))] == formulas


async def test_what_is_refused_is_neutralised_in_the_report(api: Api) -> None:
    _, root = await api.admin()
    found = await imported(api, root, "email,first_name\n=cmd|x,A\n")
    [row] = await rejects(api, root, found)
    assert row["row"] == "'=cmd|x,A"
