import msgspec
import pytest

from loadcheck.report.html.server_charts import counters, server_charts


def test_every_reading_of_every_server_is_drawn(results):
    charts = {chart.title: chart for chart in server_charts(results["documented_load"])}
    assert list(charts) == [
        "Counters of the test",
        "Server CPU",
        "Server memory",
        "Event loop lag",
        "Threads",
        "Open files",
    ]
    assert [each.name for each in charts["Server CPU"].series] == ["gateway", "simulator"]
    assert 820.0 in charts["Event loop lag"].series[0].values


def test_the_lag_is_drawn_of_the_servers_alone_that_tell_it(results):
    charts = {chart.title: chart for chart in server_charts(results["documented_load"])}
    assert [each.name for each in charts["Event loop lag"].series] == ["gateway"]


def test_what_nobody_read_is_not_drawn(results):
    bare = msgspec.structs.replace(
        results["documented_load"], servers={"gateway": ()}, counters={"calls": ()}
    )
    assert not list(server_charts(bare))


def test_a_counter_that_only_grows_is_drawn_per_second_any_other_by_its_value():
    readings = {"calls": ((0.0, 5.0), (0.5, 5.0), (1.0, 8.0)), "queued": ((0.0, 2.0), (0.5, 1.0), (1.0, 4.0))}
    calls, queued = counters(readings).series
    assert (calls.name, calls.values[1:]) == ("calls per second", (0.0, 6.0))
    assert (queued.name, queued.values) == ("queued", (2.0, 1.0, 4.0))


def test_a_long_run_is_drawn_by_some_of_its_readings(results):
    moments = results["documented_load"].servers["gateway"] * 40
    moments = tuple(msgspec.structs.replace(each, at_s=number / 4) for number, each in enumerate(moments))
    long = msgspec.structs.replace(results["documented_load"], servers={"gateway": moments})
    chart = next(chart for chart in server_charts(long) if chart.title == "Server CPU")
    assert 300 <= len(chart.x) <= 600
    assert chart.x[-1] == pytest.approx(len(moments) / 4, rel=0.02)
