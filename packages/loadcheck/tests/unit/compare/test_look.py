"""Figures from rounds of samples that are made by hand."""

import math
from collections.abc import Mapping

import numpy as np
import pytest
from msgspec.structs import replace

from loadcheck.compare.comparison import judged
from loadcheck.compare.decide import DECIDING, Rules
from loadcheck.compare.look import ALL, SHARES, CpuReading, Round, Rounds, judged_round
from loadcheck.model.samples import NO_ENDPOINT, Floats, Label, Row, Samples

ALIKE = dict.fromkeys(("P50", "P95", "P99", "CPU"), 0.0)
START, END = 100.0, 110.0
SIDES = ("base", "control", "head")
SLOWER = {"base": 1.0, "control": 1.0, "head": 1.2}


def samples(response_ms: Floats, cpu_ms: Floats, endpoint: str = "/a", failure: str = "") -> list[Row]:
    """Requests that are sent evenly over the time."""
    at_s = np.linspace(START, END - 0.5, len(response_ms))
    return [
        Row(
            label=Label("GET", endpoint, 500 if failure else 200, failure),
            intended_s=float(at),
            start_s=float(at),
            first_byte_ms=float(ms),
            response_ms=float(ms),
            done_s=float(at + ms / 1_000),
            size=1,
            cpu_ms=float(cost),
        )
        for at, ms, cost in zip(at_s, response_ms, cpu_ms, strict=True)
    ]


def drawn(seed: int, factor: float, count: int = 1_000) -> list[Row]:
    random = np.random.default_rng(seed)
    return samples(factor * random.lognormal(0, 0.3, count), factor * random.lognormal(-1, 0.1, count))


def a_round(seed: int = 1, sides: Mapping[str, list[Row]] = {}) -> Round:  # nobody writes
    rows = {name: sides.get(name) or drawn(seed, SLOWER[name]) for name in SIDES}
    readings = [
        CpuReading(at, {name: (at - START) * SLOWER[name] / 10 for name in SIDES})
        for at in np.linspace(START - 1, END + 1, 49)
    ]
    return judged_round({name: Samples.of_rows(each) for name, each in rows.items()}, (START, END), readings)


def figure(found: Rounds, metric: str, endpoint: str = "/a"):
    figures = found.figures(("base", "control"), ("head",))
    return next(each for each in figures if (each.endpoint, each.metric) == (endpoint, metric))


@pytest.mark.parametrize("metric", ["P50", "P95", "P99", "CPU"])
def test_every_figure_of_an_endpoint_is_compared(metric):
    found = figure(Rounds([a_round(1), a_round(2)], alike=ALIKE), metric)
    assert found.shift.change == pytest.approx(0.2, abs=0.005)  # the very same draws, 1.2 times as slow
    assert found.head == pytest.approx(1.2 * found.base, rel=0.01)
    assert found.shift.blocks == 20


def test_what_all_requests_cost_counts_what_is_done_between_them():
    found = figure(Rounds([a_round()], alike=ALIKE), "CPU", ALL)
    assert found.shift.change == pytest.approx(0.2)
    assert found.base == pytest.approx(1.0, rel=0.05)  # 100 ms a second for 100 requests a second


def test_without_readings_what_all_requests_cost_is_not_known():
    one = a_round()
    blind = Round(
        start=one.start,
        end=one.end,
        sides=one.sides,
        readings=tuple(CpuReading(each.at, dict.fromkeys(SIDES, np.nan)) for each in one.readings),
    )
    endpoints = [each.endpoint for each in Rounds([blind], alike=ALIKE).figures(("base",), ("head",))]
    assert ALL not in endpoints


def test_base_is_put_together_from_all_its_processes():
    found = Rounds([a_round(sides={"control": drawn(3, 3.0)})], alike=ALIKE)
    alone, both = (len(found.samples(names)) for names in (("base",), ("base", "control")))
    assert both == 2 * alone
    assert figure(found, "P50").base > 1.2


def test_what_two_processes_differ_by_weighs_the_less_the_more_of_them_there_were():
    rounds = [a_round(seed) for seed in range(4)]
    one, four = (
        figure(Rounds(rounds[:count], alike=dict.fromkeys(ALIKE, 0.1)), "P50").shift.error for count in (1, 4)
    )
    assert one == pytest.approx(0.1, rel=0.05)
    assert four == pytest.approx(0.05, rel=0.05)


@pytest.mark.parametrize(
    ("count", "told"),
    [
        (15, set()),
        (30, {"CPU"}),
        (100, {"P50", "CPU"}),
        (500, {"P50", "P95", "CPU"}),
        (2_500, {*SHARES, "CPU"}),
    ],
)
def test_of_what_too_few_answers_tell_nothing_is_known(count, told):
    few = {name: drawn(1, 1.0, count) for name in SIDES}
    figures = Rounds([a_round(sides=few)], alike=ALIKE).figures(("base",), ("head",))
    found = {each.metric: each.shift.error for each in figures if each.endpoint == "/a"}
    assert found.keys() == {*DECIDING, *told}  # nobody waits for P99: it may be left out
    assert {metric for metric, error in found.items() if error < math.inf} == told


