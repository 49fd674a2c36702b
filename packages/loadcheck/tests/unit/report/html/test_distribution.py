import msgspec
import numpy as np
import pytest

from loadcheck.model.samples import Samples
from loadcheck.report.finished import Finished, finished
from loadcheck.report.html.distribution import distribution


def drawn(run):
    chart = distribution(run)
    assert chart is not None
    return chart


def at(chart, name, percent):
    """Read a line at a percentile."""
    values = next(each.values for each in chart.series if each.name == name)
    return float(np.interp(1 / (1 - percent / 100), chart.x, np.array(values, np.float64)))


def test_a_line_passes_through_the_percentiles(session_folder, results):
    result = results["ttl_expiry"]
    chart = drawn(finished(session_folder, result))
    figures = result.judgements[0].figures
    assert at(chart, "all", 50) == pytest.approx(figures.p50_ms, rel=0.02)
    assert at(chart, "all", 90) == pytest.approx(figures.p90_ms, rel=0.02)
    assert {each.name for each in chart.series} > {"/api/v1/clients/", "/api/v1/internet-plans/"}


def test_an_open_run_shows_the_wait_before_sending(session_folder, results):
    chart = drawn(finished(session_folder, results["arrival_rate"]))
    assert at(chart, "all, from when due", 98) > 400
    assert at(chart, "all, from when sent", 98) < 100


def test_the_promises_are_marked(session_folder, results):
    chart = drawn(finished(session_folder, results["documented_load"]))
    assert chart.points[0].x == pytest.approx((20.0, 20.0, 100.0))
    assert chart.points[0].y == (8.0, 100.0, 50.0)


def test_nothing_is_drawn_beyond_what_the_samples_reach(session_folder, results):
    run = finished(session_folder, results["ttl_expiry"])
    chart = drawn(run)
    assert chart.x[-1] == pytest.approx(len(run.judged))
    endpoint = next(each for each in chart.series if each.name == "/api/v1/clients/")
    assert endpoint.values[-1] is None


def test_where_nothing_succeeded_there_is_no_distribution(results):
    result = msgspec.structs.replace(results["ttl_expiry"], generator=None)
    assert distribution(Finished(result=result, samples=Samples())) is None


def test_an_only_endpoint_is_all_there_is(session_folder, results):
    run = finished(session_folder, results["ttl_expiry"])
    one = msgspec.structs.replace(run, samples=run.samples.of("/api/v1/clients/"))
    assert [each.name for each in drawn(one).series] == ["all"]
