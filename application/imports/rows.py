"""From the cells of a row to an account that could be stored, by the rules of registration."""

import csv
import io
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from application.identity.ports import EmailSyntax, PasswordHasher
from application.imports.columns import SUPERUSER, Header
from application.imports.records import UNDECODABLE, Record
from domain.access.roles import ADMIN, MEMBER
from domain.errors import Invalid
from domain.identity.email import EmailAddress
from domain.identity.user import User
from domain.imports.members_import import RejectedRow, Source
from domain.spreadsheets import restored
from domain.text import line

LONGEST_EXTERNAL_ID = 200
LONGEST_SHOWN_ROW = 500
"""Characters of a row that the report of the refused ones tells."""
LEFT_OUT = "(left out: nobody can tell where its password hash is)"
EARLIEST = datetime(1900, 1, 1, tzinfo=UTC)

_YES_AND_NO = {
    **dict.fromkeys(("true", "t", "yes", "y", "1"), True),
    **dict.fromkeys(("false", "f", "no", "n", "0"), False),
}
_LIKE_A_HASH = re.compile(
    r"\$(?:2[abxy]?|argon2\w*|pbkdf2[\w-]*|scrypt|[156y])\$|(?:bcrypt|pbkdf2|argon2|scrypt|mh1)\w*\$"
)
"""A cell that has slipped into another column."""
_BETWEEN_ROLES = re.compile(r"[\s,;|]+")
_UNUSABLE = "!"
"""What Django has before the password of who has none."""


@dataclass(frozen=True, slots=True)
class WantedMember:
    """`user` is the account as it would be made, `given` are those of its fields that the row has something for."""

    record: Record
    user: User
    given: frozenset[str]
    external_id: str | None