def test_an_endpoint_that_answers_too_seldom_keeps_a_run_from_being_decided():
    rare = {name: [*drawn(1, 1.0), *samples(np.ones(9), np.ones(9), endpoint="/rare")] for name in SIDES}
    figures = Rounds([a_round(sides=rare)], alike=ALIKE).figures(("base",), ("head",))
    rules = Rules(margin=10.0)
    verdicts = {each.name: each.verdict for each in judged(figures, rules)}
    assert verdicts["/a P95"] == "not slower"
    assert {verdicts[f"/rare {metric}"] for metric in DECIDING} == {"inconclusive"}


def rounds_that_differ(spread: float, count: int = 6) -> Rounds:
    """Head's processes are by turns slower and faster than base's."""
    shares = [1 + spread * (-1) ** number for number in range(count)]
    return Rounds(
        [a_round(seed, {"head": drawn(seed, 1.2 * share)}) for seed, share in enumerate(shares)],
        alike=dict.fromkeys(ALIKE, 0.01),
    )


@pytest.mark.parametrize("metric", ["P50", "P95", "CPU"])
def test_rounds_that_differ_by_more_than_is_known_count_as_what_they_are(metric):
    alike, unlike = (figure(rounds_that_differ(spread), metric).shift for spread in (0.0, 0.2))
    assert alike.error < 0.02
    assert unlike.error == pytest.approx(0.2 / math.sqrt(5), rel=0.15)
    assert unlike.blocks in {6, 7}  # six rounds tell: hardly more than five degrees of freedom
    assert alike.blocks == 60
    assert alike.steady is None
    assert unlike.steady
    assert unlike.steady.error < unlike.error / 2


def test_all_that_was_used_may_differ_by_round_too():
    def used(number: int) -> Round:
        one = a_round()
        factors = {**SLOWER, "head": 1.2 * (1 + 0.2 * (-1) ** number)}
        at = [each.at for each in one.readings]
        readings = [CpuReading(t, {name: (t - START) * factors[name] / 10 for name in SIDES}) for t in at]
        return replace(one, readings=tuple(readings))

    found = figure(
        Rounds([used(number) for number in range(6)], alike=dict.fromkeys(ALIKE, 0.01)), "CPU", ALL
    )
    assert found.shift.error == pytest.approx(0.2 / math.sqrt(5), rel=0.15)


def test_where_no_request_was_alone_its_cost_is_not_told():
    unknown = samples(np.ones(200), np.full(200, np.nan))
    figures = Rounds([a_round(sides={"head": unknown})], alike=ALIKE).figures(("base",), ("head",))
    assert not any(each.metric == "CPU" and each.endpoint == "/a" for each in figures)


def test_failures_warm_up_and_what_comes_late_are_left_out():
    bad = samples(np.full(50, 9.0), np.ones(50), failure="HTTP 500")
    lost = samples(np.zeros(3), np.ones(3), endpoint=NO_ENDPOINT, failure="no answer")
    early = samples(np.ones(5), np.ones(5))[:1]
    found = judged_round(
        {name: Samples.of_rows([*bad, *lost, *early, *drawn(1, 1.0)]) for name in SIDES},
        (START + 1, END - 1),
        [],
    )
    kept = found.sides["base"]
    assert 700 < len(kept) < 900
    assert not len(kept.failed())
    assert kept.start_s.min() >= START + 1
    assert kept.done_s.max() <= END - 1


def test_a_second_without_a_request_is_no_reason_to_know_nothing_of_all():
    pause = [row for row in drawn(1, 1.0) if not START + 4 <= row.start_s < START + 6]
    found = Rounds([a_round(sides=dict.fromkeys(SIDES, pause))], alike=ALIKE)
    assert figure(found, "CPU", ALL).shift.error < math.inf


def test_an_endpoint_that_base_does_not_know_is_not_compared():
    new = [*drawn(1, 1.0), *samples(np.ones(500), np.ones(500), endpoint="/new")]
    figures = Rounds([a_round(sides={"head": new})], alike=ALIKE).figures(("base",), ("head",))
    assert {each.endpoint for each in figures} == {ALL, "/a"}
    found = Rounds([a_round(sides={"head": new})], alike=ALIKE)
    assert found.unmatched(("base",), ("head",)) == ("/new",)
    assert found.unmatched(("base",), ("control",)) == ()


def test_distributions_go_as_far_out_as_twenty_answers_are_slower():
    curves = Rounds([a_round()], alike=ALIKE).curves({"base": ("base", "control"), "head": ("head",)}, 30)[
        "/a"
    ]
    assert curves.shares[0] == 0.0
    assert curves.shares[-1] == pytest.approx(0.98)
    assert len(curves.shares) == len(curves.sides["base"]) == len(curves.sides["head"]) == 30
    assert list(curves.sides["head"]) == sorted(curves.sides["head"])
