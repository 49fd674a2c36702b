"""What a ping's result means: pure rules."""

from __future__ import annotations

import re
from ipaddress import ip_address
from typing import Final

from wisphub_api.network.models import PingReport, Status

_MAC: Final = re.compile(r"(?:[0-9a-f]{2}[:-]){5}[0-9a-f]{2}|(?:[0-9a-f]{4}\.){2}[0-9a-f]{4}", re.IGNORECASE)


def diagnose(report: PingReport) -> Status:
    """Tell what a diagnostic has found.

    Silence means "no internet" only where every host was pinged: with an error of the router's among them,
    or with no host that is known for what it is, nothing was found out.
    """
    if report.is_running:
        return "pending"
    devices = [host.has_answered for host in report.hosts if is_device(host.host)]
    antennas = [host.has_answered for host in report.hosts if is_antenna(host.host)]
    if any(devices):
        return "stable"
    if any(antennas):
        return "antenna_only"
    return "error" if report.errors or not devices + antennas else "no_internet"


def is_device(host: str) -> bool:
    """Tell whether this is the subscriber's device: a MAC, or an address that is not reachable from outside.

    Such are the private ones (RFC 1918, RFC 4193) and those that carriers share out (RFC 6598).
    """
    is_public = _is_public(host)
    return _MAC.fullmatch(host) is not None if is_public is None else not is_public


def is_antenna(host: str) -> bool:
    """Tell whether this is the antenna: a public address."""
    return _is_public(host) is True


def _is_public(host: str) -> bool | None:
    """Tell whether an address is reachable from everywhere; None where it is no address."""
    try:
        return ip_address(host).is_global
    except ValueError:
        return None
