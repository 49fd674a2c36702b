"""Every request that a user made is a sample, and says no more than it may."""

from collections.abc import Callable
from pathlib import Path

import pytest

from loadcheck.generator import Generator, Run, Watched
from loadcheck.server import Server
from loadcheck.workload import Workload, arriving

Play = Callable[..., Run]
Asking = Callable[..., Workload]


@pytest.fixture
def play(generator: Generator, small_server: Server, tmp_path: Path) -> Play:
    return lambda workload: generator.play(workload, small_server, tmp_path / "out", Watched())


def reasons(run: Run) -> dict[tuple[str, str], int]:
    return run.samples.count_by(lambda label: (label.endpoint, label.failure))


@pytest.mark.parametrize(
    ("name", "endpoint"),
    [
        ("Hanging", "/hang"),
        ("PlainHanging", "/plain-hang"),
        ("Stalled", "/stall"),
        ("PlainStalled", "/plain-stall"),
    ],
)
def test_a_silent_server_has_failed_in_time_and_by_lateness(
    play: Play, asking: Asking, name: str, endpoint: str
) -> None:
    found = play(asking(name, users=2, hold_s=0.2)).samples
    assert found.count_by(lambda label: (label.endpoint, label.is_late)) == {(endpoint, True): 2}
    assert found.response_ms.max() < 1_500  # network_timeout_s=1


@pytest.mark.parametrize(("name", "endpoint"), [("Turning", "/broken"), ("PlainTurning", "/plain-broken")])
def test_an_answer_that_a_task_turns_its_back_on_is_a_sample(
    play: Play, asking: Asking, name: str, endpoint: str
) -> None:
    run = play(asking(name, users=2, hold_s=0.2))
    assert set(reasons(run)) == {(endpoint, "HTTP 500")}


def test_locusts_own_report_tells_no_query_and_no_words_of_exceptions(
    play: Play, asking: Asking, tmp_path: Path
) -> None:
    play(asking("Turning", "Raising", users=2, hold_s=0.3))
    told = (tmp_path / "out" / "locust.html").read_text()
    assert "/broken" in told
    assert "a-subscriber" not in told
    assert "KeyError" in told
    assert '"msg": ""' in told


def test_a_task_sets_own_waits_are_known(play: Play, asking: Asking) -> None:
    run = play(asking("Unhurried", users=2, hold_s=0.5))
    assert run.facts.mean_wait_s == pytest.approx(0.01)


def test_a_task_set_waits_for_arrivals_too(play: Play) -> None:
    run = play(arriving("small_users.py:Unhurried", rate_per_s=30, hold_s=0.5, network_timeout_s=1))
    assert run.facts.arrivals
    assert len(run.samples) == run.facts.arrivals.due


def test_what_users_ask_as_they_leave_is_not_judged(play: Play, asking: Asking) -> None:
    run = play(asking("Polite", hold_s=0.3))
    assert run.samples.response_ms.max() > 95
    assert run.judged.response_ms.max() < 95


def test_a_time_that_is_no_number_is_a_failure(play: Play, asking: Asking) -> None:
    run = play(asking("Timeless", users=1, hold_s=0.1))
    assert {failure for _, failure in reasons(run)} == {"a request could not be recorded (ValueError)"}
