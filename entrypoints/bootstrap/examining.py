"""Whether what is configured is there, for `moothall doctor`."""

from adapters.blobs.obstore import ObstoreBlobs
from domain.errors import Unavailable
from entrypoints.bootstrap.parts import blob_place, redis_server, smtp_mailer
from entrypoints.settings import Settings


async def examine_mail(settings: Settings) -> str:
    """Where mails go; a mail server is asked whether it would take one.

    Raises:
        Unavailable: `mail-unavailable`; it would not.
    """
    mailer = smtp_mailer(settings)
    if mailer is None:
        return f"go to files in {settings.mail_dir}"
    await mailer.check()
    return f"go to the mail server {mailer.server}"


async def examine_redis(settings: Settings) -> str:
    """What Redis is used for, once it has answered.

    Raises:
        Unavailable: `redis-unavailable`; it does not answer, or cannot be written to.
    """
    server = redis_server(settings)
    if server is None:
        return "not used: each process counts limits for itself, and hears of others a second later"
    from adapters.redis_client import FAILURES, close, open_client, probe  # noqa: PLC0415 (as below)

    client = open_client(server, settings.redis_timeout)
    try:
        await probe(client)
    except FAILURES as error:
        raise Unavailable("redis-unavailable", f"{server} cannot be used ({type(error).__name__})") from error
    finally:
        await close(client)
    return f"{server} answers"


async def examine_blobs(settings: Settings) -> str:
    """Where uploaded files go; one is written there, and removed.

    Raises:
        Unavailable: `blobs-unavailable`; none can be.
    """
    place = blob_place(settings)
    await ObstoreBlobs(place).check()
    return f"go to {place}"
