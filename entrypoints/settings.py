"""Settings: from the environment, a `.env` file or a folder of secret files. A wrong one stops the start by name."""

import difflib
import os
import re
import secrets
from datetime import timedelta
from email.headerregistry import Address
from enum import Enum
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field, HttpUrl, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from application.identity.accounts import IdentityRules
from application.limits import Limit, Limits
from domain.identity.password_policy import LONGEST_PASSWORD, PasswordPolicy, PasswordRules
from entrypoints.wrong_settings import SettingsError

PREFIX = "MOOTHALL_"
SECRETS_DIR = "MOOTHALL_SECRETS_DIR"
SHORTEST_SECRET = 32
SECRET_FILE = "secret.key"  # noqa: S105 # nosec B105 # a file
LOWEST_PRODUCTION_COST = 10
ORIGIN = re.compile(r"https?://([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(:\d{1,5})?")
DATABASES = ("sqlite", "sqlite+aiosqlite", "postgres", "postgresql", "postgresql+asyncpg")
SENDER = re.compile(
    r"""(?P<name>[^<>]*<)?(?P<local>[\w!#$%&'*+/=?^`{|}~-]+(\.[\w!#$%&'*+/=?^`{|}~-]+)*)@(?P<host>[^\W_][\w.-]{0,252})(?(name)>)"""
)

RATE_LIMIT = re.compile(r"([1-9][0-9]{0,8})/(second|minute|hour|day)")
SECONDS = {"second": 1, "minute": 60, "hour": 3600, "day": 86_400}

NOT_YET_USED: tuple[str, ...] = ()
"""Names of the contract whose features are not in this version: taken, and told to have no effect."""


class Environment(Enum):
    DEVELOPMENT = "development"
    STAGING = "staging"
    PRODUCTION = "production"


def _listed(value: object) -> object:
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


Listed = Annotated[list[str], NoDecode, BeforeValidator(_listed)]


