"""The people who are members of every other system, with the passwords that only tests know.

Read by our own environment and by the one of the other systems, so it needs nothing but the standard library.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """`password` None: there is none to sign in with. `hashed_by` names a hasher where a system has several."""

    email: str
    password: str | None
    username: str
    first_name: str = ""
    last_name: str = ""
    is_active: bool = True
    is_verified: bool = True
    is_superuser: bool = False
    hashed_by: str = "default, cheaply"


PEOPLE = (
    Person(
        email="ada@example.com",
        password="violet-anchor-42-lamp",
        username="ada",
        first_name="Ada",
        last_name="Lovelace",
        is_superuser=True,
        hashed_by="default",
    ),
    Person(
        email="juergen.muessig@example.com",
        password="Gru\u0308\xdfe an 4 \ufb01nks",
        username="j\xfcrgen",
        first_name="J\xfcrgen",
        last_name="M\xfc\xdfig",
    ),
    Person(
        email="grace+club@example.org",
        password="amber-harbour-17-kite",
        username="grace+club@example.org",
        first_name='Grace "Amazing"',
        last_name="Hopper, Rear Admiral",
        hashed_by="bcrypt",
    ),
    Person(
        email="o'brien@example.org",
        password="\u6a4b\u306e\u4e0b\u306e\u5ddd\U0001f30a of seven",
        username="o.brien@work+home-1_2",
        first_name="=Conan",
        last_name="O'Brien",
        is_verified=False,
        hashed_by="bcrypt_sha256",
    ),
    Person(
        email="Mixed.Case@Example.COM",
        password="   spaces around, 71 bytes at most   ",
        username="MixedCase",
        hashed_by="argon2",
    ),
    Person(
        email="left@example.com",
        password="copper-window-93-reed",
        username="left",
        first_name="Lea",
        last_name="Left",
        is_active=False,
    ),
    Person(
        email="long@example.com",
        password="sixty-nine bytes of a password, which is all that bcrypt may be given",
        username="long",
        first_name="\u5c71\u7530",
        last_name="\u592a\u90ce",
        is_verified=False,
    ),
    Person(email="invited@example.com", password=None, username="invited", first_name="Ina", is_verified=False),
)

PASSWORDS = {person.email: person.password for person in PEOPLE}
