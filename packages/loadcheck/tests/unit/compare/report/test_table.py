from msgspec.structs import replace

from loadcheck.compare.report.table import render_comparisons
from loadcheck.compare.report.words import headline


def test_each_figure_has_a_line_with_both_sides_the_change_and_the_verdict(slower):
    lines = render_comparisons([slower], 160, has_colour=False).splitlines()
    assert lines[1].split() == ["against_base", "slower"]
    assert " ".join(lines[3].split()) == "P95 5.44 ms 5.89 ms +8.2 % +5.1 % to +11.4 % slower"
    assert lines[2].endswith("not slower")
    assert len(lines) == 2 + 13 + 1 + 2


def test_the_worst_endpoint_comes_first_and_each_is_named_once(slower):
    table = render_comparisons([slower], 160, has_colour=False).partition("against_base: ")[0]
    assert table.index("/clients/search") < table.index("all requests") < table.index("{service_id}/verify")
    assert table.count("/clients/search") == 1


def test_what_it_comes_to_stands_below(slower, void, failing):
    table = render_comparisons([slower, void, failing], 160, has_colour=False).splitlines()
    for outcome in (slower, void, failing):
        assert f"against_base: {headline(outcome)}" in table
    assert f"against_base: void: {void.void_reasons[1]}" in table
    assert (
        "against_base: head failed 12 times, both of base 0 times: GET /api/v1/clients/search: HTTP 500"
        in table
    )


def test_a_void_run_has_figures_but_no_verdicts(void):
    lines = render_comparisons([void], 160, has_colour=False).splitlines()
    assert {line.split()[-1] for line in lines[1:15]} == {"void"}
    assert "+8.2 %" in "".join(lines)


def test_a_comparison_without_figures_is_told_all_the_same(empty):
    lines = render_comparisons([empty], 160, has_colour=False).splitlines()
    assert lines[1].split() == ["empty", "inconclusive"]
    assert lines[2:] == ["empty: Inconclusive: there was no figure to compare."]


def test_colours_only_where_asked_for(slower):
    assert "\x1b[" in render_comparisons([slower], 160, has_colour=True)
    assert "\x1b[" not in render_comparisons([slower], 160, has_colour=False)


def test_no_line_is_wider_than_allowed_apart_from_the_sentences(slower):
    table = render_comparisons([slower], 80, has_colour=False).partition("against_base: ")[0]
    assert max(map(len, table.splitlines())) <= 80


def test_brackets_in_a_name_are_no_markup(slower):
    odd = replace(slower.figures[6], endpoint="/[red]")
    text = render_comparisons([replace(slower, scenario="a[bold]", figures=(odd,))], 160, has_colour=False)
    table, _, sentence = text.partition("a[bold]: ")
    assert "a[bold]" in table
    assert "/[red]" in table
    assert "/[red]" in sentence
