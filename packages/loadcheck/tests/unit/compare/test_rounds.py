"""Which rounds count; real ones are played in tests/system."""

import pytest
from msgspec.structs import replace

from loadcheck.compare.look import CpuReading
from loadcheck.compare.rounds import disturbance
from loadcheck.model.facts import ArrivalFacts, GeneratorFacts, Window
from loadcheck.model.samples import Label, Row, Samples

FACTS = GeneratorFacts(
    started_at=100.0,
    ended_s=10.0,
    judged=Window(start_s=0.0, end_s=10.0, users=1.0),
    has_spawned=True,
    cpu_share=0.5,
    own_cores=0.5,
    machine_busy_cores=1.25,
    machine_cores=2,
    lag_p95_ms=0.1,
    mean_wait_s=0.0,
    unfinished_users=0,
)
"""The generator keeps half a core busy, both sides another half: a quarter of one is left for others."""
READINGS = [CpuReading(100.0, {"base": 1.0, "head": 2.0}), CpuReading(110.0, {"base": 3.0, "head": 5.0})]
ONE = Row(
    label=Label("GET", "/", 200),
    intended_s=101.0,
    start_s=101.0,
    first_byte_ms=1.0,
    response_ms=1.0,
    done_s=101.001,
    size=1,
)
ASKED = {side: Samples.of_rows([ONE]) for side in ("base", "head")}


@pytest.mark.parametrize(
    ("facts", "found", "why"),
    [
        (FACTS, ASKED, ""),
        (replace(FACTS, machine_busy_cores=1.29), ASKED, ""),
        (replace(FACTS, machine_busy_cores=1.32), ASKED, "something else kept 0.3 of 2 cores busy"),
        (replace(FACTS, machine_busy_cores=1.32, machine_cores=4), ASKED, ""),
        (replace(FACTS, has_spawned=False), ASKED, "not all users came up"),
        (FACTS, {**ASKED, "head": Samples()}, "nobody was asked"),
        (
            replace(FACTS, arrivals=ArrivalFacts(due=200, dropped=3, late_p95_ms=0.1)),
            ASKED,
            "3 of 200 arrivals found all users busy",
        ),
        (replace(FACTS, arrivals=ArrivalFacts(due=200, dropped=2, late_p95_ms=0.1)), ASKED, ""),
    ],
)
def test_what_keeps_a_round_from_counting_is_told(facts, found, why):
    assert disturbance(facts, found, READINGS, 0.15 + 1e-9) == why


@pytest.mark.parametrize(("foreign_share", "is_disturbed"), [(0.0, True), (0.1, True), (0.2, False)])
def test_a_plan_says_how_much_others_may_use(foreign_share, is_disturbed):
    assert bool(disturbance(FACTS, ASKED, READINGS, foreign_share)) is is_disturbed
