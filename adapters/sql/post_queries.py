"""The read side of posts: views, straight from rows."""

from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, bindparam

from adapters.sql.paging import place
from adapters.sql.post_lists import FEW, MATCHING, SHOWN, Choice, counted, gathered, sampled, walked
from adapters.sql.reading import Reader
from adapters.sql.tables import posts, users
from adapters.sql.words import rare_ones
from application.identity.views import Versioned
from application.paging import Position, Sort
from application.paging import Row as Placed
from application.posts.ports import PostQueries
from application.posts.views import AuthorView, PostFilters, PostView
from domain.identity.user import full_name

_POST = SHOWN.join_from(posts, users, users.c.id == posts.c.author_id).where(posts.c.id == bindparam("post_id"))


class SqlPostQueries(PostQueries):
    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    async def post(self, post_id: UUID) -> Versioned[PostView] | None:
        rows = await self._reader.look_up(_POST, {"post_id": post_id})
        return Versioned(_view(rows[0]), rows[0].version) if rows else None

    async def posts(
        self, filters: PostFilters, sort: Sort, *, after: Position | None, offset: int, limit: int
    ) -> list[Placed[PostView]]:
        chosen = Choice.of(filters)
        if chosen is None:
            return []
        statement = await self._statement(chosen, sort, after is not None, offset + limit)
        rows = await self._reader.search(statement, {**chosen.parameters, **place(after, offset, limit)})
        return [Placed(Position(row.position, row.id), _view(row)) for row in rows]

    async def count_posts(self, filters: PostFilters) -> int:
        chosen = Choice.of(filters)
        if chosen is None:
            return 0
        statement = counted(chosen.shape, by_lexemes=self._reader.on_postgresql)
        return int((await self._reader.search(statement, chosen.parameters))[0][0])

    async def _statement(self, chosen: Choice, sort: Sort, continues: bool, limit: int) -> Select[Any]:
        """Words that few posts have are found first, and the posts then sorted."""
        if not chosen.shape.words:
            return walked(chosen.shape, sort, continues)
        if self._reader.on_postgresql:
            counts = (await self._reader.search(sampled(chosen.shape.words), chosen.parameters))[0]
            by = rare_ones(counts, limit)
            is_rare = bool(by)
        else:
            by = ()
            is_rare = int((await self._reader.search(MATCHING, chosen.parameters))[0][0]) <= FEW
        return gathered(chosen.shape, sort, continues, by) if is_rare else walked(chosen.shape, sort, continues)


def _view(row: Row[Any]) -> PostView:
    return PostView(
        id=row.id,
        title=row.title,
        content=row.content,
        is_published=row.is_published,
        published_at=row.published_at,
        author=AuthorView(row.author_id, row.username, full_name(row.first_name, row.last_name, row.username)),
        created_at=row.created_at,
        updated_at=row.updated_at,
    )
