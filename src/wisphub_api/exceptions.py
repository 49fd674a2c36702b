"""Every error of the service, in one tree.

WispHubAPIError
├── SettingsError              the environment is not usable: the service does not start
├── RequestError               the caller can correct the request
│   ├── InvalidRequest         a value is missing, of the wrong type or out of range
│   ├── NotAuthenticated       no API key, or an unknown one
│   ├── NotAllowed             the key may not do this
│   ├── UnknownHost            the request is for a host that is not allowed
│   ├── UriTooLong             path and query are too long
│   ├── HeadersTooLarge        the header section is too large
│   ├── UnsupportedBody        the body is not JSON, or is compressed
│   ├── TooManyRequests        the key's rate limit is used up
│   ├── NotFound               no such client, plan or cache
│   ├── AmbiguousMatch         more than one client matches the data
│   ├── ZoneLimitReached       the zone has reached its limit of open tickets
│   └── TooManyAttempts        too many failed identity checks
├── CacheUnavailable           no usable data is in memory
├── NotFreshEnough             there is data, but not as fresh as the caller requires
├── DiagnosticsBusy            the limit of running ping diagnostics is reached
└── UpstreamError              WispHub Net
    ├── UpstreamTimeout        did not answer in time
    ├── UpstreamUnreachable    could not be reached, or closed the connection
    ├── UpstreamRateLimited    answered 429
    ├── UpstreamRefused        does not accept our key
    ├── UpstreamFailed         answered with any other error status
    ├── UpstreamUnreadable     answered 200 with unusable content
    ├── UpstreamUncertain      may or may not have carried the request out
    ├── UpdateNotMade          got a change of a record, and does not show it
    └── CrawlIncomplete        its list could not be read completely

A message is written for the person who reads it. It never holds a key or a subscriber's data.
"""

from __future__ import annotations


class WispHubAPIError(Exception):
    """Base of all errors of the service."""


class SettingsError(WispHubAPIError):
    """The environment is not usable; `problems` names each bad variable and what it allows."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems
        super().__init__("\n".join(problems))


class RequestError(WispHubAPIError):
    """The caller can correct the request."""


class InvalidRequest(RequestError):
    """A value is missing, of the wrong type or out of range.

    Args:
        detail: What is wrong and what is allowed.
        field: The parameter or body field at fault.
    """

    def __init__(self, detail: str, *, field: str) -> None:
        self.field = field
        super().__init__(detail)


class NotAuthenticated(RequestError):
    """The API key is missing or unknown."""


class NotAllowed(RequestError):
    """The key may not do this."""


class UnknownHost(RequestError):
    """The request is for a host that is not allowed."""


class UriTooLong(RequestError):
    """Path and query are too long."""


class HeadersTooLarge(RequestError):
    """The header section is too large."""


class UnsupportedBody(RequestError):
    """The body is not JSON, or is compressed."""


class TooManyRequests(RequestError):
    """The caller's rate limit is used up."""

    def __init__(self, detail: str, *, retry_after_s: float) -> None:
        self.retry_after_s = retry_after_s
        super().__init__(detail)


class NotFound(RequestError):
    """There is no such client, plan or cache in data of this age."""

    def __init__(self, detail: str, *, age_s: float | None = None) -> None:
        self.age_s = age_s
        super().__init__(detail)


class AmbiguousMatch(RequestError):
    """More than one client matches the data."""


class ZoneLimitReached(RequestError):
    """The zone has reached its limit of open tickets."""


class TooManyAttempts(RequestError):
    """Too many identity checks of one caller have failed."""

    def __init__(self, detail: str, *, retry_after_s: float) -> None:
        self.retry_after_s = retry_after_s
        super().__init__(detail)


class CacheUnavailable(WispHubAPIError):
    """No usable data is in memory; retry after `retry_after_s` seconds."""

    def __init__(self, detail: str, *, retry_after_s: float) -> None:
        self.retry_after_s = retry_after_s
        super().__init__(detail)


class NotFreshEnough(WispHubAPIError):
    """No data is as fresh as the caller requires; retry after `retry_after_s` seconds."""

    def __init__(self, detail: str, *, retry_after_s: float | None = None) -> None:
        self.retry_after_s = retry_after_s
        super().__init__(detail)


class DiagnosticsBusy(WispHubAPIError):
    """The limit of running ping diagnostics is reached; retry after `retry_after_s` seconds."""

    def __init__(self, detail: str, *, retry_after_s: float) -> None:
        self.retry_after_s = retry_after_s
        super().__init__(detail)


class UpstreamError(WispHubAPIError):
    """A call to WispHub Net failed; `retry_after_s` is its own `Retry-After`, if it sent one."""

    def __init__(self, detail: str, *, retry_after_s: float | None = None) -> None:
        self.retry_after_s = retry_after_s
        super().__init__(detail)


class UpstreamTimeout(UpstreamError):
    """WispHub Net did not answer in time."""


class UpstreamUnreachable(UpstreamError):
    """WispHub Net could not be reached, or closed the connection."""


class UpstreamRateLimited(UpstreamError):
    """WispHub Net answered 429."""


class UpstreamRefused(UpstreamError):
    """WispHub Net does not accept our key."""


class UpstreamFailed(UpstreamError):
    """WispHub Net answered with an error status."""

    def __init__(self, detail: str, *, status: int, retry_after_s: float | None = None) -> None:
        self.status = status
        super().__init__(detail, retry_after_s=retry_after_s)


class UpstreamUnreadable(UpstreamError):
    """WispHub Net answered 200 with unusable content."""


class UpstreamUncertain(UpstreamError):
    """WispHub Net may or may not have carried a request out; do not repeat it without looking first."""


class UpdateNotMade(UpstreamError):
    """WispHub Net did not confirm a change of a record, and does not show it."""


class CrawlIncomplete(UpstreamError):
    """WispHub Net's list could not be read completely, so none of it is published."""
