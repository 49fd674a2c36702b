import math

import pytest
from msgspec.structs import replace

from loadcheck.compare.decide import Rules
from loadcheck.compare.report.words import amount, as_set, endpoints, explain, headline, interval, percent

CLIENTS = "/api/v1/clients/"
SEARCH = "/api/v1/clients/search"
VERIFY = "/api/v1/clients/{service_id}/verify"


def sentences(outcome):
    return {each.name: each.sentence for each in endpoints(outcome)}


def only(outcome, *verdicts, endpoint):
    kept = [each for each in outcome.figures if each.endpoint == endpoint and each.verdict in verdicts]
    return replace(outcome, figures=tuple(kept))


def test_the_headline_names_what_became_slower_most_and_counts_the_others(slower):
    assert headline(slower) == (
        f"Slower than origin/main: {SEARCH} CPU by 41.2 % (39.1 % to 43.4 %), and 1 other figure."
    )


def test_the_headline_of_a_single_figure_counts_no_others(slower):
    alone = replace(slower, figures=tuple(each for each in slower.figures if each.name != f"{SEARCH} CPU"))
    assert headline(alone) == f"Slower than origin/main: {SEARCH} P95 by 8.2 % (5.1 % to 11.4 %)."


def test_the_headline_says_what_not_slower_means(not_slower):
    assert headline(not_slower) == (
        "Not slower than origin/main: CPU and P50 have risen by less than 5 %, P95 by less than 10 %."
    )
    strict = replace(not_slower, rules=Rules(margin=0.025))
    assert headline(strict).endswith("CPU and P50 have risen by less than 2.5 %, P95 by less than 5 %.")


def test_the_headline_tells_a_fall_without_a_sign(faster):
    assert headline(faster) == (
        f"Faster than origin/main: {VERIFY} P95 by 6.1 % (4.2 % to 8.0 %); nothing is slower."
    )


def test_the_headline_of_an_inconclusive_run_tells_what_it_could_have_seen(inconclusive):
    known = [each for each in inconclusive.figures if math.isfinite(each.visible)]
    assert headline(replace(inconclusive, figures=tuple(known))) == (
        f"Inconclusive: 1 of 12 figures cannot be told from noise; {SEARCH} P95 is at +3.0 % "
        "(\N{MINUS SIGN}4.1 % to +10.8 %), where a rise of 9.1 % or more would have been seen."
    )


def test_of_what_a_run_knows_nothing_it_says_so(inconclusive, empty):
    assert headline(inconclusive) == (
        f"Inconclusive: 2 of 13 figures cannot be told from noise; {VERIFY} P99 is at +50.0 % (unbounded), "
        "and no rise, however large, would have been seen."
    )
    assert headline(empty) == "Inconclusive: there was no figure to compare."


def test_the_headline_of_a_void_run_gives_the_reason_and_no_figure_of_heads(void):
    assert headline(void) == (f"Void: base differs from itself: {CLIENTS} P50 by +4.2%, and 1 other reason.")


def test_the_headline_of_a_failing_head_tells_its_commonest_failure(failing):
    assert headline(failing) == (
        f"Failing: head fails more often than origin/main: GET {SEARCH}: HTTP 500 (12 times), "
        "and 1 other reason."
    )
    assert headline(replace(failing, failures={})) == "Failing: head fails more often than origin/main."


def test_endpoints_are_told_the_worst_first(slower, inconclusive, failing):
    assert [each.name for each in endpoints(slower)] == [SEARCH, CLIENTS, "all requests", VERIFY]
    assert [each.verdict for each in endpoints(slower)] == ["slower", "not slower", "not slower", "faster"]
    assert endpoints(inconclusive)[0].name == SEARCH  # a P99 that cannot be told is none to worry about
    assert [each.verdict for each in endpoints(failing)][:3] == ["failing", "failing", "not slower"]


def test_a_sentence_tells_what_rose_first_then_what_is_not_known_then_what_is_well(slower):
    assert sentences(slower)[SEARCH] == (
        "P95 is 8.2 % higher (5.1 % to 11.4 %): 5.89 ms, was 5.44 ms; "
        "CPU is 41.2 % higher (39.1 % to 43.4 %): 0.931 ms, was 0.659 ms; "
        "P99 cannot be told: it is at +3.1 % (\N{MINUS SIGN}4.1 % to +10.8 %), "
        "where a rise of 9.1 % or more would have been seen; P50 is not slower."
    )


