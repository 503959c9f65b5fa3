"""As many posts as one likes, written by the database itself: for plans and for measuring."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncEngine

RARE_WORD, USUAL_WORD, COMMON_WORD, UNKNOWN_WORD = "quillfeather", "medway", "bees", "zzyzx"
"""One that ten posts have, one that a hundredth has, one that nearly all have, one that nobody has."""
AUTHORS = 100
READERS = 1_000
AN_AUTHOR = UUID(int=1)
"""Who has a hundredth of all posts, as every author; a quarter of each one's are drafts."""

_NUMBERS = {
    "postgresql": "generate_series(0, {count} - 1) AS numbers (n)",
    "sqlite": "(WITH RECURSIVE n (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM n LIMIT {count}) SELECT n FROM n)",
}
_WORDS = """'on ' || {mostly} || ' word' || (n % 5000) || ' topic' || (n / 7 % 300) || ' x' || n
    || CASE WHEN n % ({count} / 10) = 155 THEN ' quillfeather' ELSE '' END
    || CASE WHEN n % 100 = 31 THEN ' medway' ELSE '' END"""


async def fill(engine: AsyncEngine, count: int) -> None:
    """The moments are in no order that has to do with the words or the authors."""
    sqlite = engine.dialect.name == "sqlite"
    mostly = "CASE WHEN n % 50 = 3 THEN 'wasps' ELSE 'bees' END"
    words = _WORDS.format(count=count, mostly=mostly)
    moment = f"n * 7919 % {count}"
    if sqlite:
        post_id, author = "lower(hex(randomblob(16)))", "printf('%032x', 1 + n % 100)"
        at = f"strftime('%Y-%m-%d %H:%M:%S.000000', '2024-01-01', '+' || ({moment}) || ' minutes')"
    else:
        post_id, author = "gen_random_uuid()", "lpad(to_hex(1 + n % 100), 32, '0')::uuid"
        at = f"'2024-01-01Z'::timestamptz + {moment} * interval '1 minute'"
    published = "n / 100 % 4 <> 0"
    text = f"' ' || {words}"
    filler = "' they dance to say where the flowers are and how far it is to them from the hive at noon'"
    async with engine.connect() as connection:
        await connection.exec_driver_sql("BEGIN")
        for n in range(1, AUTHORS + READERS + 1):
            name, now = f"author{n}", "2024-01-01 00:00:00.000000"
            key = f"'{UUID(int=n).hex}'"
            await connection.exec_driver_sql(
                "INSERT INTO users (id, email, email_key, username, username_key, username_order, search_text,"  # noqa: S608
                " is_active, is_verified, created_at, updated_at, version)"
                f" VALUES ({key}, '{name}', '{name}', '{name}', '{name}', '{name}', ' {name}', true, true, '{now}',"
                f" '{now}', 1)"
            )
        await connection.exec_driver_sql(
            "INSERT INTO posts (id, author_id, title, content, search_text, is_published, published_at, created_at,"  # noqa: S608
            " updated_at, version)"
            f" SELECT {post_id}, {author}, 'On bees', {words} || {filler}, {text} || {filler}, {published},"
            f" CASE WHEN {published} THEN {at} END, {at}, {at}, 1"
            f" FROM {_NUMBERS[engine.dialect.name].format(count=count)}"
        )
        await connection.exec_driver_sql("COMMIT")
        await connection.exec_driver_sql("ANALYZE" if sqlite else "VACUUM (ANALYZE) posts, users")
