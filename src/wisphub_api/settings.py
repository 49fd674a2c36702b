"""The settings: read once from the environment, frozen, each bad value named."""

from __future__ import annotations

import datetime as dt
import os
import re
from collections.abc import Mapping
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Any, Final, Literal, TypeVar, get_type_hints
from urllib.parse import urlsplit

import msgspec
from dotenv import dotenv_values
from msgspec import Meta

from wisphub_api.api_keys import ApiKey, parse_keys, read_keys
from wisphub_api.exceptions import SettingsError

_T = TypeVar("_T")

ENVIRONMENT: Final = {
    "net_host": "WISPHUB_NET_HOST",
    "net_key": "WISPHUB_NET_KEY",
    "net_concurrency": "WISPHUB_NET_CONCURRENCY",
    "net_rate_per_s": "WISPHUB_NET_RATE",
    "net_timeout_s": "WISPHUB_NET_TIMEOUT",
    "api_keys": "WISPHUB_API_KEYS",
    "api_keys_file": "WISPHUB_API_KEYS_FILE",
    "auth": "WISPHUB_API_AUTH",
    "rate_limit": "WISPHUB_API_RATE_LIMIT",
    "allowed_hosts": "WISPHUB_API_ALLOWED_HOSTS",
    "cors_origins": "WISPHUB_API_CORS_ORIGINS",
    "clients_ttl_s": "WISPHUB_API_CLIENTS_TTL",
    "plans_ttl_s": "WISPHUB_API_PLANS_TTL",
    "payment_methods_ttl_s": "WISPHUB_API_PAYMENT_METHODS_TTL",
    "ping_reuse_s": "WISPHUB_API_PING_REUSE",
    "ping_poll_s": "WISPHUB_API_PING_POLL",
    "max_stale_s": "WISPHUB_API_MAX_STALE",
    "cold_wait_s": "WISPHUB_API_COLD_WAIT",
    "verify_min_fields": "WISPHUB_API_VERIFY_MIN_FIELDS",
    "verify_max_failures": "WISPHUB_API_VERIFY_MAX_FAILURES",
    "verify_max_failures_per_key": "WISPHUB_API_VERIFY_MAX_FAILURES_PER_KEY",
    "max_active_tickets_per_zone": "MAX_ACTIVE_TICKETS_PER_ZONE",
    "active_ticket_states": "ACTIVE_TICKET_STATES",
    "default_ticket_status": "DEFAULT_TICKET_STATUS",
    "max_ticket_resolution_days": "MAX_TICKET_RESOLUTION_DAYS",
    "extra_holidays": "EXTRA_HOLIDAYS",
    "snapshot_dir": "WISPHUB_API_SNAPSHOT_DIR",
    "redis_url": "WISPHUB_API_REDIS_URL",
    "workers": "WISPHUB_API_WORKERS",
    "log_level": "WISPHUB_API_LOG_LEVEL",
    "log_sample": "WISPHUB_API_LOG_SAMPLE",
    "traces_collector": "OTEL_EXPORTER_OTLP_ENDPOINT",
}
"""Each setting and the variable it is read from."""


