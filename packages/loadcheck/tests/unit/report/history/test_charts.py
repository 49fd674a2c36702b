import pytest

from loadcheck.report.history.change_points import courses
from loadcheck.report.history.charts import charts
from loadcheck.report.history.measurements import Machine

STEADY = [10.0, 10.2, 9.8, 10.1, 9.9] * 2
HIGHER = [value * 1.2 for value in STEADY]


def drawn(history):
    return charts(history, courses(history))


def test_the_p95_of_each_endpoint_and_the_cpu_of_each_scenario_are_drawn(history):
    of_one = [course for course in courses(history) if course.series.scenario == "documented_load"]
    assert [chart.title for chart in charts(history, of_one)] == [
        "P95 of /api/v1/clients/",
        "P95 of /api/v1/clients/search",
        "P95 of /api/v1/clients/{service_id}/verify",
        "P95 of /api/v1/internet-plans/",
        "CPU per request of the server",
    ]


def test_other_figures_are_not_drawn(nights):
    assert drawn(nights(STEADY, "p50_ms")) == ()


def test_a_record_without_the_figure_leaves_a_gap(nights):
    (chart,) = drawn(nights([*STEADY, None, *HIGHER]))
    (line,) = chart.lines
    assert line.values == (*STEADY, None, *HIGHER)
    assert chart.told_at(10) == ""
    assert chart.told_at(11) == "12 ms"


def test_a_change_is_marked_where_it_was_first_seen(nights):
    (chart,) = drawn(nights([*STEADY, None, *HIGHER]))
    (mark,) = chart.marks
    assert (mark.number, mark.text, mark.is_worse) == (11, "+20 %", True)
    assert [(stay.first, stay.last) for stay in chart.lines[0].stays] == [(0, 9), (11, 20)]


def test_who_does_not_see_a_chart_is_told_its_range_and_what_moved(nights):
    (chart,) = drawn(nights(STEADY + HIGHER))
    assert chart.summary == "P95 of /a: from 9.8 ms to 12.2 ms; +20 %, worse, at 0010cccccc"
    (chart,) = drawn(nights(STEADY))
    assert chart.summary == "P95 of /a: from 9.8 ms to 10.2 ms; no change"


def test_with_too_few_records_no_level_is_drawn(nights):
    (chart,) = drawn(nights(STEADY[:7]))
    assert chart.lines[0].stays == ()


def test_each_kind_of_machine_has_a_line_and_a_colour_of_its_own(nights):
    other = Machine(processor="Another Processor", cores=4, python="3.11.9")
    history = (*nights(STEADY), *nights(HIGHER, machine=other))
    (chart,) = drawn(history)
    assert [line.name for line in chart.lines] == [
        "Some Processor 3.0 GHz, 2 cores",
        "Another Processor, 4 cores",
    ]
    assert [line.colour for line in chart.lines] == [0, 1]
    assert chart.lines[0].values == (*STEADY, *[None] * 10)
    assert chart.marks == ()


@pytest.mark.parametrize(("metric", "name"), [("p95_ms", "P95"), ("cpu_per_request_ms", "CPU per request")])
def test_on_one_kind_of_machine_a_line_is_named_after_its_figure(nights, metric, name):
    (chart,) = drawn(nights(STEADY, metric))
    assert chart.lines[0].name == name
