"""The list of a million members: a page at the start, in the middle and at the end, for every filter and sort."""

import asyncio
import json
import statistics
import time
import urllib.parse
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import asyncpg

from adapters.sql import Database, Reader, SqlIdentityQueries, create_engine
from adapters.sql.tables import USER_ORDERS
from application.identity.views import USER_SORTS, UserFilters
from application.paging import Position, Sort, encode_cursor
from tests import many_members
from tests.contracts.plans import Asked
from tests.many_members import COMMON_WORD, RARE_WORD, RARER_WORD, UNKNOWN_WORD, USUAL_WORD

from .client import Client
from .machine import wait_for_quiet
from .measures import Listed, Measure, Plan, Turn
from .moothall_peer import Installation, log_in
from .servers import run
from .targets import Account
from .workspace import program

MEMBERS, FEWER_MEMBERS = 1_000_000, 100_000
_ADMIN = Account("admin-of-the-bench@example.com", "correct horse battery staple, benched")
_FILTERS: tuple[Mapping[str, Any], ...] = (
    {}, {"is_active": True}, {"is_active": False}, {"is_verified": True}, {"is_verified": False},
    {"role": "member"}, {"role": "editor"}, {"role": "admin"},
)  # fmt: skip
_WORDS = (RARE_WORD, RARER_WORD, USUAL_WORD, COMMON_WORD, UNKNOWN_WORD, "a", f"{COMMON_WORD} {USUAL_WORD}")
_SORTS = [Sort(name, descending) for name in USER_SORTS for descending in (True, False)]
_SHARES = (0.0, 0.5, 0.98)  # of the members, in front of the page
_PAGE = 20
_REPEATS = 9


@dataclass
class Lists:
    """One worker on PostgreSQL, asked by an administrator."""

    installation: Installation
    members: int
    _positions: dict[Sort, list[Position | None]] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return "pages"

    def concerned(self, plan: Plan) -> bool:
        return Measure.PAGES in plan.measures

    def prepare(self) -> None:
        place = self.installation
        place.install()
        password = place.workspace.directory / "password"
        password.write_text(_ADMIN.password)
        create = [program("moothall"), "users", "create-admin", "--email", _ADMIN.username, "--password-file", password]
        run(create, log=place.workspace.log(place.name), cwd=place.workspace.folder(place.name), env=place.env)
        asyncio.run(many_members.fill(place.database_url, self.members))
        asyncio.run(self._find_positions())

    def take(self, plan: Plan) -> Turn:
        disturbance = wait_for_quiet()
        ratios = {}
        with self.installation.listening(1, 4), Client(self.installation.port) as client:
            token = log_in(client, _ADMIN)
            for wanted in _FILTERS:
                for sort in _SORTS:
                    ratios[_title(wanted, sort)] = self._deeper_over_start(client, token, wanted, sort)
        read, words, far_words = asyncio.run(self._ask_the_database())
        worst = max(ratios, key=lambda title: ratios[title])
        return Turn(
            disturbance,
            listed=Listed(
                members=self.members,
                to_start=ratios[worst],
                to_start_of=worst,
                to_start_median=statistics.median(ratios.values()),
                read=max(read.values()),
                read_of=max(read, key=lambda title: read[title]),
                words_ms=max(words.values()),
                words_of=max(words, key=lambda title: words[title]),
                far_words_ms=max(far_words.values()),
                far_words_of=max(far_words, key=lambda title: far_words[title]),
            ),
        )

    def _deeper_over_start(self, client: Client, token: str, wanted: Mapping[str, Any], sort: Sort) -> float:
        """The slower of the pages in the middle and at the end over the one at the start; medians, interleaved."""
        filters = {name: str(value).lower() for name, value in wanted.items()}
        times: list[list[float]] = [[] for _ in _SHARES]
        for _ in range(_REPEATS):
            for seen, position in zip(times, self._positions[sort], strict=True):
                cursor = encode_cursor(position, sort) if position else ""
                query = urllib.parse.urlencode({**filters, "sort": str(sort), "cursor": cursor, "page_size": _PAGE})
                begin = time.perf_counter()
                client.expect(200, "GET", f"/api/v1/users?{query}", token=token)
                seen.append(time.perf_counter() - begin)
        start, *deeper = map(statistics.median, times)
        return max(deeper) / start

    async def _find_positions(self) -> None:
        connection = await asyncpg.connect(self.installation.database_url, timeout=10)
        try:
            for sort in _SORTS:
                column, way = USER_ORDERS[sort.field], "DESC" if sort.descending else "ASC"
                self._positions[sort] = [None]
                for share in _SHARES[1:]:
                    row = await connection.fetchrow(
                        f"SELECT {column}, id FROM users ORDER BY {column} {way}, id {way}"  # noqa: S608
                        f" OFFSET {int(self.members * share)} LIMIT 1",
                        timeout=60,
                    )
                    self._positions[sort].append(Position(row[0], row[1]))
        finally:
            await connection.close()

    async def _ask_the_database(self) -> tuple[dict[str, float], dict[str, float], dict[str, float]]:
        """Rows read over rows returned; and milliseconds for words, by moments and by names."""
        read, words, far_words = {}, {}, {}
        engine = create_engine(Database(self.installation.database_url, timeout=30))
        queries, asked = SqlIdentityQueries(Reader(engine)), Asked.on(engine)
        for sort in _SORTS:
            for position in self._positions[sort]:
                for wanted in _FILTERS:
                    rows = await queries.users(UserFilters(**wanted), sort, after=position, offset=0, limit=_PAGE + 1)
                    done = await asked.done()
                    if len(rows) > _PAGE:  # fewer are at the very end, or all there are
                        read[_title(wanted, sort)] = done.rows_read / len(rows)
                for word in _WORDS:
                    await queries.users(UserFilters(q=word), sort, after=position, offset=0, limit=_PAGE + 1)
                    title = _title({"q": word}, sort)
                    seen = words if sort.by_time else far_words
                    seen[title] = max(seen.get(title, 0.0), (await asked.done()).milliseconds)
        await engine.dispose()
        return read, words, far_words


def _title(wanted: Mapping[str, Any], sort: Sort) -> str:
    return json.dumps({**wanted, "sort": str(sort)})
