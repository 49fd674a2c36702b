"""What a cache says of its answer: the `Cache-Status` header, RFC 9211."""

from typing import Literal

CacheState = Literal["", "hit", "stale", "miss"]
"""`""` stands for an answer that names no cache."""


def cache_state(header: str | None) -> CacheState:
    """Read a `Cache-Status`; of several caches the last speaks, the one nearest to the user (RFC 9211, 2)."""
    if not header:
        return ""
    _, *parameters = (part.strip().lower() for part in header.rpartition(",")[2].split(";"))
    values = dict(_split(parameter) for parameter in parameters)
    if "fwd" in values:
        return "miss"  # it waited, however old the answer is
    if _is_stale(values):
        return "stale"
    return "hit" if "hit" in values else ""


def _split(parameter: str) -> tuple[str, str]:
    name, _, value = parameter.partition("=")
    return name, value.strip('"')


def _is_stale(values: dict[str, str]) -> bool:
    """Return whether the answer was stale: the RFC's sign is a negative `ttl` (2.4), or a word."""
    return values.get("ttl", "").startswith("-") or values.get("detail") == "stale"
