"""The life of accounts as it should be, without a store: what everything else is held against.

Nothing here has an id or a secret. An account, a session, a key and a link is the object that it is.
"""

from dataclasses import dataclass, field
from enum import Enum

OK = "ok"
MINUTE, HOUR, DAY = 60, 3_600, 86_400
ACCESS_TOKEN, IMPERSONATION, RECENT, GRACE, SESSION = 15 * MINUTE, 15 * MINUTE, 15 * MINUTE, 10, 30 * DAY
WEAK = "password1234"
"""The only one among those that are tried here that is refused."""


class Purpose(Enum):
    """What a link is for, and how long it is good."""

    VERIFY = DAY, 1
    RESET = HOUR, 2
    CHANGE = DAY, 3
    INVITE = 7 * DAY, 4

    @property
    def lifetime(self) -> int:
        return self.value[0]


@dataclass(eq=False)
class Account:
    address: str
    password: str | None
    is_verified: bool = False
    is_active: bool = True
    is_admin: bool = False
    is_gone: bool = False
    has_come: bool = False


@dataclass(eq=False)
class Session:
    account: Account
    began: int
    refreshed: int
    access_until: int
    """When the latest access token runs out."""
    until: int
    tokens: int = 1
    """How many refresh tokens there were."""
    by: "Session | None" = None
    """Of an impersonation: the administrator's."""
    is_ended: bool = False


@dataclass(eq=False)
class Key:
    account: Account
    reads_users: bool
    until: int | None
    is_gone: bool = False


@dataclass(eq=False)
class Link:
    account: Account
    purpose: Purpose
    address: str
    until: int
    session: Session | None = None
    is_mailed: bool = True
    is_gone: bool = False


