"""The people of a matrix cell, stored straight through the repositories: thousands of sign-ins would take too long."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from uuid import UUID, uuid4

from adapters.payments import SandboxGateway
from adapters.payments.sandbox import notice_of
from application.app import Application
from domain.access.actor import NOWHERE
from domain.access.api_keys import ApiKey
from domain.access.roles import ADMIN, MEMBER, Role
from domain.identity.email import EmailAddress
from domain.identity.one_time_token import Purpose
from domain.identity.session import Impersonation, Session
from domain.identity.user import User
from domain.imports.members_import import Counts, RejectedRow
from domain.jobs.job import Job
from domain.notifications.notification import Kind, Notification
from domain.orders.order import OrderStatus
from domain.orders.payment import Payment, PaymentStatus
from domain.posts.post import Post
from domain.profiles.profile import AvatarSize, Profile
from tests.clock import OwnClock
from tests.contracts.builders import (
    a_line,
    a_members_import,
    a_payment,
    a_product,
    a_room,
    a_webhook,
    a_webhook_delivery,
    an_order,
)
from tests.entrypoints.http.client import PASSWORD
from tests.entrypoints.http.matrix import Caller, Operation, Whose, World
from tests.entrypoints.work import a_delivery, a_job, failed, store


class People:
    """Makes a new world for each cell, around one administrator who stays."""

    def __init__(self, application: Application, clock: OwnClock) -> None:
        self._application = application
        self._sign_in = application.identity.log_in
        self._keys = application.access.create_api_key.keys
        self._clock = clock
        self._roles: dict[frozenset[str], str] = {}
        self._password_hash = ""
        self._admin_session: Session | None = None

    async def settle(self) -> None:
        self._password_hash = await self._sign_in.hasher.hash(PASSWORD)
        admin = self._user(frozenset({ADMIN, MEMBER}))
        self._admin_session = self._session(admin)
        async with self._sign_in.transactions.begin() as uow:
            await uow.users.add(admin)
            await uow.sessions.add(self._admin_session)
            await uow.roles.add(self._role("spare", frozenset()))

    async def world_for(self, operation: Operation, caller: Caller) -> World:
        """With what the operation is about."""
        return await self.world(
            caller,
            with_jobs=operation.is_about_jobs,
            with_links=operation.is_about_links,
            with_avatars=operation.is_about_avatars,
            with_webhooks=operation.is_about_webhooks,
            with_imports=operation.is_about_imports,
            order_status=operation.order_status,
        )

    async def world(
        self,
        caller: Caller,
        *,
        with_jobs: bool = False,
        with_links: bool = False,
        with_avatars: bool = False,
        with_webhooks: bool = False,
        with_imports: bool = False,
        order_status: OrderStatus | None = None,
    ) -> World:
        role = await self._role_of(caller.permissions)
        me = self._user(frozenset({MEMBER, role} if role else {MEMBER}))
        me = replace(me, is_active=caller.credential != "disabled account")
        other = replace(self._user(frozenset({MEMBER})), is_verified=False)
        mine, second, others = self._session(me, caller), self._session(me), self._session(other)
        text = self._keys.new()
        key, own_key, others_key = self._key(me, text, caller.granted), self._key(me), self._key(other)
        posts = self._post(me), self._post(other)
        some_role = self._role(f"r{uuid4().hex}", frozenset())
        product = a_product(uuid4().hex, stock=None)
        orders = {whose: an_order(user, a_line(product)) for whose, user in ((Whose.OWN, me), (Whose.OTHERS, other))}
        payment = a_payment(orders[Whose.OTHERS])
        room = a_room(f"r{uuid4().hex}", created_at=self._clock.now())
        own_message, others_message = self._message(me), self._message(other)
        async with self._sign_in.transactions.begin() as uow:
            for user in (me, other):
                await uow.users.add(user)
            for session in (second, others) if caller.credential == "ended session" else (mine, second, others):
                await uow.sessions.add(session)
            for made in (own_key, others_key) if caller.credential == "revoked key" else (key, own_key, others_key):
                await uow.api_keys.add(made)
            await uow.roles.add(some_role)
            await uow.products.add(product)
            if order_status is not None:
                for order in orders.values():
                    await uow.orders.add(replace(order, status=order_status))
                await uow.payments.add(payment)
            for told in (own_message, others_message):
                await uow.notifications.add(told)
            for post in posts:
                await uow.posts.add(post)
            await uow.rooms.add(room)
        refresh_token = self._sign_in.refresh_tokens.mint(others, 1)
        assert refresh_token is not None
        waiting, lost, set_aside = self._jobs(me, other), self._jobs(me, other, failed), a_delivery(self._clock.now())
        if with_jobs:
            await store(self._application, *waiting.values(), *lost.values(), set_aside)
        if with_avatars:
            await self._give_avatars(me, other)
        webhook, sent = await self._webhook() if with_webhooks else (uuid4(), uuid4())
        links = await self._links(other) if with_links else {}
        return World(
            caller_id=me.id,
            users={Whose.OWN: me.id, Whose.OTHERS: other.id, Whose.MISSING: uuid4()},
            sessions={Whose.OWN: second.id, Whose.OTHERS: others.id, Whose.MISSING: uuid4()},
            api_keys={Whose.OWN: own_key.id, Whose.OTHERS: others_key.id, Whose.MISSING: uuid4()},
            roles={Whose.OTHERS: some_role.name, Whose.MISSING: "nowhere"},
            jobs={whose: job.id for whose, job in waiting.items()} | {Whose.MISSING: uuid4()},
            failed_jobs={whose: job.id for whose, job in lost.items()} | {Whose.MISSING: uuid4()},
            orders={whose: order.id for whose, order in orders.items()} | {Whose.MISSING: uuid4()},
            products={Whose.OTHERS: product.sku, Whose.MISSING: "nothing"},
            notice=a_notice(self._application, payment),
            deliveries={Whose.OTHERS: set_aside.id, Whose.MISSING: uuid4()},
            notifications={Whose.OWN: own_message.id, Whose.OTHERS: others_message.id, Whose.MISSING: uuid4()},
            posts={Whose.OWN: posts[0].id, Whose.OTHERS: posts[1].id, Whose.MISSING: uuid4()},
            rooms={Whose.OTHERS: room.name, Whose.MISSING: "nowhere"},
            imports={Whose.OTHERS: await self._import() if with_imports else uuid4(), Whose.MISSING: uuid4()},
            webhooks={Whose.OTHERS: webhook, Whose.MISSING: uuid4()},
            webhook_deliveries={Whose.OTHERS: sent, Whose.MISSING: uuid4()},
            links=links,
            refresh_token=refresh_token,
            access_token=await self._token(others),
            headers=await self._headers(caller, mine, text),
        )

    async def _headers(self, caller: Caller, session: Session, key: str) -> Mapping[str, str]:
        match caller.credential:
            case "none":
                return {}
            case "garbage":
                return {"Authorization": "Bearer not.a.token"}
            case "garbage key":
                return {"X-API-Key": "mh_nothing"}
            case "key" | "revoked key":
                return {"X-API-Key": key}
            case _:
                return {"Authorization": f"Bearer {await self._token(session)}"}

    async def _token(self, session: Session) -> str:
        tokens = self._sign_in.access_tokens
        return await tokens.issue(user_id=session.user_id, session_id=session.id, now=self._clock.now())

    async def _role_of(self, permissions: frozenset[str] | None) -> str | None:
        """A role of exactly these, made once."""
        if permissions is None:
            return None
        if permissions == {"*"}:
            return ADMIN
        if permissions not in self._roles:
            role = self._role(f"p{uuid4().hex}", permissions)
            async with self._sign_in.transactions.begin() as uow:
                await uow.roles.add(role)
            self._roles[permissions] = role.name
        return self._roles[permissions]

    def _user(self, roles: frozenset[str]) -> User:
        id, now = uuid4(), self._clock.now()
        return User(
            id=id,
            email=EmailAddress(f"{id.hex}@example.com", f"{id.hex}@example.com"),
            username=None,
            first_name=None,
            last_name=None,
            password_hash=self._password_hash,
            is_active=True,
            is_verified=True,
            roles=roles,
            created_at=now,
            updated_at=now,
        )

    def _session(self, user: User, caller: Caller | None = None) -> Session:
        session = Session.started(
            id=uuid4(),
            user_id=user.id,
            seed=self._sign_in.refresh_tokens.new_seed(),
            secret_id=self._sign_in.refresh_tokens.secret_id,
            now=self._clock.now() - (caller.signed_in_before if caller else timedelta()),
            lifetime=timedelta(0) if caller and caller.credential == "expired session" else timedelta(days=1),
            origin=NOWHERE,
        )
        if caller is None or caller.credential != "impersonation":
            return session
        assert self._admin_session is not None
        by = self._admin_session
        return replace(session, impersonation=Impersonation(by.user_id, by.id, caller.granted))

    def _key(self, user: User, text: str | None = None, permissions: frozenset[str] = frozenset()) -> ApiKey:
        text = text or self._keys.new()
        return ApiKey(
            id=uuid4(),
            user_id=user.id,
            name="report",
            prefix=self._keys.prefix(text),
            digest=self._keys.digest(text),
            permissions=permissions,
            created_at=self._clock.now(),
            expires_at=None,
        )

    def _post(self, author: User) -> Post:
        now = self._clock.now()
        return Post.written(
            id=uuid4(), author_id=author.id, title="On bees", content="They dance.", is_published=True, now=now
        )

    async def _links(self, user: User) -> dict[Purpose, str]:
        """A good token for each purpose."""
        verify_email = self._application.identity.verify_email
        found = {}
        async with verify_email.transactions.begin() as uow:
            for purpose in Purpose:
                text = verify_email.links.tokens.mint(await verify_email.links.issue(uow, user, purpose))
                assert text is not None
                found[purpose] = text
        return found

    async def _webhook(self) -> tuple[UUID, UUID]:
        """A webhook that wants nothing that happens here, with something that was sent to it."""
        now = self._clock.now()
        webhook = a_webhook(events=("nothing",), created_at=now, updated_at=now)
        sent = a_webhook_delivery(webhook, created_at=now, pending_since=now).given_up(now, "No.")
        async with self._sign_in.transactions.begin() as uow:
            await uow.webhooks.add(webhook)
            await uow.webhook_deliveries.add([sent])
        return webhook.id, sent.id

    async def _import(self) -> UUID:
        """With a row that was refused."""
        job = a_job(self._clock.now(), None)
        found = a_members_import(job)
        async with self._sign_in.transactions.begin() as uow:
            await uow.jobs.add(job)
            await uow.imports.add(found)
            await uow.imports.save(found.advanced(Counts(rejected=1)), [RejectedRow(2, "email", "No.", "nobody")])
        return found.id

    async def _give_avatars(self, *users: User) -> None:
        profiles = self._application.profiles
        for user in users:
            avatar_id = uuid4()
            await profiles.show_avatar.files.put(user.id, avatar_id, dict.fromkeys(AvatarSize, b"a picture"))
            async with profiles.update_profile.transactions.begin() as uow:
                await uow.profiles.save(Profile(user_id=user.id, updated_at=self._clock.now(), avatar_id=avatar_id))

    def _jobs(self, me: User, other: User, become: Callable[[Job], Job] = lambda job: job) -> dict[Whose, Job]:
        now = self._clock.now()
        return {Whose.OWN: become(a_job(now, me.id)), Whose.OTHERS: become(a_job(now, other.id))}

    def _role(self, name: str, permissions: frozenset[str]) -> Role:
        now = self._clock.now()
        return Role(id=uuid4(), name=name, description=None, permissions=permissions, created_at=now, updated_at=now)

    def _message(self, user: User) -> Notification:
        now = self._clock.now()
        return Notification(id=uuid4(), user_id=user.id, kind=Kind.MESSAGE, title="Hello", body="World", created_at=now)


def a_notice(application: Application, payment: Payment) -> tuple[bytes, str]:
    """The sandbox's, that it succeeded; and its signature."""
    sandbox = application.orders.pay_order.gateways.by_name["sandbox"]
    assert isinstance(sandbox, SandboxGateway)
    body = notice_of(payment, PaymentStatus.SUCCEEDED, f"r{payment.id}")
    return body, sandbox.sign(body)