class Secret:
    """A value that no log, traceback or report shows; `reveal` gives it."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """Give the value itself."""
        return self._value

    def __repr__(self) -> str:
        return "Secret(***)"


Seconds = Annotated[float, Meta(ge=1, le=604_800, description="a number of seconds from 1 to 604800")]
Url = Annotated[
    str, Meta(description="https://host, or http://host on this machine (loopback), with no path")
]
Key = Annotated[Secret, Meta(description="the key of the WispHub Net account, printable ASCII")]
Keys = Annotated[
    dict[str, ApiKey],
    Meta(
        description="name:key or name/scope+scope:key, comma separated, each name and each key once; "
        "the scopes are read, write, diagnostics and verify"
    ),
]
KeysFile = Annotated[
    Path | None, Meta(description="a file with lines such as WISPHUB_API_KEYS has between its commas")
]
RateLimit = Annotated[
    str,
    Meta(
        pattern=r"^([1-9]\d{0,6}/(second|minute|hour|day))?$",
        description="a number and a second, minute, hour or day, such as 600/minute",
    ),
]
Hosts = Annotated[
    tuple[str, ...],
    Meta(description="host names without a port, comma separated; *.example.com stands for all below"),
]
Origins = Annotated[
    tuple[str, ...], Meta(description="https://host or http://host, a port where needed, comma separated")
]
Folder = Annotated[Path | None, Meta(description="a folder that is there, and that may be written into")]
RedisUrl = Annotated[
    Secret | None,
    Meta(description="redis://host:port/0, rediss:// with TLS or unix:///path; user:password@ where needed"),
]
Workers = Annotated[int, Meta(ge=1, le=64, description="a whole number from 1 to 64")]
Auth = Annotated[Literal["on", "off"], Meta(description="on or off")]
Rate = Annotated[float, Meta(ge=0.1, le=1_000, description="calls a second, a number from 0.1 to 1000")]
Concurrency = Annotated[int, Meta(ge=1, le=64, description="a whole number from 1 to 64")]
Stale = Annotated[float, Meta(ge=0, le=2_592_000, description="a number of seconds from 0 to 2592000")]
Reuse = Annotated[float, Meta(ge=0, le=3600, description="a number of seconds from 0 to 3600")]
Pause = Annotated[float, Meta(ge=0.1, le=10, description="a number of seconds from 0.1 to 10")]
MinFields = Annotated[int, Meta(ge=2, le=4, description="a whole number from 2 to 4")]
MaxFailures = Annotated[int, Meta(ge=1, le=1000, description="a whole number from 1 to 1000")]
MaxFailuresPerKey = Annotated[int, Meta(ge=1, le=100_000, description="a whole number from 1 to 100000")]

MaxTickets = Annotated[int, Meta(ge=1, le=1000, description="a whole number from 1 to 1000")]
_State = Annotated[int, Meta(ge=1, le=99)]
TicketState = Annotated[_State, Meta(description="the number of a ticket state, from 1 to 99")]
TicketStates = Annotated[
    tuple[_State, ...], Meta(min_length=1, description="numbers of ticket states, 1 to 99, comma separated")
]
Days = Annotated[int, Meta(ge=1, le=365, description="a whole number from 1 to 365")]
Dates = Annotated[tuple[dt.date, ...], Meta(description="dates such as 2026-12-24, comma separated")]
LogLevel = Annotated[
    Literal["debug", "info", "warning", "error"], Meta(description="debug, info, warning or error")
]
Share = Annotated[float, Meta(ge=0, le=1, description="a number from 0 (none) to 1 (all)")]
Collector = Annotated[
    str,
    Meta(
        pattern=r"^(https?://[^\s@/?#]+(/[^\s?#]*[^\s?#/])?)?$",
        description="an OTLP/HTTP collector's base URL, such as http://127.0.0.1:4318",
    ),
]


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What the service is told from outside; `ENVIRONMENT` names the variables.

    Attributes:
        net_host: WispHub Net's base URL, without a path.
        net_key: The key that WispHub Net gave the provider.
        net_concurrency: How many calls WispHub Net gets at once, at most.
        net_rate_per_s: How many calls begin a second, at most; None: as many as it takes without a 429.
        net_timeout_s: How long one call may take, in seconds.
        api_keys: The consumers' keys by name.
        api_keys_file: Holds further keys; read anew when it changes.
        auth: "off" lets everyone in who can reach the port.
        rate_limit: How much each key may ask: of each process, or of all that share a Redis; empty: no limit.
        allowed_hosts: The names that the service answers for; none for any.
        cors_origins: The web pages whose scripts may ask; none for none.
        clients_ttl_s: How long the clients are fresh, in seconds.
        plans_ttl_s: How long the internet plans are fresh, in seconds.
        payment_methods_ttl_s: How long the payment methods are fresh, in seconds.
        ping_reuse_s: How long a ping's result is given to who asks for another of that client, in seconds.
        ping_poll_s: How long after its start a ping is first looked at, in seconds; then ever less often.
        max_stale_s: How long past its TTL an answer is still given while WispHub Net fails, in seconds.
        cold_wait_s: How long a request waits for the first load, in seconds.
        verify_min_fields: How many fields an identity check must give.
        verify_max_failures: Failed checks of one client by one caller in 15 minutes before 429.
        verify_max_failures_per_key: Failed checks of all clients by one caller in 15 minutes before 429.
        max_active_tickets_per_zone: How many open tickets a zone may hold.
        active_ticket_states: The states of tickets that count as open.
        default_ticket_status: The state that a new ticket has.
        max_ticket_resolution_days: In how many business days a ticket is due.
        extra_holidays: Dates besides Colombia's public holidays that are no business days.
        snapshot_dir: Where what was loaded is kept, sealed, for the next start and this machine's processes.
        redis_url: A Redis that the processes of all machines share.
        workers: Among how many processes of this machine WispHub Net's budget is shared; `serve` sets it.
        log_level: The least severe lines that are logged.
        log_sample: The part of fast, good answers that have a line in the log, from 0 to 1.
        traces_collector: Takes traces over OTLP/HTTP; empty for no traces.
    """

    net_host: Url
    net_key: Key
    net_concurrency: Concurrency = 8
    net_rate_per_s: Rate | None = None
    net_timeout_s: Seconds = 10.0
    api_keys: Keys = msgspec.field(default_factory=dict)
    api_keys_file: KeysFile = None
    auth: Auth = "on"
    rate_limit: RateLimit = ""
    allowed_hosts: Hosts = ()
    cors_origins: Origins = ()
    clients_ttl_s: Seconds = 300.0
    plans_ttl_s: Seconds = 900.0
    payment_methods_ttl_s: Seconds = 900.0
    ping_reuse_s: Reuse = 30.0
    ping_poll_s: Pause = 1.0
    max_stale_s: Stale = 86_400.0
    cold_wait_s: Seconds = 15.0
    verify_min_fields: MinFields = 2
    verify_max_failures: MaxFailures = 10
    verify_max_failures_per_key: MaxFailuresPerKey = 300
    max_active_tickets_per_zone: MaxTickets = 3
    active_ticket_states: TicketStates = (1,)
    default_ticket_status: TicketState = 1
    max_ticket_resolution_days: Days = 3
    extra_holidays: Dates = ()
    snapshot_dir: Folder = None
    redis_url: RedisUrl = None
    workers: Workers = 1
    log_level: LogLevel = "info"
    log_sample: Share = 0.01
    traces_collector: Collector = ""

    @property
    def is_open(self) -> bool:
        """Whether requests are answered without an API key."""
        return self.auth == "off" or not (self.api_keys or self.api_keys_file)


