"""From a row to an account, by the rules that registration goes by."""

import csv
import io
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.security.bcrypt_hasher import BcryptHasher
from adapters.security.email_syntax import EmailValidatorSyntax
from adapters.security.secrets import PASSWORD_PEPPER, Keychain
from adapters.system import Uuid7Ids
from application.imports.columns import HEAD, Header
from application.imports.records import Records
from application.imports.rows import Rows, WantedMember
from domain.errors import Invalid
from domain.identity.user import LONGEST_NAME
from domain.imports.members_import import RejectedRow, Source
from domain.spreadsheets import neutralised
from domain.text import line

NOW = datetime(2026, 11, 30, 9, 30, tzinfo=UTC)
HASHER = BcryptHasher(Keychain.of(["x" * 40], PASSWORD_PEPPER), cost=4, threads=1)
NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=110) | st.text(
    st.sampled_from("'=+-@\t\rAé\0\n\u202e "), min_size=1, max_size=6
)


def prepared(content: bytes, source: Source = Source.MOOTHALL) -> list[WantedMember | RejectedRow]:
    header = Header.of(content[:HEAD], source)
    records = Records(header.delimiter)
    rows = Rows(header, source, emails=EmailValidatorSyntax(), hasher=HASHER, new_id=Uuid7Ids().new, now=NOW)
    return [rows.read(record) for record in [*records.feed(content), *records.finish()][1:]]


def table(*rows: Sequence[str], delimiter: str = ",") -> bytes:
    written = io.StringIO()
    csv.writer(written, delimiter=delimiter).writerows(rows)
    return written.getvalue().encode()


def wanted(content: bytes, source: Source = Source.MOOTHALL) -> WantedMember:
    [found] = prepared(content, source)
    assert isinstance(found, WantedMember), found
    return found


def is_a_name(text: str) -> bool:
    try:
        line(text, pointer="/first_name", longest=LONGEST_NAME)
    except Invalid:
        return False
    return True


@given(NAMES, NAMES, st.sampled_from([",", ";", "\t"]))
def test_every_name_is_kept_as_it_was_or_refused(first: str, last: str, delimiter: str) -> None:
    """What spreadsheets would run, and was neutralised, too."""
    cells = ("a@x.org", neutralised(first), neutralised(last))
    [found] = prepared(table(("email", "first_name", "last_name"), cells, delimiter=delimiter))
    if isinstance(found, WantedMember):
        assert (found.user.first_name, found.user.last_name) == (first, last)
    else:
        assert not (is_a_name(first) and is_a_name(last))


@given(st.sampled_from(["a@x.org", ""]), st.lists(st.text(max_size=12), min_size=9, max_size=9))
def test_no_row_raises(email: str, cells: list[str]) -> None:
    header = ("email", "username", "first_name", "last_name", "roles", "is_active", "is_verified", "password_hash",
              "external_id", "created_at")  # fmt: skip
    try:
        content = table(header, (email, *cells))
    except UnicodeEncodeError:
        return
    for found in prepared(content):
        assert found is not None


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-21T09:30:00Z", datetime(2026, 11, 21, 9, 30, tzinfo=UTC)),
        ("2026-11-21T09:30:00.123+02:00", datetime(2026, 11, 21, 7, 30, 0, 123_000, tzinfo=UTC)),
        ("2026-11-21 09:30:00", datetime(2026, 11, 21, 9, 30, tzinfo=UTC)),
        ("2026-11-21 09:30:00.123Z", datetime(2026, 11, 21, 9, 30, 0, 123_000, tzinfo=UTC)),
        ("2026-11-21", datetime(2026, 11, 21, tzinfo=UTC)),
    ],
)
def test_times_are_read_as_others_write_them(text: str, moment: datetime) -> None:
    """In UTC, where they do not say."""
    assert wanted(table(("email", "created_at"), ("a@x.org", text))).user.created_at == moment


@pytest.mark.parametrize("text", ["soon", "1899-12-31T23:59:59Z", (NOW + timedelta(seconds=1)).isoformat()])
def test_a_time_that_cannot_be_is_refused(text: str) -> None:
    [found] = prepared(table(("email", "created_at"), ("a@x.org", text)))
    assert isinstance(found, RejectedRow)
    assert found.column == "created_at"


def test_a_column_is_called_in_the_report_as_the_file_calls_it() -> None:
    [found] = prepared(
        table(("hashed_password", "Email", "is_superuser"), ("md5$1$2", "a@x.org", "f")), Source.FASTAPI_USERS
    )
    assert isinstance(found, RejectedRow)
    assert (found.column, found.row) == ("hashed_password", ",a@x.org,f")


def test_roles_are_parted_by_whatever_people_use() -> None:
    found = wanted(table(("email", "roles"), ("a@x.org", "member, admin;greeter|x")))
    assert found.user.roles == {"member", "admin", "greeter", "x"}


def test_a_superuser_elsewhere_is_an_administrator_here() -> None:
    [root, member] = prepared(
        table(("email", "is_superuser", "hashed_password"), ("a@x.org", "t", ""), ("b@x.org", "False", "")),
        Source.FASTAPI_USERS,
    )
    assert isinstance(root, WantedMember)
    assert isinstance(member, WantedMember)
    assert root.user.roles == {"admin", "member"}
    assert "roles" in root.given
    assert "roles" not in member.given


def test_a_django_username_that_is_the_address_is_left_out() -> None:
    header = ("email", "username", "password", "date_joined")
    assert wanted(table(header, ("Ada@x.org", "ada@X.org", "!unusable", "")), Source.DJANGO).user.username is None
    [other] = prepared(table(header, ("ada@x.org", "other@x.org", "!", "")), Source.DJANGO)
    assert isinstance(other, RejectedRow)
    assert other.column == "username"


def test_what_others_have_beside_is_left_where_it_is() -> None:
    header = Header.of(table(("id", "email", "tokenKey", "verified", "password")), Source.POCKETBASE)
    assert [name for name, field in zip(header.names, header.fields, strict=True) if field is None] == ["tokenKey"]


def test_the_delimiter_is_the_one_that_makes_sense_of_the_header() -> None:
    assert Header.of(b"first_name;email\n", Source.MOOTHALL).delimiter == ";"
    assert Header.of(b"email\n", Source.MOOTHALL).names == ("email",)
    assert Header.of(b'"email"\t"roles"\n', Source.MOOTHALL).delimiter == "\t"


@pytest.mark.parametrize("source", [Source.FASTAPI_USERS, Source.DJANGO, Source.POCKETBASE])
def test_a_file_of_somebody_else_is_not_taken_for_theirs(source: Source) -> None:
    """Its passwords would be left where they are."""
    with pytest.raises(Invalid) as refused:
        Header.of(b"id,email,hash\n", source)
    assert refused.value.code == "another-source"
