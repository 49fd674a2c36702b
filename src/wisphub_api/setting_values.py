"""The types of the settings, the description of what each allows, and its parser."""

from __future__ import annotations

import datetime as dt
import os
import re
from collections.abc import Callable, Mapping
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Any, Final, Literal
from urllib.parse import urlsplit

from msgspec import Meta

from wisphub_api.api_keys import ApiKey, parse_keys


class Secret:
    """A value that no log, traceback or report shows; `reveal` returns it."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """Return the value itself."""
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
Sampler = Annotated[
    Literal[
        "always_on",
        "always_off",
        "traceidratio",
        "parentbased_always_on",
        "parentbased_always_off",
        "parentbased_traceidratio",
    ],
    Meta(description="always_on, always_off or traceidratio, or one of these after parentbased_"),
]
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


def is_loopback(host: str) -> bool:
    """Return whether a host name or address is this machine's own."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


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


PARSERS: Final[Mapping[str, Callable[[str], Any]]] = {
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
SECRETS: Final = {"net_key", "api_keys", "redis_url"}
