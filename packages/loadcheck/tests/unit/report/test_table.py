import msgspec

from loadcheck.report.table import render_table


def test_each_limit_has_a_line_with_what_was_measured_and_its_verdict(results):
    table = render_table([results["ttl_expiry"]], 160, has_colour=False).splitlines()
    assert table[1].split()[0] == "ttl_expiry"
    assert "p90 ≤ 20 ms" in table[2]
    assert "4.02 ms [3.75 ms to 4.54 ms]" in table[2]
    assert [line.split()[-1] for line in table[1:6]] == ["met"] * 5


def test_an_endpoint_is_named_once_and_that_nothing_failed_is_left_out(results):
    table = render_table([results["ttl_expiry"]], 160, has_colour=False)
    assert table.count("all requests") == 1
    assert "no failures" not in table


def test_failures_are_told_limit_and_reason(results):
    table = render_table([results["documented_load"]], 160, has_colour=False)
    assert "no failures" in table
    assert "documented_load: 3 x GET /api/v1/clients/: HTTP 503" in table


def test_a_void_run_says_why(results):
    table = render_table([results["breaking_point"]], 160, has_colour=False).splitlines()
    assert {line.split()[-1] for line in table[1:5]} == {"void"}
    assert "breaking_point is void: something else kept 1.0 of 2 cores busy" in table


def test_colours_only_where_asked_for(results):
    assert "\x1b[" in render_table(results.values(), 160, has_colour=True)
    assert "\x1b[" not in render_table(results.values(), 160, has_colour=False)


def test_no_line_is_wider_than_allowed_apart_from_the_remarks(results):
    table = render_table([results["ttl_expiry"]], 80, has_colour=False)
    assert max(map(len, table.splitlines())) <= 80


def test_brackets_in_a_name_are_no_markup(results):
    odd = msgspec.structs.replace(results["ttl_expiry"], scenario="load[red]", folder="odd")
    assert "load[red]" in render_table([odd], 160, has_colour=False)