class Settings(BaseSettings):
    """Every setting of this version. Times are in seconds, sizes in bytes."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, extra="ignore", frozen=True, hide_input_in_errors=True, env_ignore_empty=True
    )

    environment: Environment = Environment.DEVELOPMENT
    data_dir: Path = Path("moothall-data")
    database_url: str | None = None
    secret_key: SecretStr | None = None
    secret_key_previous: SecretStr | None = None
    public_url: HttpUrl = HttpUrl("http://127.0.0.1:8000")
    issuer: str | None = None

    db_pool_size: int = Field(default=10, ge=1, le=1000)
    db_max_overflow: int = Field(default=20, ge=0, le=1000)
    db_pool_recycle: float = Field(default=3600, gt=0)
    db_timeout: float = Field(default=5, gt=0, le=300)

    bcrypt_cost: int = Field(default=12, ge=4, le=16)
    password_min_length: int = Field(default=12, ge=8, le=LONGEST_PASSWORD)
    password_rules: PasswordRules = PasswordRules.NONE
    access_token_ttl: int = Field(default=900, ge=10, le=86_400)
    refresh_token_ttl: int = Field(default=2_592_000, ge=60, le=31_536_000)
    refresh_grace: float = Field(default=10, ge=0, le=60)
    require_verified_email: bool = False

    docs: bool | None = None
    cors_origins: Listed = []
    trusted_proxies: Listed = []
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["text", "json"] | None = None
    metrics_token: SecretStr | None = None
    max_in_flight: int = Field(default=1000, ge=1, le=1_000_000)
    workers: int = Field(default=1, ge=1, le=64)
    max_body_size: int = Field(default=1_048_576, ge=16_384, le=1_073_741_824)

    redis_url: SecretStr | None = None
    redis_timeout: float = Field(default=0.2, gt=0, le=60)
    rate_limit_default: str = "100/minute"
    rate_limit_login: str = "5/minute"
    rate_limit_register: str = "10/hour"
    rate_limit_mail: str = "3/hour"
    rate_limit_live: str = "60/minute"

    live_connections: int = Field(default=10_000, ge=1, le=1_000_000)
    live_connections_per_address: int = Field(default=100, ge=1, le=1_000_000)

    site_name: str = Field(default="Moothall", min_length=1, max_length=100)
    smtp_url: SecretStr | None = None
    smtp_from: str | None = None
    smtp_timeout: float = Field(default=10, gt=0, le=300)
    mail_language: str = "en"
    mail_templates: Path | None = None

    blob_url: SecretStr | None = None

    http_timeout: float = Field(default=5, gt=0, le=60)
    webhooks_to_loopback: bool = False

    @field_validator("log_level", "log_format", mode="before")
    @classmethod
    def _any_case(cls, value: object) -> object:
        return value.lower() if isinstance(value, str) else value

    @field_validator("database_url")
    @classmethod
    def _of_a_known_kind(cls, value: str | None) -> str | None:
        if value is not None and value.partition("://")[0] not in DATABASES:
            raise ValueError(f"begins with one of {', '.join(f'{kind}://' for kind in DATABASES)}")
        return value

    @field_validator("public_url")
    @classmethod
    def _an_origin_alone(cls, value: HttpUrl) -> HttpUrl:
        if value.path not in (None, "/") or value.query or value.fragment or value.username or value.password:
            raise ValueError("is a scheme, a host and perhaps a port, with nothing behind: https://club.example")
        return value

    @field_validator("cors_origins")
    @classmethod
    def _origins(cls, value: list[str]) -> list[str]:
        for origin in value:
            if origin != "*" and not ORIGIN.fullmatch(origin):
                raise ValueError(f"{origin} is no origin, such as https://club.example (nothing behind, no wildcard)")
        return value

    @field_validator("trusted_proxies")
    @classmethod
    def _networks(cls, value: list[str]) -> list[str]:
        for proxy in value:
            if proxy != "*":
                ip_network(proxy, strict=False)
        return [str(ip_network(proxy, strict=False)) if "/" in proxy else proxy for proxy in value]

    @field_validator(
        "rate_limit_default", "rate_limit_login", "rate_limit_register", "rate_limit_mail", "rate_limit_live"
    )
    @classmethod
    def _a_limit(cls, value: str) -> str:
        if value != "off" and not RATE_LIMIT.fullmatch(value):
            raise ValueError("is a number, a slash and second, minute, hour or day, such as 100/minute; or off")
        return value

    @field_validator("site_name")
    @classmethod
    def _one_line(cls, value: str) -> str:
        if not value.isprintable() or not value.strip():
            raise ValueError("is one line, without control characters")
        return value.strip()

    @field_validator("smtp_from")
    @classmethod
    def _a_sender(cls, value: str | None) -> str | None:
        if value is not None:
            _sender(value)
        return value

    @field_validator("metrics_token")
    @classmethod
    def _fits_a_header(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not re.fullmatch(r"[!-~]{16,}", value.get_secret_value()):
            raise ValueError("has 16 characters at least, of printable ASCII and without blanks")
        return value

    @field_validator("secret_key", "secret_key_previous")
    @classmethod
    def _long_enough(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and len(value.get_secret_value().strip()) < SHORTEST_SECRET:
            raise ValueError(f"needs {SHORTEST_SECRET} characters at least; make one with: openssl rand -base64 48")
        return value

    @model_validator(mode="after")
    def _safe_in_production(self) -> "Settings":
        if self.environment is not Environment.PRODUCTION:
            return self
        problems = []
        if self.secret_key is None:
            problems.append(f"{PREFIX}SECRET_KEY: must be given in production; make one with: openssl rand -base64 48")
        for name, secret in (("SECRET_KEY", self.secret_key), ("SECRET_KEY_PREVIOUS", self.secret_key_previous)):
            if secret is not None and _is_guessable(secret.get_secret_value()):
                problems.append(f"{PREFIX}{name}: is a default or made of too few different characters")
        if self.bcrypt_cost < LOWEST_PRODUCTION_COST:
            problems.append(f"{PREFIX}BCRYPT_COST: must be {LOWEST_PRODUCTION_COST} at least in production")
        if "*" in self.cors_origins:
            problems.append(f"{PREFIX}CORS_ORIGINS: name the origins in production; * would let any site use a session")
        if any(proxy == "*" or _is_everybody(proxy) for proxy in self.trusted_proxies):
            problems.append(
                f"{PREFIX}TRUSTED_PROXIES: name the proxies; trusting everybody lets anybody forge addresses"
            )
        if self.webhooks_to_loopback:
            problems.append(f"{PREFIX}WEBHOOKS_TO_LOOPBACK: is for development; webhooks could reach this very machine")
        if problems:
            raise SettingsError(problems)
        return self

    @property
    def serves_docs(self) -> bool:
        return self.docs if self.docs is not None else self.environment is not Environment.PRODUCTION

    @property
    def logs_json(self) -> bool:
        """JSON in production, unless a format was chosen: there a program reads it first."""
        return (self.log_format or ("json" if self.environment is Environment.PRODUCTION else "text")) == "json"

    @property
    def database(self) -> str:
        """The database's URL, or the path of the embedded default: a file in the data directory."""
        return self.database_url or str(self.data_dir.absolute() / "moothall.db")

    @property
    def database_place(self) -> str:
        """The same for people, without user and password."""
        parts = urlsplit(self.database)
        if self.is_embedded:
            return f"the file {parts.path if parts.scheme else self.database}"
        return f"PostgreSQL at {parts.netloc.rpartition('@')[2] or 'this machine'}{parts.path}"

    @property
    def is_embedded(self) -> bool:
        return self.database_url is None or self.database_url.startswith("sqlite")

    @property
    def token_issuer(self) -> str:
        return self.issuer or str(self.public_url).rstrip("/")

    @property
    def mail_sender(self) -> Address:
        """Whom mails come from; by default `no-reply` at the host of the public URL, by the name of the site."""
        if self.smtp_from is not None:
            return _sender(self.smtp_from)
        host = self.public_url.host or ""
        return Address(self.site_name, "no-reply", "localhost" if _is_ip_address(host) else host)

    @property
    def mail_dir(self) -> Path:
        """Where mails go that no mail server takes."""
        return self.data_dir.absolute() / "mails"

    @property
    def limits(self) -> Limits:
        names = ("default", "login", "register", "mail", "live")
        return Limits(**{name: _limit(name, getattr(self, f"rate_limit_{name}")) for name in names})

    @property
    def identity_rules(self) -> IdentityRules:
        return IdentityRules(
            passwords=PasswordPolicy(self.password_min_length, self.password_rules),
            access_token_ttl=timedelta(seconds=self.access_token_ttl),
            refresh_token_ttl=timedelta(seconds=self.refresh_token_ttl),
            refresh_grace=timedelta(seconds=self.refresh_grace),
            require_verified_email=self.require_verified_email,
        )

    def secret(self) -> str:
        """The secret key; outside production one is made at the first start and kept in the data directory."""
        if self.secret_key is not None:
            return self.secret_key.get_secret_value()
        return _kept_secret(self.data_dir / SECRET_FILE)

    def secrets_that_exist(self) -> list[str]:
        """The secret key, if it is given or kept already, and the previous one; none is made."""
        exists = self.secret_key is not None or (self.data_dir / SECRET_FILE).exists()
        previous = [] if self.secret_key_previous is None else [self.secret_key_previous.get_secret_value()]
        return [self.secret(), *previous] if exists else previous


