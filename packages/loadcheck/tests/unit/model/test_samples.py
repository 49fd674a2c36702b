import math

import pytest

from loadcheck.model.samples import LATENESS, NO_ENDPOINT, Label, Row, Samples, joined

GOOD = Label("GET", "/a", 200, cache="hit")
BAD = Label("GET", "/b", 500, "HTTP 500")
LOST = Label("", NO_ENDPOINT, 0, "KeyError")


def row(label: Label, start_s: float, response_ms: float, *, due_s: float | None = None) -> Row:
    return Row(
        label=label,
        intended_s=start_s if due_s is None else due_s,
        start_s=start_s,
        first_byte_ms=math.nan,
        response_ms=response_ms,
        done_s=start_s + response_ms / 1_000,
        size=10,
    )


def samples(*rows: tuple[Label, float, float]) -> Samples:
    return Samples.of_rows(row(*each) for each in rows)


def test_rows_become_columns_and_equal_labels_one() -> None:
    found = samples((GOOD, 0, 1), (BAD, 1, 2), (Label("GET", "/a", 200, cache="hit"), 2, 3))
    assert found.labels == (GOOD, BAD)
    assert [*found.label] == [0, 1, 0]
    assert [*found.start_s] == [0, 1, 2]
    assert [*found.response_ms] == [1, 2, 3]
    assert [*found.size] == [10, 10, 10]


def test_no_rows_are_no_samples() -> None:
    found = Samples.of_rows([])
    assert (len(found), found.endpoints(), found.count_by(str)) == (0, (), {})
    assert len(found.succeeded()) == len(found.judged_from(0)) == 0


def test_latency_counts_from_when_a_request_was_due() -> None:
    found = Samples.of_rows([row(GOOD, 2.0, 5, due_s=1.5), row(GOOD, 3.0, 5)])
    assert [*found.latency_ms] == pytest.approx([505, 5])


def test_warm_up_is_not_judged_but_lost_users_are() -> None:
    kept = samples((GOOD, 0, 1), (LOST, 0, 0), (GOOD, 5, 2)).judged_from(5)
    assert [*kept.response_ms] == [0, 2]


def test_who_still_waits_when_the_warm_up_ends_is_judged() -> None:
    kept = samples((GOOD, 4, 900), (GOOD, 4, 1_500)).judged_from(5)
    assert [*kept.response_ms] == [1_500]


def test_what_was_due_after_the_end_is_not_judged() -> None:
    kept = samples((GOOD, 8, 3_000), (GOOD, 10.5, 1), (LOST, 11, 0)).judged_from(5, 10)
    assert [*kept.response_ms] == [3_000, 0]


def test_samples_are_sliced_by_endpoint_and_outcome() -> None:
    found = samples((GOOD, 0, 1), (BAD, 0, 2), (GOOD, 1, 3))
    assert found.endpoints() == ("/a", "/b")
    assert [*found.of("/b").response_ms] == [2]
    assert found.of(None) is found
    assert [*found.succeeded().response_ms] == [1, 3]
    assert [*found.failed().response_ms] == [2]
    assert found.failed().endpoints() == ("/b",)


def test_each_sample_is_flagged_by_its_label() -> None:
    found = samples((GOOD, 0, 1), (BAD, 0, 2), (GOOD, 1, 3))
    assert [*found.flags(lambda label: label.cache == "hit")] == [True, False, True]


def test_samples_are_counted_by_what_their_labels_have() -> None:
    other = Label("GET", "/b", 200)
    found = samples((GOOD, 0, 1), (BAD, 0, 2), (GOOD, 1, 3), (other, 2, 4))
    assert found.count_by(lambda label: label.status) == {200: 3, 500: 1}
    assert found.failed().count_by(lambda label: label.failure) == {"HTTP 500": 1}


def test_joined_samples_keep_their_labels() -> None:
    both = joined([samples((GOOD, 0, 1)), samples((BAD, 0, 2), (GOOD, 0, 3))])
    assert [both.labels[number].status for number in both.label] == [200, 500, 200]
    assert [*both.response_ms] == [1, 2, 3]
    assert both.count_by(lambda label: label.endpoint) == {"/a": 2, "/b": 1}


def test_nothing_joined_is_no_samples() -> None:
    assert len(joined([])) == 0


@pytest.mark.parametrize("failure", LATENESS)
def test_a_time_out_is_late(failure: str) -> None:
    assert Label("GET", "/a", 0, failure).is_late


@pytest.mark.parametrize("failure", ["", "HTTP 500", "ConnectionRefusedError", "wrong content"])
def test_any_other_outcome_is_not_late(failure: str) -> None:
    assert not Label("GET", "/a", 0, failure).is_late