def read_settings(environ: Mapping[str, str] | None = None, dotenv: Path | None = None) -> Settings:
    """Read the settings from `environ` (the process's own) over those of the `.env` file.

    Raises:
        SettingsError: Names every variable that is missing or bad, its value and what is allowed.
    """
    file = _read_file(dotenv or Path(".env"))
    values = {**file, **(os.environ if environ is None else environ)}
    given = {name: (values.get(variable) or "").strip() for name, variable in ENVIRONMENT.items()}
    problems: list[str] = []
    fields: dict[str, Any] = {}
    hints = get_type_hints(Settings, include_extras=True)
    for field in msgspec.structs.fields(Settings):
        if given[field.name]:
            _read_field(field.name, given[field.name], hints[field.name], fields, problems)
        elif field.required:
            problems.append(f"{ENVIRONMENT[field.name]} is missing: expected {_allowed(hints[field.name])}")
    if problems:
        raise SettingsError(problems)
    settings = Settings(**fields)
    _refuse_open_door(settings)
    if not settings.is_open:
        read_keys(settings.api_keys, settings.api_keys_file)
    return settings


def _read_file(path: Path) -> Mapping[str, str | None]:
    try:
        return dotenv_values(path)
    except UnicodeDecodeError as error:
        raise SettingsError([f"{path} is not valid UTF-8"]) from error


