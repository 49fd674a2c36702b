"""The settings: read once from the environment, frozen; an error names every bad value."""

from __future__ import annotations

import os
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final, TypeVar, get_type_hints
from urllib.parse import urlsplit

import msgspec
from dotenv import dotenv_values

from wisphub_api.api_keys import read_keys
from wisphub_api.exceptions import SettingsError
from wisphub_api.setting_values import (
    PARSERS,
    SECRETS,
    Auth,
    Collector,
    Concurrency,
    Dates,
    Days,
    Folder,
    Hosts,
    Key,
    Keys,
    KeysFile,
    LogLevel,
    MaxFailures,
    MaxFailuresPerKey,
    MaxTickets,
    MinFields,
    Origins,
    Pause,
    Rate,
    RateLimit,
    RedisUrl,
    Reuse,
    Sampler,
    Seconds,
    Share,
    Stale,
    TicketState,
    TicketStates,
    Url,
    Workers,
    is_loopback,
)

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
    "traces_sampler": "OTEL_TRACES_SAMPLER",
    "traces_sampler_arg": "OTEL_TRACES_SAMPLER_ARG",
}
"""Each setting and the variable it is read from."""


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """The settings of one process; `ENVIRONMENT` names their variables.

    Attributes:
        net_host: WispHub Net's base URL, without a path.
        net_key: The key that WispHub Net gave the provider.
        net_concurrency: How many calls to WispHub Net may be in flight at once.
        net_rate_per_s: How many calls may begin a second; None: as many as it accepts without a 429.
        net_timeout_s: How long one call may take, in seconds.
        api_keys: The consumers' keys by name.
        api_keys_file: A file with more keys; read again when it changes.
        auth: "off" lets everyone in who can reach the port.
        rate_limit: The requests of one key to each process, or to all that share a Redis; empty: no limit.
        allowed_hosts: The host names that the service answers for; none: all.
        cors_origins: The origins whose scripts may call the API; none: none.
        clients_ttl_s: How long the clients are fresh, in seconds.
        plans_ttl_s: How long the internet plans are fresh, in seconds.
        payment_methods_ttl_s: How long the payment methods are fresh, in seconds.
        ping_reuse_s: How long a ping's result answers further pings of the same client, in seconds.
        ping_poll_s: How long after its start a ping is first polled, in seconds; then less and less often.
        max_stale_s: How long past its TTL an answer is still used while WispHub Net fails, in seconds.
        cold_wait_s: How long a request waits for the first load, in seconds.
        verify_min_fields: How many fields an identity check must contain.
        verify_max_failures: Failed checks of one client by one caller in 15 minutes before 429.
        verify_max_failures_per_key: Failed checks of all clients by one caller in 15 minutes before 429.
        max_active_tickets_per_zone: How many open tickets a zone may have.
        active_ticket_states: The states of tickets that count as open.
        default_ticket_status: The state that a new ticket has.
        max_ticket_resolution_days: In how many business days a ticket is due.
        extra_holidays: Days off besides Colombia's public holidays.
        snapshot_dir: The folder of the sealed snapshots, for the next start and this machine's processes.
        redis_url: A Redis that the processes of all machines share.
        workers: How many processes of this machine share the budget of calls; `serve` sets it.
        log_level: The lowest level that is logged.
        log_sample: The share of fast, successful requests that are logged, from 0 to 1.
        traces_collector: The URL that receives traces over OTLP/HTTP; empty: no traces.
        traces_sampler: The name of an OpenTelemetry sampler.
        traces_sampler_arg: The share of requests that are sampled, from 0 to 1, if the sampler uses it.
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
    traces_sampler: Sampler = "parentbased_always_on"
    traces_sampler_arg: Share = 1.0

    @property
    def is_open(self) -> bool:
        """Return whether requests need no API key."""
        return self.auth == "off" or not (self.api_keys or self.api_keys_file)

    @property
    def traces_share(self) -> float:
        """Return the share of requests without a sampled parent that have a span, from 0 to 1."""
        shares = {"always_on": 1.0, "always_off": 0.0, "traceidratio": self.traces_sampler_arg}
        return shares[self.traces_sampler.removeprefix(_PARENT_BASED)]

    @property
    def traces_follow_parent(self) -> bool:
        """Return whether the caller's sampling decision is followed."""
        return self.traces_sampler.startswith(_PARENT_BASED)


_PARENT_BASED: Final = "parentbased_"


def read_settings(environ: Mapping[str, str] | None = None, dotenv: Path | None = None) -> Settings:
    """Read the settings from `environ` (by default the process's), which override the `.env` file.

    Raises:
        SettingsError: Variables are missing or bad; it names all of them, their values and what is allowed.
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
    _refuse_open_access(settings)
    _refuse_missing_redis(settings)
    if not settings.is_open:
        read_keys(settings.api_keys, settings.api_keys_file)
    return settings


def _read_file(path: Path) -> Mapping[str, str | None]:
    try:
        return dotenv_values(path)
    except UnicodeDecodeError as error:
        raise SettingsError([f"{path} is not valid UTF-8"]) from error


def _read_field(name: str, text: str, hint: Any, fields: dict[str, Any], problems: list[str]) -> None:
    """Convert one value into `fields`, or add what is wrong with it to `problems`."""
    try:
        fields[name] = msgspec.convert(PARSERS.get(name, str)(text), hint, strict=False, dec_hook=_no_hook)
    except (ValueError, msgspec.ValidationError):
        is_secret = name in SECRETS or "@" in text  # user:password@host
        shown = "is bad" if is_secret else f"is {text!r}"
        problems.append(f"{ENVIRONMENT[name]} {shown}: expected {_allowed(hint)}")


def _no_hook(kind: type[_T], value: Any) -> _T:
    """Return a value that a parser has converted already."""
    if not isinstance(value, kind):
        raise ValueError(kind)  # noqa: TRY004  # msgspec words both alike; callers catch this one
    return value


def _allowed(hint: Any) -> str:
    return str(next(meta.description for meta in hint.__metadata__ if meta.description))


def _refuse_open_access(settings: Settings) -> None:
    """Refuse to serve real subscribers without keys, unless the settings allow it explicitly."""
    is_real = not is_loopback(urlsplit(settings.net_host).hostname or "")
    if is_real and settings.auth == "on" and settings.is_open:
        raise SettingsError([f"WISPHUB_API_KEYS is missing: {_OPEN_ACCESS}"])


def _refuse_missing_redis(settings: Settings) -> None:
    """Refuse a Redis setting without the package: nobody would notice that processes do not share."""
    if settings.redis_url is not None and find_spec("redis") is None:
        raise SettingsError(
            ["WISPHUB_API_REDIS_URL needs a package that is not installed: pip install 'wisphub-api[redis]'"]
        )


_OPEN_ACCESS: Final = (
    "with a real WispHub Net behind it the service does not start open. Set name:key pairs, comma "
    "separated, or WISPHUB_API_AUTH=off on a trusted network"
)
