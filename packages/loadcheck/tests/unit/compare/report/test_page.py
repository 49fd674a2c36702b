import re
from html import unescape

import pytest
from msgspec.structs import replace

from loadcheck.compare.comparison import BASE, HEAD
from loadcheck.compare.report.page import cards, distributions, render_comparison_page, unbroken
from loadcheck.compare.report.words import endpoints, headline

SEARCH = "/api/v1/clients/search"
ODD = "</script><b>&'\"\u2028"


def plain(page):
    """A page's text as people read it, without what is not shown."""
    shown = re.sub(r"<(style|script).*?</\1>", "", page, flags=re.DOTALL)
    return unescape(re.sub(r"<[^>]*>", " ", shown)).replace("\N{NO-BREAK SPACE}", " ")


@pytest.mark.parametrize(
    "name", ["slower", "not_slower", "faster", "inconclusive", "void", "failing", "empty"]
)
def test_the_verdict_comes_first_and_every_endpoint_has_its_sentence(request, name):
    outcome = request.getfixturevalue(name)
    text = plain(render_comparison_page(outcome))
    assert text.index(headline(outcome)) < text.index("Endpoint by endpoint")
    for endpoint in endpoints(outcome):
        assert endpoint.sentence in text


def test_each_figure_has_a_row_with_both_sides_the_change_and_the_interval(slower):
    page = render_comparison_page(slower)
    row = plain(page.partition('class="name">P95<')[2].partition("</tr>")[0])
    assert " ".join(row.split()[1:]) == "5.44 ms 5.89 ms +8.2 % +5.1 % to +11.4 % ✕ slower"


def test_an_interval_is_drawn_around_no_change_with_the_margin_marked(slower):
    page = render_comparison_page(slower)
    assert 'class="limit" style="left:60.0%"' in page  # 5 % of 25
    assert 'class="range" style="left:60.2%;right:27.2' in page
    assert 'class="beyond right"' in page


def test_a_run_without_outliers_needs_no_arrow(not_slower):
    assert 'class="beyond' not in render_comparison_page(not_slower)


def test_an_unbounded_interval_goes_on_beyond_both_ends(inconclusive):
    page = render_comparison_page(inconclusive)
    assert 'class="beyond left"' in page
    assert 'class="beyond right"' in page
    assert "unbounded" in page


def test_open_are_the_endpoints_of_which_there_is_something_to_say(slower, not_slower, void, failing):
    assert [card.endpoint.verdict for card in cards(slower) if card.is_open] == ["slower", "faster"]
    assert [card.is_open for card in cards(not_slower)] == [True, False, False, False]
    assert [card.is_open for card in cards(void)] == [True, False, False, False]
    assert [card.endpoint.verdict for card in cards(failing) if card.is_open] == ["failing", "failing"]


def test_both_distributions_are_in_one_chart(slower):
    chart = distributions(slower, SEARCH)
    assert chart is not None
    assert [series.name for series in chart.series] == ["base (origin/main)", "head"]
    assert chart.axis == "percentile"
    assert (chart.x[0], chart.x[-1]) == (1.0, 1000.0)
    rarest = [series.values[-1] for series in chart.series]
    assert rarest == pytest.approx([slower.curves[SEARCH].sides[side][-1] for side in (BASE, HEAD)], rel=1e-3)


def test_of_a_side_that_never_answered_there_is_no_line(slower):
    whole = slower.curves[SEARCH]
    half = {SEARCH: replace(whole, sides={HEAD: whole.sides[HEAD]})}
    chart = distributions(replace(slower, curves=half), SEARCH)
    assert chart is not None
    assert [series.name for series in chart.series] == ["head"]
    assert distributions(slower, "all requests") is None


def test_functions_that_grew_are_told_where_it_is_slower(slower, not_slower):
    text = plain(render_comparison_page(slower))
    assert "fold (clients/text.py) 0.42 s 1.07 s +0.65 s 0.61 s 1.34 s" in " ".join(text.split())
    assert "No function is known to have grown" in plain(render_comparison_page(replace(slower, grown=())))
    assert "Functions that grew" not in plain(render_comparison_page(not_slower))


def test_starts_and_memory_are_told_by_their_medians(slower):
    text = " ".join(plain(render_comparison_page(slower)).split())
    assert "base again 3 0.840 s (0.810 to 0.870) 61.2 MB (61.0 to 61.4) 72.2 MB (72.0 to 72.4)" in text
    assert "Starts and memory" not in plain(render_comparison_page(replace(slower, starts=())))


def test_base_against_itself_keeps_its_verdicts_in_a_void_run(void):
    told = render_comparison_page(void).partition("Base against itself: ")[2]
    assert 'class="badge slower"' in told
    assert 'class="badge void"' not in told
    assert 'class="badge slower"' not in render_comparison_page(void).partition("Base against itself: ")[0]


def test_every_reason_and_every_failure_is_told(void, failing):
    text = " ".join(plain(render_comparison_page(void)).split())
    assert all(reason in text for reason in void.void_reasons)
    page = render_comparison_page(failing)
    assert page.count('class="only-head"') == 2
    assert "GET /api/v1/clients/: HTTP 503 3 0 3" in " ".join(plain(page).split())


def test_a_single_reason_is_told_once(void):
    alone = replace(void, void_reasons=("not all users came up",))
    assert (
        plain(render_comparison_page(alone)).count("not all users came up") == 2
    )  # the title and the headline


def test_an_endpoint_that_was_not_judged_is_named(slower):
    assert "on one side alone: /new" in plain(render_comparison_page(replace(slower, unmatched=("/new",))))
    assert "on one side alone" not in plain(render_comparison_page(slower))


def test_how_it_was_run_and_where_is_told(slower, empty):
    text = plain(render_comparison_page(slower))
    assert "50 users (50/s); BotUser; seed 1" in text
    assert "false alarms in at most 1 % of runs" in text
    assert "Some Processor 3.0 GHz" in text
    assert "Environment" not in plain(render_comparison_page(empty))


def test_the_page_asks_for_nothing_outside_itself(slower):
    page = render_comparison_page(slower)
    assert not re.search(r"""(?:src|href)\s*=\s*["'](?!#|data:)""", page.split("<script>")[0])
    assert not re.search(r"@import|url\((?!data:)", page)


def test_whatever_stands_in_an_outcome_stays_text(slower):
    odd = replace(
        slower,
        scenario=ODD,
        base_name=ODD,
        base=ODD,
        head=ODD,
        figures=tuple(replace(each, endpoint=ODD) for each in slower.figures[5:9]),
        curves={ODD: slower.curves[SEARCH]},
        failures={HEAD: {ODD: 1}},
        grown=(replace(slower.grown[0], function=ODD),),
        void_reasons=(ODD, ODD),
    )
    page = render_comparison_page(odd)
    assert ODD not in page
    assert page.count("</script>") == 2  # one chart's data, and the scripts


def test_numbers_stay_with_their_units():
    assert unbroken("8.2 % of 12 ms, 5 msec") == "8.2\xa0% of 12\xa0ms, 5 msec"
