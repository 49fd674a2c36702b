"""Every error of the service, in one tree.

WispHubAPIError
├── SettingsError              the environment cannot be used: the start is refused
├── RequestError               the caller can mend it
│   ├── InvalidRequest         a value is missing, of the wrong type or out of range
│   ├── NotAuthenticated       no API key, or one that is not known
│   ├── NotAllowed             the key may not do this
│   ├── UnknownHost            the request is for a host that is not ours
│   ├── UriTooLong             path and query are longer than is read
│   ├── HeadersTooLarge        the header is larger than is read
│   ├── UnsupportedBody        the body is not JSON, or is packed
│   ├── TooManyRequests        the key's rate limit is used up
│   ├── NotFound               no such client, plan or cache
│   ├── AmbiguousMatch         more than one client fits the data
│   ├── ZoneLimitReached       the zone holds as many open tickets as it may
│   └── TooManyAttempts        too many failed identity checks
├── CacheUnavailable           no answer young enough is in memory
├── NotFreshEnough             there is an answer, but none as fresh as the caller asked for
├── DiagnosticsBusy            as many ping diagnostics run as may
└── UpstreamError              WispHub Net
    ├── UpstreamTimeout        did not answer in time
    ├── UpstreamUnreachable    could not be reached, or hung up
    ├── UpstreamRateLimited    answered 429
    ├── UpstreamRefused        does not accept our key
    ├── UpstreamFailed         answered with any other error status
    ├── UpstreamUnreadable     answered 200 with something that is not what was asked for
    ├── UpstreamUncertain      may or may not have done what it was told to do
    ├── UpdateNotMade          was told to change a record, and shows it otherwise
    └── CrawlIncomplete        its list could not be read whole

A message is written for the person who reads it. It never holds a key or a subscriber's data.
"""

from __future__ import annotations


class WispHubAPIError(Exception):
    """Base of all errors of the service."""


class SettingsError(WispHubAPIError):
    """The environment cannot be used; `problems` names each variable and what it allows."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems
        super().__init__("\n".join(problems))


class RequestError(WispHubAPIError):
    """The caller can mend it."""


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
    """No API key, or one that is not known."""


class NotAllowed(RequestError):
    """The key may not do this."""


class UnknownHost(RequestError):
    """The request is for a host that is not ours."""


class UriTooLong(RequestError):
    """Path and query are longer than is read."""


class HeadersTooLarge(RequestError):
    """The header is larger than is read."""


class UnsupportedBody(RequestError):
    """The body is not JSON, or is packed."""


class TooManyRequests(RequestError):
    """The caller's rate limit is used up."""

    def __init__(self, detail: str, *, retry_after_s: float) -> None:
        self.retry_after_s = retry_after_s
        super().__init__(detail)


class NotFound(RequestError):
    """No such client, plan or cache, as far as data of this age can tell."""

    def __init__(self, detail: str, *, age_s: float | None = None) -> None:
        self.age_s = age_s
        super().__init__(detail)


class AmbiguousMatch(RequestError):
    """More than one client fits the data."""


class ZoneLimitReached(RequestError):
    """The zone holds as many open tickets as it may."""


class TooManyAttempts(RequestError):
    """Too many identity checks of one caller have failed."""

    def __init__(self, detail: str, *, retry_after_s: float) -> None:
        self.retry_after_s = retry_after_s
        super().__init__(detail)


class CacheUnavailable(WispHubAPIError):
    """No answer young enough is in memory; another try is worth it after `retry_after_s` seconds."""

    def __init__(self, detail: str, *, retry_after_s: float) -> None:
        self.retry_after_s = retry_after_s
        super().__init__(detail)


class NotFreshEnough(WispHubAPIError):
    """There is no answer as fresh as the caller asked for; `retry_after_s` tells when there may be one."""

    def __init__(self, detail: str, *, retry_after_s: float | None = None) -> None:
        self.retry_after_s = retry_after_s
        super().__init__(detail)


class DiagnosticsBusy(WispHubAPIError):
    """As many ping diagnostics run as may; another try is worth it after `retry_after_s` seconds."""

    def __init__(self, detail: str, *, retry_after_s: float) -> None:
        self.retry_after_s = retry_after_s
        super().__init__(detail)


class UpstreamError(WispHubAPIError):
    """WispHub Net did not give what was asked; `retry_after_s` is its own wish, if it told one."""

    def __init__(self, detail: str, *, retry_after_s: float | None = None) -> None:
        self.retry_after_s = retry_after_s
        super().__init__(detail)


class UpstreamTimeout(UpstreamError):
    """WispHub Net did not answer in time."""


class UpstreamUnreachable(UpstreamError):
    """WispHub Net could not be reached, or hung up."""


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
    """WispHub Net answered 200 with something that is not what was asked for."""


class UpstreamUncertain(UpstreamError):
    """WispHub Net was told to do something, and how that went is not known: not to be told again blindly."""


class UpdateNotMade(UpstreamError):
    """WispHub Net was told to change a record, did not say how that went, and does not show the change."""


class CrawlIncomplete(UpstreamError):
    """WispHub Net's list could not be read whole, so nothing of it is published."""
