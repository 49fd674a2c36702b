"""The settings: read once from the environment, frozen, each bad value named."""

from __future__ import annotations

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

from wisphub_api.exceptions import SettingsError

_T = TypeVar("_T")

ENVIRONMENT: Final = {
    "net_host": "WISPHUB_NET_HOST",
    "net_key": "WISPHUB_NET_KEY",
    "net_concurrency": "WISPHUB_NET_CONCURRENCY",
    "net_timeout_s": "WISPHUB_NET_TIMEOUT",
    "api_keys": "WISPHUB_API_KEYS",
    "auth": "WISPHUB_API_AUTH",
    "clients_ttl_s": "WISPHUB_API_CLIENTS_TTL",
    "plans_ttl_s": "WISPHUB_API_PLANS_TTL",
    "max_stale_s": "WISPHUB_API_MAX_STALE",
    "cold_wait_s": "WISPHUB_API_COLD_WAIT",
    "verify_min_fields": "WISPHUB_API_VERIFY_MIN_FIELDS",
    "verify_max_failures": "WISPHUB_API_VERIFY_MAX_FAILURES",
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
Keys = Annotated[dict[str, Secret], Meta(description="name:key, comma separated, each name once")]
Auth = Annotated[Literal["on", "off"], Meta(description="on or off")]
Concurrency = Annotated[int, Meta(ge=1, le=64, description="a whole number from 1 to 64")]
Stale = Annotated[float, Meta(ge=0, le=2_592_000, description="a number of seconds from 0 to 2592000")]
MinFields = Annotated[int, Meta(ge=2, le=4, description="a whole number from 2 to 4")]
MaxFailures = Annotated[int, Meta(ge=1, le=1000, description="a whole number from 1 to 1000")]


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What the service is told from outside; `ENVIRONMENT` names the variables.

    Attributes:
        net_host: WispHub Net's base URL, without a path.
        net_key: The key that WispHub Net gave the provider.
        net_concurrency: How many calls WispHub Net gets at once, at most.
        net_timeout_s: How long one call may take, in seconds.
        api_keys: The consumers' keys by name.
        auth: "off" lets everyone in who can reach the port.
        clients_ttl_s: How long the clients are fresh, in seconds.
        plans_ttl_s: How long the internet plans are fresh, in seconds.
        max_stale_s: How long past its TTL an answer is still given while WispHub Net fails, in seconds.
        cold_wait_s: How long a request waits for the first load, in seconds.
        verify_min_fields: How many fields an identity check must give.
        verify_max_failures: Failed checks of one client by one caller in 15 minutes before 429.
    """

    net_host: Url
    net_key: Key
    net_concurrency: Concurrency = 8
    net_timeout_s: Seconds = 10.0
    api_keys: Keys = msgspec.field(default_factory=dict)
    auth: Auth = "on"
    clients_ttl_s: Seconds = 300.0
    plans_ttl_s: Seconds = 900.0
    max_stale_s: Stale = 86_400.0
    cold_wait_s: Seconds = 15.0
    verify_min_fields: MinFields = 2
    verify_max_failures: MaxFailures = 10

    @property
    def is_open(self) -> bool:
        """Whether requests are answered without an API key."""
        return self.auth == "off" or not self.api_keys


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


def _parse_keys(text: str) -> dict[str, Secret]:
    pairs = [part.strip().partition(":") for part in text.split(",") if part.strip()]
    keys = {name: _parse_key(key) for name, _, key in pairs if re.fullmatch(r"[\w.-]+", name)}
    if len(keys) != len(pairs):
        raise ValueError("keys")
    return keys


_PARSERS: Final[dict[str, Any]] = {
    "net_host": _parse_host,
    "net_key": _parse_key,
    "api_keys": _parse_keys,
    "auth": str.lower,
}
_SECRET: Final = {"net_key", "api_keys"}


def is_loopback(host: str) -> bool:
    """Tell whether a host name or address is this machine's own."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _refuse_open_door(settings: Settings) -> None:
    """Refuse to serve real subscribers to anyone who asks, unless told so."""
    is_real = not is_loopback(urlsplit(settings.net_host).hostname or "")
    if is_real and settings.auth == "on" and not settings.api_keys:
        raise SettingsError([f"WISPHUB_API_KEYS is missing: {_OPEN_DOOR}"])


_OPEN_DOOR: Final = (
    "with a real WispHub Net behind it the service does not start open. Set name:key pairs, comma "
    "separated, or WISPHUB_API_AUTH=off on a trusted network"
)