def load(**overrides: object) -> Settings:
    """Read the settings; `overrides` (such as command line options) come first.

    Raises:
        SettingsError: with one line for each setting that is wrong.
    """
    secrets_dir = os.environ.get(SECRETS_DIR) or ("/run/secrets" if Path("/run/secrets").is_dir() else None)
    if secrets_dir is not None and not Path(secrets_dir).is_dir():
        raise SettingsError([f"{SECRETS_DIR}: {secrets_dir} is not a folder"])
    env_file = Path(".env")
    try:
        _refuse_unknown_names(env_file)
        return Settings(_env_file=env_file, _env_file_encoding="utf-8", _secrets_dir=secrets_dir, **overrides)  # type: ignore[arg-type]
    except UnicodeDecodeError:
        raise SettingsError([".env: is not UTF-8 text"]) from None
    except ValidationError as error:
        raise SettingsError(
            [
                f"{PREFIX}{'_'.join(map(str, e['loc'][:1])).upper()}: {e['msg'].removeprefix('Value error, ')}"
                for e in error.errors()
            ]
        ) from None


def without_effect() -> list[str]:
    """The names in the environment that are known, but do nothing in this version."""
    return [f"{PREFIX}{name}" for name in NOT_YET_USED if f"{PREFIX}{name}" in _given_names(Path(".env"))]