def test_a_sentence_tells_what_fell(slower):
    assert sentences(slower)[VERIFY] == (
        "CPU is 6.1 % lower (4.2 % to 8.0 %): 0.271 ms, was 0.288 ms; P50, P95 and P99 are not slower."
    )
    assert sentences(only(slower, "faster", endpoint=VERIFY))[VERIFY].endswith("was 0.288 ms.")


def test_where_nothing_moved_the_figure_nearest_to_the_margin_is_told(not_slower):
    assert sentences(not_slower)[SEARCH] == (
        "Not slower: CPU comes nearest to the 5 % allowed, at +0.6 % (\N{MINUS SIGN}1.4 % to +2.6 %)."
    )


def test_a_void_run_judges_no_endpoint(void):
    assert {each.verdict for each in endpoints(void)} == {"void"}
    assert set(sentences(void).values()) == {"Nothing is said of its speed: the run is void."}


def test_an_endpoint_that_fails_is_not_called_well(failing, void):
    assert sentences(failing)[SEARCH].startswith("Head fails more often than base. Not slower: ")
    assert sentences(failing)[CLIENTS].startswith("Not slower: ")
    both = replace(void, verdict="failing", failures=failing.failures)
    assert sentences(both)[SEARCH].startswith("Head fails more often than base. Nothing is said of its speed")


def test_a_failing_test_is_told_all_of_it(slower):
    lines = explain(slower).splitlines()
    assert lines[0] == headline(slower)
    assert lines[1].startswith(f"  {SEARCH}: P95 is 8.2 % higher")
    assert lines[-2] == "  fold (clients/text.py) took 1.07 s of the profile, 0.42 s in base"
    assert len(lines) == 1 + 4 + 2


def test_a_void_test_is_told_every_reason_and_no_figure(void):
    assert explain(void).splitlines()[1:] == [f"  void: {reason}" for reason in void.void_reasons]


def test_a_test_whose_head_fails_is_told_every_failure_of_its_own(failing):
    assert explain(failing).splitlines()[-2:] == [
        f"  head failed 12 times, both of base 0 times: GET {SEARCH}: HTTP 500",
        f"  head failed 9 times, both of base 0 times: GET {VERIFY}: not the client that was asked for",
    ]


def test_an_endpoint_of_one_side_alone_is_not_silently_left_out(not_slower):
    told = explain(replace(not_slower, unmatched=("/new",))).splitlines()
    assert told[-1] == "  answered on one side alone, so not judged: /new"


@pytest.mark.parametrize(
    ("share", "sign", "text"),
    [
        (0.0823, "", "8.2 %"),
        (0.0823, "+", "+8.2 %"),
        (-0.0823, "+", "\N{MINUS SIGN}8.2 %"),
        (-0.0004, "", "0.0 %"),
        (0.9994, "", "99.9 %"),
        (0.9996, "", "100 %"),
        (12.5, "+", "+1,250 %"),
        (math.inf, "+", "+∞"),
        (-math.inf, "", "\N{MINUS SIGN}∞"),
        (math.nan, "+", "unknown"),
    ],
)
def test_a_change_is_written_as_people_read_it(share, sign, text):
    assert percent(share, sign) == text


def test_a_share_that_was_chosen_keeps_its_digits():
    assert [as_set(share) for share in (0.05, 0.025, 0.001)] == ["5 %", "2.5 %", "0.1 %"]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (12.0, "12.0 ms"),
        (123.4, "123 ms"),
        (999.6, "1,000 ms"),
        (12_345.6, "12,346 ms"),
        (0.05678, "0.0568 ms"),
    ],
)
def test_an_amount_has_three_digits_and_its_unit(value, text):
    assert amount(value) == text


def test_an_interval_without_an_end_is_unbounded(slower):
    figure = slower.figures[0]
    assert interval(replace(figure, low=-0.01, high=0.02), "+") == "\N{MINUS SIGN}1.0 % to +2.0 %"
    assert interval(replace(figure, low=-math.inf, high=math.inf)) == "unbounded"