@dataclass
class Accounts:
    now: int = 0
    accounts: list[Account] = field(default_factory=list)
    sessions: list[Session] = field(default_factory=list)
    keys: list[Key] = field(default_factory=list)
    links: list[Link] = field(default_factory=list)

    # what there is

    def at(self, address: str) -> Account | None:
        return next((a for a in self.accounts if a.address == address and not a.is_gone), None)

    def lives(self, session: Session) -> bool:
        """Whether it could be used, by whoever has a token that is good."""
        if session.is_ended or self.now >= session.until:
            return False
        return session.by is None or (self.lives(session.by) and session.by.account.is_admin)

    def admits(self, session: Session) -> bool:
        return self.lives(session) and self.now < session.access_until

    def opens(self, key: Key) -> bool:
        return not key.is_gone and key.account.is_active and (key.until is None or self.now < key.until)

    def leads(self, link: Link, *purposes: Purpose) -> bool:
        in_time = not link.is_gone and self.now < link.until
        return in_time and link.account.is_active and link.purpose in purposes

    # what is done; each says `ok`, or the code of the refusal

    def register(self, address: str, password: str) -> str:
        if password == WEAK:
            return "password-refused"
        if self.at(address) is not None:
            return "email-taken"
        account = self._new(address, password)
        self._link(account, Purpose.VERIFY)
        return OK

    def request_verification(self, address: str) -> str:
        account = self.at(address)
        if account is not None and account.is_active and not account.is_verified and account.password is not None:
            self._link(account, Purpose.VERIFY)
        return OK

    def verify(self, link: Link) -> str:
        if not self.leads(link, Purpose.VERIFY, Purpose.CHANGE):
            return "bad-link"
        account = link.account
        if link.purpose is Purpose.VERIFY:
            self._drop_links(account, Purpose.VERIFY)
        else:
            if self.at(link.address) not in (None, account):
                return "email-taken"
            self._drop_links(account, *Purpose)
            self._end_all(account, but=link.session)
            account.address = link.address
        account.is_verified = True
        return OK

    def log_in(self, address: str, password: str) -> str:
        account = self.at(address)
        if account is None or account.password != password:
            return "bad-credentials"
        if not account.is_active:
            return "account-disabled"
        account.has_come = True
        self.sessions.append(Session(account, self.now, self.now, self.now + ACCESS_TOKEN, self.now + SESSION))
        return OK

    def refresh(self, session: Session, token: int) -> str:
        """With the token of that number, from 1."""
        if not self.lives(session):
            return "bad-refresh-token"
        if token == session.tokens:
            session.tokens, session.refreshed = session.tokens + 1, self.now
        elif token < session.tokens - 1 or self.now - session.refreshed > GRACE:
            session.is_ended = True
            self._drop_links(session.account, Purpose.CHANGE)
            return "bad-refresh-token"
        session.access_until = self.now + ACCESS_TOKEN
        return OK

    def log_out(self, session: Session) -> str:
        if not self.admits(session):
            return "bad-token"
        session.is_ended = True
        return OK

    def change_password(self, session: Session, current: str, new: str) -> str:
        if refusal := self._in_person(session):
            return refusal
        account = session.account
        if current != account.password:
            return "wrong-password"
        if new == WEAK:
            return "password-refused"
        account.password = new
        self._end_all(account, but=session)
        self._drop_links(account, Purpose.RESET, Purpose.CHANGE)
        return OK

    def forgot_password(self, address: str) -> str:
        account = self.at(address)
        if account is not None and account.is_active:
            self._link(account, Purpose.RESET)
        return OK

    def reset_password(self, link: Link, password: str) -> str:
        if not self.leads(link, Purpose.RESET):
            return "bad-link"
        if password == WEAK:
            return "password-refused"
        account = link.account
        account.password, account.is_verified = password, True
        self._drop_links(account, *Purpose)
        self._end_all(account)
        for key in self.keys:
            key.is_gone |= key.account is account
        return OK

    def change_email(self, session: Session, address: str, password: str) -> str:
        if refusal := self._in_person(session):
            return refusal
        if password != session.account.password:
            return "wrong-password"
        link = self._link(session.account, Purpose.CHANGE, address, session)
        link.is_mailed = self.at(address) in (None, session.account)
        return OK

    def set_active(self, account: Account, is_active: bool) -> str:
        if account.is_gone:
            return "user-not-found"
        if account.is_active and not is_active:
            self._end_all(account)
            self._drop_links(account, *Purpose)
        account.is_active = is_active
        return OK

    def set_admin(self, account: Account, is_admin: bool) -> str:
        if account.is_gone:
            return "user-not-found"
        account.is_admin = is_admin
        return OK

    def end_session(self, session: Session) -> str:
        """By whoever may end anybody's; one that ran out is there until it's swept."""
        if session.is_ended:
            return "session-not-found"
        session.is_ended = True
        self._drop_links(session.account, Purpose.CHANGE)
        return OK

    def end_other_sessions(self, session: Session) -> str:
        if refusal := self._in_person(session):
            return refusal
        self._end_all(session.account, but=session)
        self._drop_links(session.account, Purpose.CHANGE)
        return OK

    def list_sessions(self, session: Session) -> str:
        return self._in_person(session) or OK

    def create_key(self, session: Session, *, reads_users: bool, until: int | None) -> str:
        if refusal := self._in_person(session):
            return refusal
        if reads_users and not session.account.is_admin:
            return "beyond-your-rights"
        self.keys.append(Key(session.account, reads_users, until))
        return OK

    def revoke_key(self, key: Key) -> str:
        if key.is_gone:
            return "api-key-not-found"
        key.is_gone = True
        return OK

    def impersonate(self, session: Session, account: Account) -> str:
        if not self.admits(session):
            return "bad-token"
        if session.by is not None or not session.account.is_admin:
            return "not-allowed"
        if account is session.account:
            return "already-yourself"
        if account.is_gone:
            return "user-not-found"
        if not account.is_active:
            return "account-disabled"
        until = self.now + IMPERSONATION
        self.sessions.append(Session(account, self.now, self.now, until, until, tokens=0, by=session))
        return OK

    def delete_me(self, session: Session) -> str:
        if refusal := self._in_person(session):
            return refusal
        if self.now - session.began > RECENT:
            return "sign-in-again"
        return self.delete(session.account)

    def delete(self, account: Account) -> str:
        if account.is_gone:
            return "user-not-found"
        account.is_gone = True
        self._end_all(account)
        self._drop_links(account, *Purpose)
        for key in self.keys:
            key.is_gone |= key.account is account
        return OK

    def invite(self, address: str) -> str:
        account = self.at(address)
        if account is not None and (account.password is not None or account.has_come or not account.is_active):
            return "email-taken"
        self._link(account or self._new(address, None), Purpose.INVITE)
        return OK

    def accept(self, link: Link, password: str) -> str:
        if not self.leads(link, Purpose.INVITE):
            return "bad-link"
        if password == WEAK:
            return "password-refused"
        link.account.password, link.account.is_verified = password, True
        self._drop_links(link.account, *Purpose)
        return OK

    def sweep(self) -> str:
        for session in self.sessions:
            session.is_ended |= self.now >= session.until
        for link in self.links:
            link.is_gone |= self.now >= link.until
        for key in self.keys:
            key.is_gone |= key.until is not None and self.now - key.until > 30 * DAY
        return OK

    def _new(self, address: str, password: str | None) -> Account:
        account = Account(address, password)
        self.accounts.append(account)
        return account

    def _in_person(self, session: Session) -> str | None:
        """Why who has this session cannot do what only the member does."""
        if not self.admits(session):
            return "bad-token"
        return None if session.by is None else "not-in-person"

    def _link(
        self, account: Account, purpose: Purpose, address: str | None = None, session: Session | None = None
    ) -> Link:
        """It takes the place of the one before it."""
        self._drop_links(account, purpose)
        link = Link(account, purpose, address or account.address, self.now + purpose.lifetime, session)
        self.links.append(link)
        return link

    def _drop_links(self, account: Account, *purposes: Purpose) -> None:
        for link in self.links:
            link.is_gone |= link.account is account and link.purpose in purposes

    def _end_all(self, account: Account, *, but: Session | None = None) -> None:
        for session in self.sessions:
            session.is_ended |= session.account is account and session is not but