class Rows:
    """Reads the rows of one file. An empty cell says nothing."""

    def __init__(
        self,
        header: Header,
        source: Source,
        *,
        emails: EmailSyntax,
        hasher: PasswordHasher,
        new_id: Callable[[], UUID],
        now: datetime,
    ) -> None:
        self.header = header
        self._source = source
        self._emails = emails
        self._hasher = hasher
        self._new_id = new_id
        self._now = now
        self._hash_at = header.fields.index("password_hash") if "password_hash" in header.fields else None
        self._nameless = [place for place, name in enumerate(header.names) if not name]
        self._as_meant = restored if source is Source.MOOTHALL else str
        self._places = [(place, field) for place, field in enumerate(header.fields) if field is not None]

    def read(self, record: Record) -> WantedMember | RejectedRow:
        if record.wrong is not None:
            return self.rejected(record, "", record.wrong)
        cells = record.cells
        if len(cells) != len(self.header.fields):
            detail = f"The row has {len(cells)} cells, and the header {len(self.header.fields)}."
            return self.rejected(record, "", detail)
        if any(cells[at] for at in self._nameless):
            return self.rejected(record, "", "There is something in a column that has no name.")
        try:
            return self._wanted(record, {field: self._as_meant(cells[at]) for at, field in self._places if cells[at]})
        except Invalid as error:
            field = error.problems[0].pointer.removeprefix("/") if error.problems else ""
            return self.rejected(record, field, error.detail)

    def rejected(self, record: Record, field: str, reason: str) -> RejectedRow:
        """`field` is our name for the cell at fault; empty: it is the row."""
        column = SUPERUSER if field == "roles" and SUPERUSER in self.header.fields else field
        return RejectedRow(record.line, self.header.column(column), reason, self._text(record))

    def _wanted(self, record: Record, cells: dict[str, str]) -> WantedMember:
        if any(UNDECODABLE in cell for cell in cells.values()):
            field = next(field for field, cell in cells.items() if UNDECODABLE in cell)
            raise Invalid.field("bad-encoding", f"/{field}", "Some of this is neither UTF-8 nor marked as UTF-16.")
        if "email" not in cells:
            raise Invalid.field("bad-email", "/email", "There is no e-mail address.")
        email = self._emails.parse(cells.pop("email").strip())
        if "username" in cells:
            cells["username"] = cells["username"].strip()
        if self._source is Source.DJANGO and self._is_address(cells.get("username"), email):
            del cells["username"]  # who signs in may type the address in its place
        given = {field: self._value(field, text) for field, text in cells.items()}
        external_id = given.pop("external_id", None)
        if given.pop(SUPERUSER, False):
            given["roles"] = frozenset({ADMIN, MEMBER})
        if "password_hash" in given and given["password_hash"] is None:
            del given["password_hash"]
        created_at = given.pop("created_at", self._now)
        fields: Mapping[str, object] = {
            **dict.fromkeys(("username", "first_name", "last_name", "password_hash")),
            "is_active": True,
            "is_verified": False,
            "roles": frozenset({MEMBER}),
            **given,
        }
        user = User(id=self._new_id(), email=email, created_at=created_at, updated_at=self._now, **fields)  # type: ignore[arg-type]
        return WantedMember(record, user, frozenset(given), external_id)  # type: ignore[arg-type]

    def _value(self, field: str, text: str) -> object:
        match field:
            case "is_active" | "is_verified" | "is_superuser":
                found = _YES_AND_NO.get(text.strip().lower())
                if found is None:
                    raise Invalid.field("bad-boolean", f"/{field}", "This is true or false (or 1 or 0, yes or no).")
                return found
            case "roles":
                return frozenset(role for role in _BETWEEN_ROLES.split(text) if role)
            case "password_hash":
                if self._source is Source.DJANGO and text.startswith(_UNUSABLE):
                    return None
                return self._hasher.imported(text)
            case "external_id":
                return line(text, pointer="/external_id", longest=LONGEST_EXTERNAL_ID)
            case "created_at":
                return self._moment(text)
            case _:
                return text

    def _moment(self, text: str) -> datetime:
        try:
            found = datetime.fromisoformat(text.strip())
        except ValueError:
            raise Invalid.field(
                "bad-time", "/created_at", "This is not a time such as 2026-11-21T09:30:00Z (RFC 3339)."
            ) from None
        moment = found.replace(tzinfo=UTC) if found.tzinfo is None else found
        if not EARLIEST <= moment <= self._now:
            raise Invalid.field("bad-time", "/created_at", "This is before 1900, or has not come yet.")
        return moment

    def _is_address(self, username: str | None, email: EmailAddress) -> bool:
        try:
            return username is not None and "@" in username and self._emails.parse(username).key == email.key
        except Invalid:
            return False

    def _is_left_out(self, place: int, cell: str) -> bool:
        """What others have beside what is known here may be a secret, too."""
        field = self.header.fields[place]
        return field is None or field == "password_hash" or _LIKE_A_HASH.search(cell) is not None

    def _text(self, record: Record) -> str:
        """The row as it could be imported again, but for its password hash."""
        cells = list(record.cells)
        if record.wrong is not None or len(cells) != len(self.header.fields):
            if self._hash_at is not None or any(_LIKE_A_HASH.search(cell) for cell in cells):
                return LEFT_OUT
        elif self._source is Source.MOOTHALL:
            cells = ["" if at == self._hash_at or _LIKE_A_HASH.search(cell) else cell for at, cell in enumerate(cells)]
        else:
            cells = ["" if self._is_left_out(at, cell) else cell for at, cell in enumerate(cells)]
        written = io.StringIO()
        if record.wrong is not None:
            written.write(cells[0])
        else:
            writer = csv.writer(written, delimiter=self.header.delimiter, lineterminator="")
            writer.writerow([cell[:LONGEST_SHOWN_ROW] for cell in cells])
        return written.getvalue()[:LONGEST_SHOWN_ROW].replace("\0", "\ufffd").replace(UNDECODABLE, "\ufffd")
