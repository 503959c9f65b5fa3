"""What the columns of a file mean."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from application.imports.records import Record, Records
from domain.errors import Invalid
from domain.imports.members_import import Source

HEAD = 65_536
"""Bytes at the beginning of a file, in which its header has to end."""
DELIMITERS = (",", ";", "\t")
LONGEST_SHOWN = 50
MOST_COLUMNS = 1_000

EMAIL = "email"
PASSWORD_HASH = "password_hash"  # noqa: S105 # nosec B105 # a name
SUPERUSER = "is_superuser"
"""Of others' files: whoever is one gets the role admin."""

OURS = (
    EMAIL,
    "username",
    "first_name",
    "last_name",
    "roles",
    "is_active",
    "is_verified",
    PASSWORD_HASH,
    "external_id",
    "created_at",
)
_TOLD_ALONE = frozenset({"id", "fullname", "issuperuser", "updatedat", "lastloginat"})
"""What our own exports and answers tell, and nobody sets."""

FIELDS: Mapping[Source, Mapping[str, str]] = {
    Source.MOOTHALL: {name: name for name in OURS},
    Source.FASTAPI_USERS: {
        "id": "external_id",
        "email": EMAIL,
        "hashed_password": PASSWORD_HASH,
        "is_active": "is_active",
        "is_superuser": SUPERUSER,
        "is_verified": "is_verified",
    },
    Source.DJANGO: {
        "id": "external_id",
        "password": PASSWORD_HASH,
        "is_superuser": SUPERUSER,
        "username": "username",
        "first_name": "first_name",
        "last_name": "last_name",
        "email": EMAIL,
        "is_active": "is_active",
        "date_joined": "created_at",
    },
    Source.POCKETBASE: {
        "id": "external_id",
        "password": PASSWORD_HASH,
        "email": EMAIL,
        "verified": "is_verified",
        "name": "first_name",
        "created": "created_at",
    },
}
"""Which column becomes which field. What else there is in a file of others is left where it is."""


def _normal(name: str) -> str:
    """`E-Mail`, `First Name` and `first_name` are what they seem."""
    return "".join(character for character in name.lower() if character.isalnum())


_KNOWN = {source: {_normal(name): field for name, field in fields.items()} for source, fields in FIELDS.items()}


_TELLING: Mapping[Source, frozenset[str]] = {
    Source.MOOTHALL: frozenset(),
    Source.FASTAPI_USERS: frozenset({"hashed_password", "is_superuser"}),
    Source.DJANGO: frozenset({"password", "date_joined"}),
    Source.POCKETBASE: frozenset({"password", "verified"}),
}
"""Columns without which a file comes from somewhere else: its passwords would be left where they are."""
_OF_A_WORKBOOK = b"PK\x03\x04"


@dataclass(frozen=True, slots=True)
class Header:
    """`names` are the columns as the file calls them, `fields` what each becomes (None: nothing)."""

    delimiter: str
    names: tuple[str, ...]
    fields: tuple[str | None, ...]

    @classmethod
    def of(cls, head: bytes, source: Source) -> "Header":
        """From the first bytes of a file; all of it, where it is shorter than `HEAD`.

        Raises:
            Invalid: `no-csv`, `no-header`, `too-many-columns`, `no-email-column`, `another-source`, `repeated-column`,
                `unknown-column`.
        """
        if head.startswith(_OF_A_WORKBOOK):
            raise _bad("no-csv", "This is a workbook; save it as CSV (UTF-8).")
        found = [(delimiter, record) for delimiter in DELIMITERS if (record := _first(head, delimiter)) is not None]
        if not found:
            raise _bad("no-header", "The file does not begin with the names of its columns.")
        known = _KNOWN[source]

        def fitting(read: tuple[str, Record]) -> tuple[int, int]:
            return sum(_normal(name) in known for name in read[1].cells), len(read[1].cells)

        delimiter, record = max(found, key=fitting)
        names = tuple(name.strip() for name in record.cells)
        _check(names, source)
        return cls(delimiter, names, tuple(known.get(_normal(name)) for name in names))

    def column(self, field: str) -> str:
        """What the file calls it."""
        return next((name for name, found in zip(self.names, self.fields, strict=True) if found == field), field)


def _check(names: Sequence[str], source: Source) -> None:
    known = _KNOWN[source]
    fields = [known[_normal(name)] for name in names if _normal(name) in known]
    if len(names) > MOST_COLUMNS:
        raise _bad("too-many-columns", f"There are more than {MOST_COLUMNS} columns.")
    if EMAIL not in fields:
        shown = ", ".join(repr(name[:LONGEST_SHOWN]) for name in names[:20])
        raise _bad("no-email-column", f"The first line has to name the columns, one of them `email`; it has {shown}.")
    if missing := sorted(name for name in _TELLING[source] if _normal(name) not in map(_normal, names)):
        raise _bad("another-source", f"A file of {source.value} has a column {', '.join(missing)}; this one has none.")
    if repeated := next((field for field in fields if fields.count(field) > 1), None):
        raise _bad("repeated-column", f"There is more than one column for {repeated}.")
    unknown = [name for name in names if _normal(name) not in known and _normal(name) not in _TOLD_ALONE and name]
    if source is Source.MOOTHALL and unknown:
        shown = ", ".join(repr(name[:LONGEST_SHOWN]) for name in unknown[:20])
        raise _bad("unknown-column", f"Nothing is known of {shown}; there are {', '.join(OURS)}.")


def _first(head: bytes, delimiter: str) -> Record | None:
    """The first record, if it can be read."""
    records = Records(delimiter)
    found: Iterator[Record] = iter(records.feed(head))
    first = next(found, None)
    if first is None and len(head) < HEAD:
        first = next(iter(records.finish()), None)
    return first if first is not None and first.wrong is None else None


def _bad(code: str, detail: str) -> Invalid:
    return Invalid.field(code, "/file", detail)
