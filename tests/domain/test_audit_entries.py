"""Entries of the audit trail: what they name, and how they are chained."""

import hashlib
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

import pytest

from domain.access import actor as actors
from domain.access.actor import Origin
from domain.audit.entry import BEGINNING, Entry, added, chained, changed_fields, content, taken

NOW = datetime(2026, 11, 21, 12, 30, tzinfo=UTC)
ID, ADA, GRACE, SESSION, KEY, SUBJECT, ITEM = (UUID(int=number) for number in range(1, 8))
ORIGIN = Origin("192.0.2.7", "curl/8", "request-1")

ENTRY = Entry(
    id=ID,
    at=NOW,
    action="user.changed",
    actor=str(GRACE),
    api_key_id=KEY,
    impersonating=ADA,
    subject=str(SUBJECT),
    item=str(ITEM),
    fields=("email", "+admin"),
    address="192.0.2.7",
    request_id="request-1",
    proof="secret-1:mac",
)
BARE = replace(ENTRY, api_key_id=None, impersonating=None, subject=None, item=None, fields=(), proof=None)


@dataclass(frozen=True)
class Account:
    email: str = "ada@example.com"
    password_hash: str | None = None
    roles: frozenset[str] = frozenset()
    is_active: bool = True
    is_verified: bool = False
    nickname: str = "ada"
    updated_at: datetime = NOW
    version: int = 1


def test_an_entry_names_the_caller_the_thing_and_where_they_called_from() -> None:
    actor = actors.api_key(KEY, ADA, frozenset(), origin=ORIGIN)
    entry = Entry.of(
        actor, "api-key.removed", id=ID, at=NOW, subject=SUBJECT, item=ITEM, fields=(name for name in ("a", "b"))
    )
    assert entry == Entry(
        id=ID,
        at=NOW,
        action="api-key.removed",
        actor=str(ADA),
        api_key_id=KEY,
        impersonating=None,
        subject=str(SUBJECT),
        item=str(ITEM),
        fields=("a", "b"),
        address="192.0.2.7",
        request_id="request-1",
        proof=None,
    )


def test_an_entry_needs_no_more_than_a_caller_and_an_action() -> None:
    entry = Entry.of(actors.operator("ops"), "role.removed", id=ID, at=NOW, subject="editors")
    assert (entry.actor, entry.subject) == ("cli:ops", "editors")
    assert (entry.item, entry.fields, entry.address, entry.request_id, entry.api_key_id) == (None, (), None, None, None)
    assert Entry.of(actors.PROCESS, "trail.sealed", id=ID, at=NOW).subject is None


def test_whoever_is_in_a_members_place_is_named_with_that_member() -> None:
    impersonated = actors.member(ADA, frozenset(), session_id=SESSION, signed_in_at=NOW, impersonator_id=GRACE)
    entry = Entry.of(impersonated, "post.changed", id=ID, at=NOW)
    assert (entry.actor, entry.impersonating) == (str(GRACE), ADA)
    herself = actors.member(ADA, frozenset(), session_id=SESSION, signed_in_at=NOW)
    assert Entry.of(herself, "post.changed", id=ID, at=NOW).impersonating is None


def test_what_was_added_and_taken_is_named_by_a_sign_in_order() -> None:
    assert added({"users:*", "posts:read"}) == ("+posts:read", "+users:*")
    assert taken({"users:*", "posts:read"}) == ("-posts:read", "-users:*")
    assert added(()) == taken(()) == ()


@pytest.mark.parametrize(
    ("after", "named"),
    [
        (Account(), ()),
        (Account(email="grace@example.com"), ("email",)),
        (Account(password_hash="sealed"), ("password",)),
        (Account(roles=frozenset({"editor", "admin"})), ("+admin", "+editor")),
        (Account(email="x", roles=frozenset({"admin"})), ("email", "+admin")),
        (Account(is_active=False, is_verified=True), ("-is_active", "+is_verified")),
        (Account(updated_at=NOW + timedelta(1), version=2), ()),
        (Account(email="x", nickname="y", updated_at=NOW + timedelta(1), version=2), ("email", "nickname")),
    ],
)
def test_a_change_is_told_by_the_names_of_the_fields_alone(after: Account, named: tuple[str, ...]) -> None:
    assert changed_fields(Account(), after) == named


def test_what_went_from_a_set_is_named_after_what_came() -> None:
    before = Account(roles=frozenset({"admin", "member", "editor"}))
    assert changed_fields(before, Account(roles=frozenset({"member", "zoo"}))) == ("+zoo", "-admin", "-editor")


def test_what_comes_behind_a_field_that_is_not_worth_naming_is_named_still() -> None:
    @dataclass(frozen=True)
    class Versioned:
        version: int
        name: str

    assert changed_fields(Versioned(1, "a"), Versioned(2, "b")) == ("name",)


def test_the_content_is_every_field_but_the_proof_in_one_form_for_all_time() -> None:
    assert content(ENTRY) == (
        b'["00000000000000000000000000000001","2026-11-21T12:30:00+00:00","user.changed",'
        b'"00000000-0000-0000-0000-000000000003","00000000000000000000000000000005",'
        b'"00000000000000000000000000000002","00000000-0000-0000-0000-000000000006",'
        b'"00000000-0000-0000-0000-000000000007",["email","+admin"],"192.0.2.7","request-1"]'
    )
    assert content(replace(BARE, address=None, request_id=None)) == (
        b'["00000000000000000000000000000001","2026-11-21T12:30:00+00:00","user.changed",'
        b'"00000000-0000-0000-0000-000000000003",null,null,null,null,[],null,null]'
    )


@pytest.fixture(params=["UTC0", "IST-5:30", "EST5"])
def _server_somewhere(request: pytest.FixtureRequest) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TZ", request.param)
        time.tzset()
        yield
    time.tzset()


@pytest.mark.usefixtures("_server_somewhere")
def test_the_content_is_the_same_in_every_time_zone() -> None:
    assert json.loads(content(ENTRY))[1] == "2026-11-21T12:30:00+00:00"
    elsewhere = replace(ENTRY, at=NOW.astimezone(timezone(timedelta(hours=5, minutes=30))))
    assert content(elsewhere) == content(ENTRY)


def test_a_link_of_the_chain_is_the_hash_of_the_one_before_the_place_and_the_entry() -> None:
    whole = BEGINNING + b'[1, "secret-1:mac"]' + content(ENTRY)
    assert chained(BEGINNING, 1, ENTRY) == hashlib.sha256(whole).digest()
    unproved = BEGINNING + json.dumps([1, None]).encode() + content(BARE)
    assert chained(BEGINNING, 1, BARE) == hashlib.sha256(unproved).digest()


@pytest.mark.parametrize("field", [field.name for field in fields(Entry)])
def test_no_field_of_an_entry_can_be_changed_without_breaking_the_chain(field: str) -> None:
    other = {
        "id": SUBJECT,
        "at": NOW + timedelta(microseconds=1),
        "api_key_id": None,
        "impersonating": None,
        "fields": ("email",),
    }
    changed = replace(ENTRY, **{field: other.get(field, "something else")})  # type: ignore[arg-type]
    assert chained(BEGINNING, 1, changed) != chained(BEGINNING, 1, ENTRY)


def test_an_entry_is_bound_to_its_place() -> None:
    digests = {chained(BEGINNING, 1, ENTRY), chained(BEGINNING, 2, ENTRY), chained(b"\1" * 32, 1, ENTRY)}
    assert len(digests) == 3