def _read_field(name: str, text: str, hint: Any, fields: dict[str, Any], problems: list[str]) -> None:
    """Convert one value into `fields`, or say in `problems` what is wrong with it."""
    try:
        fields[name] = msgspec.convert(_PARSERS.get(name, str)(text), hint, strict=False, dec_hook=_no_hook)
    except (ValueError, msgspec.ValidationError):
        is_secret = name in _SECRET or "@" in text  # user:password@host
        shown = "is bad" if is_secret else f"is {text!r}"
        problems.append(f"{ENVIRONMENT[name]} {shown}: expected {_allowed(hint)}")


def _no_hook(kind: type[_T], value: Any) -> _T:
    """Take a value that a parser has made already."""
    if not isinstance(value, kind):
        raise ValueError(kind)  # noqa: TRY004  # msgspec words both alike; callers catch this one
    return value


def _allowed(hint: Any) -> str:
    return str(next(meta.description for meta in hint.__metadata__ if meta.description))


def _parse_host(text: str) -> str:
    match = re.fullmatch(r"(https?)://([\w.-]+|\[[\da-fA-F:.]+\])(:\d+)?/?", text, re.ASCII)
    url = urlsplit(text)
    if not match or url.port == 0 or (url.scheme == "http" and not is_loopback(url.hostname or "")):
        raise ValueError(text)
    return text.rstrip("/")


def _parse_key(text: str) -> Secret:
    if not re.fullmatch(r"[\x21-\x7e]+", text):
        raise ValueError("key")
    return Secret(text)


def _parse_keys(text: str) -> dict[str, ApiKey]:
    return parse_keys(enumerate(_parts(text), 1))


def _parse_hosts(text: str) -> tuple[str, ...]:
    return _all_match(r"(\*\.)?[a-z\d]([a-z\d._-]*[a-z\d])?|\[[\da-f:.]+\]", _parts(text.lower()))


def _parse_origins(text: str) -> tuple[str, ...]:
    return _all_match(r"https?://([a-z\d._-]+|\[[\da-f:.]+\])(:\d+)?", _parts(text.lower()))


def _parse_folder(text: str) -> Path:
    folder = Path(text)
    if not folder.is_dir() or not os.access(folder, os.W_OK | os.X_OK):
        raise ValueError(text)
    return folder


def _parse_redis_url(text: str) -> Secret:
    url = urlsplit(text)
    is_complete = bool(url.path) if url.scheme == "unix" else bool(url.hostname) and url.port != 0
    if url.scheme not in ("redis", "rediss", "unix") or not is_complete:
        raise ValueError("url")
    return Secret(text)


def _parts(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _all_match(pattern: str, parts: list[str]) -> tuple[str, ...]:
    if not all(re.fullmatch(pattern, part, re.ASCII) for part in parts):
        raise ValueError(pattern)
    return tuple(parts)


def _parse_collector(text: str) -> str:
    return text.rstrip("/")


def _parse_list(text: str) -> list[str]:
    return [part.strip() for part in text.split(",")]


_PARSERS: Final[dict[str, Any]] = {
    "net_host": _parse_host,
    "net_key": _parse_key,
    "api_keys": _parse_keys,
    "api_keys_file": Path,
    "allowed_hosts": _parse_hosts,
    "cors_origins": _parse_origins,
    "snapshot_dir": _parse_folder,
    "redis_url": _parse_redis_url,
    "auth": str.lower,
    "active_ticket_states": _parse_list,
    "extra_holidays": _parse_list,
    "log_level": str.lower,
    "traces_collector": _parse_collector,
}
_SECRET: Final = {"net_key", "api_keys", "redis_url"}


def is_loopback(host: str) -> bool:
    """Tell whether a host name or address is this machine's own."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _refuse_open_door(settings: Settings) -> None:
    """Refuse to serve real subscribers to anyone who asks, unless told so."""
    is_real = not is_loopback(urlsplit(settings.net_host).hostname or "")
    if is_real and settings.auth == "on" and settings.is_open:
        raise SettingsError([f"WISPHUB_API_KEYS is missing: {_OPEN_DOOR}"])


_OPEN_DOOR: Final = (
    "with a real WispHub Net behind it the service does not start open. Set name:key pairs, comma "
    "separated, or WISPHUB_API_AUTH=off on a trusted network"
)
