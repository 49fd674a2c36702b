"""Whole comparisons, of small servers in real processes."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec.structs import replace

from loadcheck.compare import rounds, run
from loadcheck.compare.base import check_out, head
from loadcheck.compare.decide import ALIKE, Rules
from loadcheck.compare.look import ALL
from loadcheck.compare.outcome import Outcome
from loadcheck.compare.run import Plan, compare
from loadcheck.process import ProcessFailed
from loadcheck.server import Program, Server
from loadcheck.workload import UserClass, closed

SLOW = "time.sleep(0.004)"
BUSY = "[number * number for number in range(50_000)]"
Compare = Callable[..., Outcome]
RARELY_WRONG = Rules(alpha=0.001, alike=dict.fromkeys(ALIKE, 0.2))
"""For tests that run every day, beside others: what they are to find is several times as slow."""


@pytest.fixture
def versions(project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Compare:
    """Compare the project as it lies there with its last commit, in short rounds."""
    monkeypatch.setattr(rounds, "FOREIGN_SHARE", 10.0)
    monkeypatch.setattr(run, "PROFILED_S", 3.0)
    monkeypatch.setattr(run, "BESIDE_S", 5.0)

    def versions(**settings) -> Outcome:
        visitor = UserClass(locustfile="users.py", name="Visitor")
        plan = Plan(
            scenario="small",
            project=project,
            base=check_out(project, "HEAD"),
            base_name="HEAD",
            head=head(project),
            program=Program(
                name="small", command=(sys.executable, str(project / "server.py"), "{port}"), ready_path="/"
            ),
            workload=closed(visitor, users=1, hold_s=1, warm_up_s=0.2, network_timeout_s=2),
            out=tmp_path / "out",
            logs=tmp_path,
            **{"round_s": 2.0, "limit_s": 40.0, "rules": RARELY_WRONG, **settings},
        )
        return compare(plan)

    return versions


def change(project: Path, before: str, after: str) -> None:
    path = project / "server.py"
    path.write_text(path.read_text().replace(before, after))


def moved(outcome: Outcome) -> set[str]:
    """Return the endpoints of which a figure is what the run is; which figure shows it first is chance."""
    return {figure.endpoint for figure in outcome.figures if figure.verdict == outcome.verdict}


def change_of(outcome: Outcome, name: str) -> float:
    """Return by which share a figure has changed, as measured."""
    return next(figure.change for figure in outcome.figures if figure.name == name)


def test_a_slower_search_is_found_alone_and_named(versions, project, commit):
    commit("pass")
    change(project, "    pass\n\n\nclass", f"    {BUSY}\n\n\nclass")
    told: list[str] = []
    outcome = versions(tell=told.append)
    assert outcome.verdict == "slower"
    assert moved(outcome) - {ALL} == {"/search"}
    assert all(change_of(outcome, f"/search {metric}") > 0.5 for metric in ("P50", "CPU"))
    assert outcome.grown[0].function.startswith("look_up")
    assert "round 1 played" in told
    assert "slower: profiling both sides" in told
    assert outcome.rounds >= 2
    assert {start.side for start in outcome.starts} == {"base", "control", "head"}
    assert all(start.ready_s > 0 and 0 < start.memory_bytes <= start.peak_bytes for start in outcome.starts)
    assert set(outcome.curves) == {"/", "/search"}


def test_a_wait_is_found_that_costs_no_cpu_time(versions, project, commit):
    commit("pass")
    change(project, "    pass\n\n\nclass", f"    {SLOW}\n\n\nclass")
    outcome = versions()
    assert outcome.verdict == "slower"
    assert "/search" in moved(outcome)
    assert change_of(outcome, "/search P50") > 1
    assert outcome.grown[0].function.startswith("look_up")


def test_a_faster_search_is_told(versions, project, commit):
    commit(SLOW)
    change(project, f"    {SLOW}\n", "    pass\n")
    outcome = versions(rules=replace(RARELY_WRONG, margin=3.0))
    assert outcome.verdict == "faster"
    assert "/search" in moved(outcome)
    assert change_of(outcome, "/search P50") < -0.5
    assert not outcome.grown


def test_the_same_code_is_not_slower_than_anybody_cares(versions, commit):
    commit(SLOW)
    outcome = versions(rules=replace(RARELY_WRONG, margin=5.0))
    assert outcome.verdict == "not slower"
    assert outcome.control


def test_it_ends_with_the_first_look_that_decides(versions, commit, monkeypatch):
    commit()
    at_first = iter(["inconclusive", "inconclusive"])
    monkeypatch.setattr(run, "verdict_of", lambda _: next(at_first, "not slower"))
    outcome = versions(rules=Rules(alpha=1e-9))
    assert (outcome.looks, outcome.rounds, outcome.verdict) == (3, 4, "not slower")


def test_what_no_run_could_tell_is_inconclusive_and_says_what_it_could_have_seen(versions, commit):
    commit()
    outcome = versions(rules=Rules(alike=dict.fromkeys(ALIKE, 0.5)), limit_s=20.0)
    assert outcome.verdict == "inconclusive"
    assert all(figure.visible > 0.5 for figure in outcome.figures)


def test_a_head_that_fails_where_base_does_not_is_failing_however_fast(versions, project, commit):
    commit()
    change(project, "self.send_response(200", "self.send_response(500")
    outcome = versions(limit_s=6.0)
    assert outcome.verdict == "failing"
    assert outcome.failures["head"]["GET /search: HTTP 500"] > 0
    assert outcome.failures["base"] == {}


def test_what_fails_on_both_sides_is_no_difference(versions, commit):
    commit(SLOW, status=503)
    outcome = versions(rules=replace(RARELY_WRONG, margin=5.0))
    assert outcome.failures["base"]["GET /search: HTTP 503"] > 0
    assert outcome.verdict == "not slower"  # of what did not fail


def test_on_a_busy_machine_rounds_do_not_count_and_the_run_is_void(versions, commit, monkeypatch):
    monkeypatch.setattr(rounds, "FOREIGN_SHARE", -1.0)
    commit()
    outcome = versions(limit_s=6.0)
    assert outcome.verdict == "void"
    assert "rounds were disturbed: something else kept" in outcome.void_reasons[0]
    assert outcome.disturbed
    assert outcome.figures == ()


def test_base_that_differs_from_itself_makes_a_run_void(versions, commit, monkeypatch):
    """Control is told to be slow: a stand-in for a machine that treats processes unlike."""
    commit("time.sleep(float(os.environ.get('UNLIKE', '0')))")

    def unlike(program: Program, *, log: Path) -> Server:
        own = {"UNLIKE": "0.004"} if program.name.endswith("control") else {}
        return Server(replace(program, env={**program.env, **own}), log=log)

    monkeypatch.setattr(rounds, "Server", unlike)
    outcome = versions()
    assert outcome.verdict == "void"
    assert any(
        reason.startswith("base differs from itself: /search P") and "by +" in reason
        for reason in outcome.void_reasons
    )


def test_a_head_that_does_not_start_is_told_with_what_it_said(versions, project, commit):
    commit()
    change(project, "import time\n", "import time_that_is_not_there\n")
    with pytest.raises(ProcessFailed, match="time_that_is_not_there"):
        versions()


def test_a_project_that_is_changed_meanwhile_makes_a_run_void(versions, project, commit):
    commit()

    def change_something(_: str) -> None:
        change(project, "import time\n", "import time  # changed\n")

    outcome = versions(rules=Rules(margin=50.0, alpha=1e-9), tell=change_something)
    assert outcome.verdict == "void"
    assert outcome.void_reasons == ("the project was changed while it was compared",)