def _given_names(env_file: Path) -> set[str]:
    names = {name.upper() for name in os.environ if name.upper().startswith(PREFIX)}
    if env_file.is_file():
        lines = (line.strip().removeprefix("export ") for line in env_file.read_text(encoding="utf-8").splitlines())
        names |= {line.partition("=")[0].strip().upper() for line in lines if line.upper().startswith(PREFIX)}
    return names


def _refuse_unknown_names(env_file: Path) -> None:
    known = {f"{PREFIX}{name.upper()}" for name in Settings.model_fields} | {f"{PREFIX}{name}" for name in NOT_YET_USED}
    known.add(SECRETS_DIR)
    problems = []
    for name in sorted(_given_names(env_file) - known):
        if name.startswith(f"{PREFIX}TEST_"):
            continue  # they are the test suite's
        close = difflib.get_close_matches(name.removeprefix(PREFIX), [n.removeprefix(PREFIX) for n in known], n=1)
        problems.append(f"{name}: there is no such setting" + (f"; did you mean {PREFIX}{close[0]}?" if close else ""))
    if problems:
        raise SettingsError(problems)


def _limit(name: str, text: str) -> Limit | None:
    match = RATE_LIMIT.fullmatch(text)
    return Limit(name, int(match[1]), SECONDS[match[2]]) if match else None


def _sender(text: str) -> Address:
    """Raises ValueError where it is neither `Name <address>` nor an address."""
    match = SENDER.fullmatch(text.strip())
    if match is None or not match["local"].isascii() or not text.isprintable():
        raise ValueError("is Name <name@host.example>, or the address alone, with ASCII letters before the @")
    try:
        host = match["host"].encode("idna").decode("ascii").lower()
    except UnicodeError:
        raise ValueError("has no good host name behind the @") from None
    return Address((match["name"] or "").rstrip("<").strip().strip('"'), match["local"], host)


def _is_ip_address(host: str) -> bool:
    try:
        ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True


def _is_everybody(proxy: str) -> bool:
    """Whether a network is so wide that nobody runs all of it."""
    network = ip_network(proxy, strict=False)
    return network.prefixlen < (8 if network.version == 4 else 16)


def _is_guessable(secret: str) -> bool:
    repeats = secret in (secret + secret)[1:-1]
    return (
        repeats
        or len(set(secret)) < 10
        or any(word in secret.lower() for word in ("changeme", "change-me", "change_me"))
    )


def _kept_secret(path: Path) -> str:
    """Read the secret, or make it: of several processes that start at once, one makes it and all use it."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not path.exists():
        own = path.with_name(f"{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
        own.touch(mode=0o600)
        own.write_text(secrets.token_urlsafe(48), encoding="ascii")
        try:
            os.link(own, path)
        except FileExistsError:
            pass  # another process was first: its secret counts
        finally:
            own.unlink()
    return path.read_text(encoding="ascii").strip()
