"""The table of contents of the product: everything that it does, in one typed object."""

from collections.abc import Iterator
from dataclasses import dataclass, is_dataclass
from typing import Any, get_type_hints

from application.access.api_keys import CreateApiKey, ListApiKeys, RevokeApiKey, ShowApiKey
from application.access.impersonation import Impersonate
from application.access.permissions import ListPermissions
from application.access.roles import CreateRole, DeleteRole, ListRoles, ShowRole, UpdateRole
from application.audit.queries import ListAudit
from application.audit.sealing import SealAudit, VerifyAudit
from application.dashboard import ShowDashboard
from application.housekeeping import Sweep
from application.identity.account import ChangeMe, ChangePassword, DeleteMe
from application.identity.administration import CreateFirstAdmin, CreateUser, DeleteUser, SetRoles, UpdateUser
from application.identity.caller import IdentifyCaller
from application.identity.export import ExportUsers
from application.identity.invitations import AcceptInvitation, InviteUser
from application.identity.keys import EnsureSigningKey, ListSigningKeys, PublishKeys, RotateSigningKeys
from application.identity.queries import FindUser, ListUsers, ShowUser
from application.identity.recovery import ForgotPassword, ResetPassword, SendPasswordReset
from application.identity.registration import Register
from application.identity.sessions import EndOtherSessions, EndSession, EndSessionsOf, ListSessions
from application.identity.sign_in import LogIn, LogOut, RefreshSession
from application.identity.tokens import IntrospectToken, RevokeToken
from application.identity.verification import ChangeEmail, RequestVerification, VerifyEmail
from application.imports.showing import ListRejectedRows, ShowImport
from application.imports.starting import StartImport
from application.jobs.management import (
    CancelJob,
    DiscardDelivery,
    ListFailedDeliveries,
    ListJobs,
    RetryDelivery,
    RetryJob,
    ShowBacklog,
    ShowJob,
)
from application.jobs.runner import Runner
from application.limits import LiveLimit, RequestLimit
from application.live.rooms import CloseRoom, CreateRoom, ListMessages, ListRooms, Say, ShowRoom
from application.live.switchboard import Switchboard
from application.live.tickets import OpenTicket, RedeemTicket
from application.notifications.inbox import (
    ListNotifications,
    ReadAllNotifications,
    ReadNotification,
    ShowNotification,
)
from application.notifications.preferences import ChangePreferences, ShowPreferences
from application.notifications.sending import BroadcastNotification, SendNotification
from application.orders.orders import CancelOrder, FulfilOrder, ListOrders, PlaceOrder, ShowOrder
from application.orders.payments import PayOrder, RefundOrder, TakePaymentNotice
from application.personal_data import ExportPersonalData
from application.ports import Load, StoreHealth
from application.posts.reading import ListPosts, ListPostsOf, ShowPost
from application.posts.writing import CreatePost, DeletePost, UpdatePost
from application.products.catalogue import CreateProduct, DeleteProduct, ListProducts, ShowProduct, UpdateProduct
from application.profiles.avatars import RemoveAvatar, ReplaceAvatar, ShowAvatar
from application.profiles.profiles import ShowMyProfile, ShowProfile, UpdateProfile
from application.webhooks.deliveries import (
    ListWebhookDeliveries,
    ReplayWebhookDeliveries,
    ReplayWebhookDelivery,
    ShowWebhookDelivery,
)
from application.webhooks.management import (
    CreateWebhook,
    DeleteWebhook,
    ListWebhooks,
    RotateWebhookSecret,
    ShowWebhook,
    UpdateWebhook,
)
from domain.access.policy import Rule


@dataclass(frozen=True)
class Identity:
    """Accounts and how they sign in."""

    register: Register
    log_in: LogIn
    refresh: RefreshSession
    log_out: LogOut
    identify_caller: IdentifyCaller

    list_sessions: ListSessions
    end_session: EndSession
    end_other_sessions: EndOtherSessions
    end_sessions_of: EndSessionsOf

    request_verification: RequestVerification
    verify_email: VerifyEmail
    forgot_password: ForgotPassword
    reset_password: ResetPassword
    send_password_reset: SendPasswordReset
    invite_user: InviteUser
    accept_invitation: AcceptInvitation

    change_me: ChangeMe
    delete_me: DeleteMe
    change_password: ChangePassword
    change_email: ChangeEmail

    create_first_admin: CreateFirstAdmin
    create_user: CreateUser
    update_user: UpdateUser
    set_roles: SetRoles
    delete_user: DeleteUser
    show_user: ShowUser
    find_user: FindUser
    list_users: ListUsers
    export_users: ExportUsers

    revoke_token: RevokeToken
    introspect_token: IntrospectToken

    ensure_signing_key: EnsureSigningKey
    rotate_signing_keys: RotateSigningKeys
    list_signing_keys: ListSigningKeys
    publish_keys: PublishKeys


