"""What the machine itself takes, by the echo and the timer beside a run, is not held against the server."""

import socket
import threading
import time
from collections.abc import Iterator

import msgspec
import pytest

from loadcheck.judge.measured import Measured
from loadcheck.judge.verdicts import check
from loadcheck.model.facts import Floor, Spread
from loadcheck.model.judgement import Check
from loadcheck.model.objectives import objective
from loadcheck.model.resources import Usage
from loadcheck.model.samples import Label
from loadcheck.run.echo import EVERY_S, MOMENT, EchoServer, spread

GOOD = Label("GET", "/a", 200)


def floor(echo_ms: float, timer_ms: float = 0.5) -> Floor:
    def all_of(value: float) -> Spread:
        return Spread(**dict.fromkeys(Spread.__struct_fields__, value))

    return Floor(echo=all_of(echo_ms), timer=all_of(timer_ms))


@pytest.fixture
def held(samples):
    """Hold a hundred answers that took as long as given against a limit, beside a machine's own share."""

    def held(took_ms: float, beside: Floor | None, **limit: float) -> Check:
        usage = Usage(
            cpu_s=1, cores=0.1, peak_memory_bytes=1, peak_open_files=1, peak_threads=1, lag_max_ms=120
        )
        run = Measured(samples=samples((GOOD, [took_ms] * 4_000)), end_s=10, floor=beside, usage=usage)
        return check(objective(failure_ratio=1, **limit).limits[-1], run)

    return held


@pytest.mark.parametrize(
    "metric", ["p95_ms", "p50_ms", "p93_ms", "p99_9_ms", "mean_ms", "max_ms", "service_p95_ms"]
)
def test_a_limit_that_the_machine_alone_breaks_is_met_and_says_so(held, metric):
    found = held(11, floor(4), **{metric: 8})
    assert found.verdict == "met"
    assert "up to 12 ms" in found.reason
    assert "4 ms" in found.reason


def test_what_is_slower_than_the_machine_makes_it_is_missed(held):
    assert held(13, floor(4), p95_ms=8).verdict == "missed"


def test_what_is_within_the_limit_needs_no_excuse(held):
    assert held(7, floor(4), p95_ms=8).reason == ""


def test_a_machine_that_takes_more_than_was_promised_cannot_tell(held):
    found = held(16, floor(9), p95_ms=8)
    assert found.verdict == "inconclusive"
    assert "9 ms" in found.reason


def test_without_an_echo_the_limit_stands_alone(held):
    assert held(11, None, p95_ms=8).verdict == "missed"


def test_a_promise_to_be_slow_is_not_helped_by_the_machine(held):
    assert held(7, floor(4), min_p95_ms=8).verdict == "missed"


def test_other_figures_are_not_helped_by_the_machine(held):
    assert held(7, floor(4), cpu_cores=0.05).verdict == "missed"


def test_the_lateness_of_the_server_is_held_against_the_timer(held):
    assert held(7, floor(4, timer_ms=30), lag_max_ms=100).verdict == "met"
    assert held(7, floor(4, timer_ms=3), lag_max_ms=100).verdict == "missed"


def test_a_spread_has_the_nearest_ranks():
    found = spread([float(number) for number in range(100, -1, -1)])
    assert found == {"mean_ms": 50, "p50_ms": 50, "p90_ms": 90, "p95_ms": 95, "p99_ms": 99, "max_ms": 100}


def test_a_spread_of_nothing_is_zero():
    assert set(spread([]).values()) == {0}


@pytest.fixture
def echo_server() -> Iterator[EchoServer]:
    with EchoServer(0) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_an_echo_carries_when_it_was_due_and_the_timer_is_told_since_a_moment(echo_server):
    with socket.create_connection(("127.0.0.1", echo_server.server_address[1]), timeout=30) as connection:
        answers, asked = connection.makefile("rb"), time.monotonic()
        connection.sendall(b"echo\n")
        (due,) = MOMENT.unpack(answers.read(MOMENT.size))
        assert asked + EVERY_S <= due <= time.monotonic()
        while not echo_server.late:
            threading.Event().wait(0.01)
        connection.sendall(b"timer 0\n")
        assert msgspec.json.decode(answers.readline(), type=Spread).max_ms > 0
        connection.sendall(b"timer 1e12\n")
        assert msgspec.json.decode(answers.readline(), type=Spread).max_ms == 0
