"""What every adapter of a port has to do, as classes of tests: subclass one, and hand it your adapter in a fixture."""

import pytest

pytest.register_assert_rewrite(*(f"{__name__}.{module}" for module in ("blob_stores", "mailers", "users")))

from moothall.contracts.blob_stores import BlobStoreContract, BlobStoreOutageContract  # noqa: E402
from moothall.contracts.builders import NOW, SECOND, a_user  # noqa: E402
from moothall.contracts.mailers import MAIL, SENDER, MailerContract, MailerOutageContract, Outgoing  # noqa: E402
from moothall.contracts.users import UserRepositoryContract, UsersUnit, UserTransactions  # noqa: E402

__all__ = [
    "MAIL",
    "NOW",
    "SECOND",
    "SENDER",
    "BlobStoreContract",
    "BlobStoreOutageContract",
    "MailerContract",
    "MailerOutageContract",
    "Outgoing",
    "UserRepositoryContract",
    "UserTransactions",
    "UsersUnit",
    "a_user",
]