@dataclass(frozen=True)
class Imports:
    """Members who are brought in from files."""

    start_import: StartImport
    show_import: ShowImport
    list_rejected_rows: ListRejectedRows


@dataclass(frozen=True)
class Access:
    """Who may do what."""

    list_permissions: ListPermissions

    list_roles: ListRoles
    show_role: ShowRole
    create_role: CreateRole
    update_role: UpdateRole
    delete_role: DeleteRole

    create_api_key: CreateApiKey
    list_api_keys: ListApiKeys
    show_api_key: ShowApiKey
    revoke_api_key: RevokeApiKey

    impersonate: Impersonate


@dataclass(frozen=True)
class Audit:
    """Who did what."""

    list_entries: ListAudit
    seal: SealAudit
    verify: VerifyAudit


@dataclass(frozen=True)
class Jobs:
    """What is done in the background."""

    list_jobs: ListJobs
    show_job: ShowJob
    cancel_job: CancelJob
    retry_job: RetryJob

    list_failed_deliveries: ListFailedDeliveries
    retry_delivery: RetryDelivery
    discard_delivery: DiscardDelivery
    show_backlog: ShowBacklog


@dataclass(frozen=True)
class Profiles:
    """What members show of themselves."""

    show_profile: ShowProfile
    show_my_profile: ShowMyProfile
    update_profile: UpdateProfile

    show_avatar: ShowAvatar
    replace_avatar: ReplaceAvatar
    remove_avatar: RemoveAvatar


@dataclass(frozen=True)
class Products:
    """What is for sale."""

    list_products: ListProducts
    show_product: ShowProduct
    create_product: CreateProduct
    update_product: UpdateProduct
    delete_product: DeleteProduct


@dataclass(frozen=True)
class Orders:
    """What members buy."""

    place_order: PlaceOrder
    list_orders: ListOrders
    show_order: ShowOrder
    pay_order: PayOrder
    fulfil_order: FulfilOrder
    cancel_order: CancelOrder
    refund_order: RefundOrder
    take_payment_notice: TakePaymentNotice


@dataclass(frozen=True)
class Notifications:
    """What members are told, and what they want to be told."""

    list_notifications: ListNotifications
    show_notification: ShowNotification
    read_notification: ReadNotification
    read_all_notifications: ReadAllNotifications
    send_notification: SendNotification
    broadcast_notification: BroadcastNotification
    show_preferences: ShowPreferences
    change_preferences: ChangePreferences


@dataclass(frozen=True)
class Posts:
    """What members write."""

    list_posts: ListPosts
    list_posts_of: ListPostsOf
    show_post: ShowPost
    create_post: CreatePost
    update_post: UpdatePost
    delete_post: DeletePost


@dataclass(frozen=True)
class Live:
    """What members see as it happens, and rooms that they talk in."""

    list_rooms: ListRooms
    show_room: ShowRoom
    create_room: CreateRoom
    close_room: CloseRoom
    list_messages: ListMessages
    say: Say

    open_ticket: OpenTicket
    redeem_ticket: RedeemTicket

    switchboard: Switchboard
    limit: LiveLimit


@dataclass(frozen=True)
class Webhooks:
    """Which other services are told what happens."""

    list_webhooks: ListWebhooks
    show_webhook: ShowWebhook
    create_webhook: CreateWebhook
    update_webhook: UpdateWebhook
    rotate_webhook_secret: RotateWebhookSecret
    delete_webhook: DeleteWebhook

    list_webhook_deliveries: ListWebhookDeliveries
    show_webhook_delivery: ShowWebhookDelivery
    replay_webhook_delivery: ReplayWebhookDelivery
    replay_webhook_deliveries: ReplayWebhookDeliveries


@dataclass(frozen=True)
class Application:
    identity: Identity
    imports: Imports
    access: Access
    audit: Audit
    jobs: Jobs
    profiles: Profiles
    export_personal_data: ExportPersonalData
    products: Products
    orders: Orders
    notifications: Notifications
    show_dashboard: ShowDashboard
    posts: Posts
    live: Live
    webhooks: Webhooks
    sweep: Sweep
    runner: Runner
    store: StoreHealth
    load: Load
    request_limit: RequestLimit


def rules() -> Iterator[Rule]:
    """Those of all use cases, and of what some ask for beside."""
    for _, kind in use_cases():
        yield kind.rule
        yield from getattr(kind, "rules_of_parts", ())


def use_cases(contents: type[Any] = Application) -> Iterator[tuple[str, type[Any]]]:
    """Every use case, by the name that the table of contents gives it."""
    for name, kind in get_type_hints(contents).items():
        if is_dataclass(kind) and isinstance(kind, type):
            if "__call__" in vars(kind):
                yield name, kind
            else:
                yield from use_cases(kind)
