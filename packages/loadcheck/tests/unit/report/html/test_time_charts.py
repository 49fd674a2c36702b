import msgspec
import numpy as np
import pytest

from loadcheck.model.samples import Label, Row, Samples
from loadcheck.report.finished import Finished, finished
from loadcheck.report.html.time_charts import cache_states, failures, rates, slices, time_charts


def row(at_s: float, *, response_ms: float = 1.0, failure: str = "", cache="") -> Row:
    return Row(
        label=Label("GET", "/a", 200, failure, cache),
        intended_s=at_s,
        start_s=at_s,
        first_byte_ms=1.0,
        response_ms=response_ms,
        done_s=at_s + response_ms / 1_000,
        size=1,
    )


@pytest.fixture
def charts(session_folder, results):
    def of(scenario):
        return {chart.title: chart for chart in time_charts(finished(session_folder, results[scenario]))}

    return of


def series(chart):
    return {each.name: np.array(each.values, np.float64) for each in chart.series}


@pytest.mark.parametrize(
    ("end_s", "width_s"), [(3, 0.25), (12, 0.5), (30, 1), (400, 1), (900, 5), (86_400, 300)]
)
def test_a_run_is_cut_into_neither_too_few_slices_nor_too_many(end_s, width_s):
    cut = slices(end_s)
    assert (cut.width_s, cut.count) == (width_s, np.ceil(end_s / width_s))


def test_a_stall_shows_in_the_second_in_which_requests_were_due(charts):
    p95 = series(charts("documented_load")["Response time"])["P95"]
    assert int(np.nanargmax(p95)) == 14
    assert p95[14] > 900


def test_each_failure_is_marked(charts):
    points = {each.name: each for each in charts("documented_load")["Response time"].points}
    assert points["failure"].mark == "cross"
    assert len(points["failure"].x) == 17
    assert all(25 <= x <= 26 for x in points["failure"].x)


def test_rates_stand_beside_the_users(charts):
    chart = charts("documented_load")["Rate and users"]
    found = series(chart)
    assert found["answered"].sum() == pytest.approx(120 * 33)
    assert found["users"].max() == 50
    assert chart.right_unit == "users"


def test_an_open_run_shows_what_was_due_beside_what_was_done(charts):
    chart = charts("arrival_rate")["Arrivals and answers"]
    found = series(chart)
    assert set(found["due"][:33]) == {150.0}
    assert found["answered"][14] < 5
    assert found["sent, when due"][14] > 100
    assert "12 of 4512 arrivals due were dropped" in chart.note


def test_answers_are_told_apart_by_the_state_of_the_cache(charts):
    found = series(charts("ttl_expiry")["Answers by cache state"])
    assert found["stale"][20] > 30
    assert found["stale"][10] == 0
    assert found["hit"][10] > 90


def test_failures_are_told_apart_by_reason_and_the_rarest_put_together():
    rows = [row(1.0, failure=f"reason {number}") for number in range(8) for _ in range(number + 1)]
    found = series(failures(Samples.of_rows(rows), slices(2.0)))
    assert list(found) == ["reason 7", "reason 6", "reason 5", "reason 4", "reason 3", "others"]
    assert found["others"].max() == (1 + 2 + 3) / 0.25


def test_what_did_not_happen_gets_no_chart(results):
    calm = Finished(
        result=msgspec.structs.replace(results["ttl_expiry"], generator=None, workload=None),
        samples=Samples.of_rows([row(0.5)]),
    )
    assert [chart.title for chart in time_charts(calm)] == ["Response time", "Rate"]
    nothing = Finished(result=results["ttl_expiry"], samples=Samples())
    assert not list(time_charts(nothing))


def test_a_rate_is_per_second_whatever_the_slice(results):
    samples = Samples.of_rows([row(at / 10, cache="hit") for at in range(10)])
    run = Finished(result=results["ttl_expiry"], samples=samples)
    cut = slices(1.0)
    assert sum(series(rates(run, cut))["answered"]) * cut.width_s == pytest.approx(10)
    assert sum(series(cache_states(samples, cut))["hit"]) * cut.width_s == pytest.approx(10)
