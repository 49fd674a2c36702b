"""One round of small servers in real processes: what is measured, not how fast they are."""

import math

import pytest
from msgspec.structs import replace
from packages.loadcheck.tests.system.compare.small import USERS, VISITS, program, server, version

from loadcheck.compare.comparison import BASE, CONTROL, HEAD, SIDES
from loadcheck.compare.profiles import Sampling
from loadcheck.compare.rounds import Played, RoundPlan, play_round
from loadcheck.run.process import ProcessFailed


def plan_of(place, **programs) -> RoundPlan:
    return RoundPlan(
        programs=programs,
        workload=VISITS,
        folder=place / "project",
        out=place / "out",
        logs=place / "logs",
        foreign_share=math.inf,
    )


@pytest.fixture(scope="module")
def played(tmp_path_factory) -> Played:
    """Head's search fails. Both sides are profiled: that begins 3 s after the load generator was started."""
    place = tmp_path_factory.mktemp("round")
    head = version(HEAD, place / "project", server(status=500))
    base = version(BASE, place / "base", server())
    sides = {BASE: base, CONTROL: base, HEAD: head}
    programs = {
        name: replace(side.program(program(head.folder), head.folder), name=f"small-{name}")
        for name, side in sides.items()
    }
    longer = replace(VISITS, stages=(replace(VISITS.stages[-1], hold_s=4.0),))
    return play_round(
        replace(plan_of(place, **programs), workload=longer), Sampling(seconds=1, sees_waits=True)
    )


def test_each_version_answers_by_its_own_code(played):
    assert played.failures[BASE] == played.failures[CONTROL] == {}
    assert played.failures[HEAD].keys() == {"GET /search: HTTP 500"}
    found = {side: samples.endpoints() for side, samples in played.round.sides.items()}
    assert found == {BASE: ("/", "/search"), CONTROL: ("/", "/search"), HEAD: ("/",)}
    assert played.disturbed == ""


def test_all_sides_are_asked_the_same(played):
    asked = {side: len(samples.of("/")) for side, samples in played.round.sides.items()}
    assert max(asked.values()) - min(asked.values()) <= 2  # who was asked first when it began and ended


def test_the_processes_of_each_side_are_watched(played):
    assert [start.side for start in sorted(played.starts, key=lambda start: start.side)] == sorted(SIDES)
    assert all(start.ready_s > 0 and 0 < start.memory_bytes <= start.peak_bytes for start in played.starts)
    first, *_, last = played.round.readings
    assert all(0 < first.used_s[side] < last.used_s[side] for side in SIDES)
    assert first.at < played.round.start < played.round.end < last.at + 1


def test_each_side_is_profiled(played):
    assert played.profiles.keys() == set(SIDES)
    assert all(profile.within for profile in played.profiles.values())


def test_a_head_that_does_not_start_is_told_with_what_it_said(tmp_path):
    broken = version(HEAD, tmp_path / "project", {"server.py": "import not_there\n", "users.py": USERS})
    with pytest.raises(ProcessFailed, match="No module named 'not_there'"):
        play_round(plan_of(tmp_path, head=program(broken.folder)))
