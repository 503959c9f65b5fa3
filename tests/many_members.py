"""As many members as one likes, written by PostgreSQL itself: for plans and for benchmarks."""

import asyncpg

RARE_WORD, RARER_WORD, COMMON_WORD, USUAL_WORD, UNKNOWN_WORD = "quillfeather", "7777", "jo", "medway", "zzyzx"
"""A name of ten, one member's number (and what begins so), the beginning of a third of the first names, a name of one
percent, and nobody's name."""

# A third begin in "jo". The moments and the numbers are in no order that has to do with the others.
_USERS = """
INSERT INTO users (id, email, email_key, username, username_key, username_order, first_name, last_name, search_text,
                   password_hash, is_active, is_verified, created_at, updated_at, version)
SELECT gen_random_uuid(), email, email, username, username, coalesce(username, ''), initcap(first), initcap(last),
       ' ' || concat_ws(' ', first, last, n, 'example', 'com', username), NULL, n % 1000 <> 7, n % 2 = 0,
       '2020-01-01Z'::timestamptz + n * 7919 % $1 * interval '1 minute',
       '2024-01-01Z'::timestamptz + n * 6101 % $1 * interval '1 second', 1
FROM (
    SELECT n, first, last, concat(first, '.', last, '.', n, '@example.com') AS email,
           CASE WHEN n % 5 <> 0 THEN concat('member', n) END AS username
    FROM generate_series(1, $1::bigint) AS n,
         LATERAL (SELECT CASE
             WHEN n % 3 = 0 THEN (ARRAY['john', 'joanna', 'joseph', 'jolanda'])[n / 3 % 4 + 1]
             ELSE (ARRAY['ada', 'bela', 'carol', 'dario', 'edith', 'farid', 'greta', 'hugo', 'ines', 'karl', 'lena',
                         'mira', 'nils', 'olga', 'pavel', 'rosa', 'sven', 'tilda', 'ugo', 'vera'])[n / 3 % 20 + 1]
         END) AS firsts (first),
         LATERAL (SELECT CASE
             WHEN n % ($1 / 10) = 5 THEN 'quillfeather'
             WHEN n % 100 = 31 THEN 'medway'
             ELSE (ARRAY['abel', 'brook', 'cole', 'dane', 'ellis', 'frost', 'grant', 'hale', 'irving', 'lowe', 'mercer',
                         'north', 'page', 'quaid', 'reed', 'stone', 'tate', 'wells', 'york'])[n / 7 % 19 + 1]
         END) AS lasts (last)
) AS members
"""
_ROLES = """
INSERT INTO user_roles (user_id, role)
SELECT id, 'member' FROM users
UNION ALL SELECT id, 'editor' FROM users WHERE get_byte(uuid_send(id), 0) < 13
UNION ALL (SELECT id, 'admin' FROM users ORDER BY id LIMIT 10)
ON CONFLICT DO NOTHING
"""


async def fill(url: str, count: int) -> None:
    """Add `count` members to an empty, migrated database. All are `member`, one in twenty is `editor`, ten are `admin`;
    one in a thousand is inactive, every other one is verified."""
    connection = await asyncpg.connect(url, timeout=10)
    try:
        await connection.execute("SET synchronous_commit = off")
        await connection.execute(_USERS, count, timeout=300)
        await connection.execute(_ROLES, timeout=300)
        await connection.execute("VACUUM (ANALYZE) users, user_roles", timeout=300)
    finally:
        await connection.close()
