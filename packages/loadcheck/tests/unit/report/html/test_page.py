import re

import msgspec
import numpy as np
import pytest

from loadcheck.model.judgement import Check, Interval
from loadcheck.model.objectives import Limit
from loadcheck.model.samples import Label, Samples
from loadcheck.report.finished import Finished, finished
from loadcheck.report.html.page import Strip, render_page, section, strip

ODD = "</script><b>&'\"\u2028"


@pytest.fixture
def draw(session_folder, record):
    def drawn(*results):
        kept = msgspec.structs.replace(record, results=results)
        return render_page(
            kept,
            tuple(section(number, finished(session_folder, each)) for number, each in enumerate(results)),
        )

    return drawn


def test_the_verdicts_come_first(draw, record):
    page = draw(*record.results)
    assert page.index("Of 6 scenarios") < page.index('id="verdicts"') < page.index('id="scenarios"')
    for result in record.results:
        assert f'href="#s{record.results.index(result)}">{result.scenario}</a>' in page


def test_the_page_tells_what_made_a_run_void_what_failed_and_what_was_slow(draw, results):
    page = draw(results["breaking_point"])
    assert "something else kept 1.0 of 2 cores busy" in page
    assert "<b>3</b> \N{MULTIPLICATION SIGN} GET /api/v1/clients/: HTTP 503" in page
    assert page.count("<td><b>") >= 5


def test_the_trials_of_a_search_are_told(draw, results):
    page = draw(results["most_users"])
    assert "The highest that was met is <b>100</b>; the lowest that was not, 200." in page
    assert "gateway cores</th>" in page


def test_the_page_asks_for_nothing_outside_itself(draw, record):
    page = draw(*record.results)
    assert not re.search(r"""(?:src|href)\s*=\s*["'](?!#|data:)""", page.split("<script>")[0])
    assert not re.search(r"@import|url\((?!data:)", page)


def test_whatever_stands_in_a_result_stays_text(draw, results):
    result = results["ttl_expiry"]
    odd = msgspec.structs.replace(
        result,
        scenario=ODD,
        question=ODD,
        failures={ODD: 1},
        void_reasons=(ODD,),
        settings={ODD: {ODD: ODD}},
        usage={ODD: result.usage["gateway"]},
        servers={ODD: result.servers["gateway"]},
        counters={ODD: result.counters["upstream_calls"]},
        capacity=msgspec.structs.replace(results["most_users"].capacity, gave_way=ODD),
    )
    assert draw(odd).count("</script>") == draw(result).count("</script>")
    assert ODD not in draw(odd)


def test_a_figure_is_placed_on_a_line_between_nothing_and_a_little_beyond_the_furthest():
    limit = Limit("p95_ms", "≤", 10.0)
    check = Check(limit=limit, figure=4.0, interval=Interval(2.0, np.inf), verdict="inconclusive")
    assert strip(check) == Strip(18.2, 100.0, 36.4, 90.9)
    assert strip(msgspec.structs.replace(check, interval=None)) is None


def test_a_big_run_makes_a_small_page(results, record):
    count = 200_000
    random = np.random.default_rng(1)
    at_s = np.sort(random.uniform(0, 3_600, count))
    big = Samples(
        labels=tuple(Label("GET", f"/{number}", 200) for number in range(20)),
        intended_s=at_s,
        start_s=at_s,
        first_byte_ms=np.full(count, 1.0),
        response_ms=random.lognormal(1, 1, count),
        done_s=at_s,
        cpu_ms=np.full(count, np.nan),
        size=np.ones(count, np.uint64),
        label=random.integers(0, 20, count).astype(np.uint32),
    )
    run = Finished(result=results["ttl_expiry"], samples=big)
    assert len(render_page(record, (section(1, run),))) < 350_000
    assert len(section(1, run).charts[1].series) == 7
