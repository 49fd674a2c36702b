"""What a ping's result means."""

import pytest

from wisphub_api.network.diagnostic import diagnose, is_antenna, is_device
from wisphub_api.network.models import HostReport, PingReport

DEVICE, ANTENNA = "10.20.0.7", "181.52.10.20"


def status(*hosts: tuple[str, bool], errors: int = 0) -> str:
    return diagnose(PingReport(hosts=tuple(HostReport(*host) for host in hosts), errors=errors))


def test_a_device_that_answers_is_stable_whatever_the_antenna_does():
    assert status((DEVICE, True), (ANTENNA, True)) == "stable"
    assert status((ANTENNA, False), (DEVICE, True)) == "stable"
    assert status((DEVICE, True), errors=1) == "stable"


def test_an_antenna_that_answers_alone_is_told_as_such():
    assert status((DEVICE, False), (ANTENNA, True)) == "antenna_only"
    assert status((ANTENNA, True)) == "antenna_only"
    assert status((ANTENNA, True), errors=1) == "antenna_only"


def test_no_answer_at_all_is_no_internet():
    assert status((DEVICE, False), (ANTENNA, False)) == "no_internet"
    assert status((DEVICE, False)) == "no_internet"


def test_one_device_of_several_is_enough():
    assert status((DEVICE, False), ("10.20.0.8", True)) == "stable"


def test_silence_beside_an_error_of_the_routers_tells_nothing():
    assert status((DEVICE, False), errors=1) == "error"


def test_a_result_without_a_host_that_is_known_is_an_error():
    assert status() == "error"
    assert status(errors=2) == "error"
    assert status(("", True), ("router-7.example", True)) == "error"


def test_what_still_runs_is_pending():
    assert diagnose(PingReport(is_running=True)) == "pending"


@pytest.mark.parametrize(
    "host",
    [
        *("10.0.0.1", "172.16.9.9", "192.168.1.1", "100.64.0.9", "169.254.1.1", "fd00::7", "fe80::1"),
        *("24:5A:4C:10:20:30", "24-5a-4c-10-20-30", "245a.4c10.2030"),
    ],
)
def test_private_addresses_and_macs_are_devices(host):
    assert (is_device(host), is_antenna(host)) == (True, False)


@pytest.mark.parametrize("host", ["181.52.10.20", "8.8.8.8", "2800:e0::1", "100.128.0.1"])
def test_public_addresses_are_antennas(host):
    assert (is_device(host), is_antenna(host)) == (False, True)


@pytest.mark.parametrize(
    "host", ["", "router", "10.0.0", "24:5A:4C:10:20", "24:5A:4C:10:20:30:40", "10.0.0.1:8"]
)
def test_anything_else_is_neither(host):
    assert (is_device(host), is_antenna(host)) == (False, False)
