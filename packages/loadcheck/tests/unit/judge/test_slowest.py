import math

from loadcheck.judge.scenario import slowest
from loadcheck.model.resources import Moment
from loadcheck.model.samples import Label, Row, Samples

GOOD = Label("GET", "/a", 200, cache="miss")
BAD = Label("GET", "/a", 500, "HTTP 500")


def row(done_s: float, response_ms: float, *, label: Label = GOOD, waited_ms: float = 0.0) -> Row:
    start_s = done_s - response_ms / 1_000
    return Row(
        label=label,
        intended_s=start_s - waited_ms / 1_000,
        start_s=start_s,
        first_byte_ms=math.nan,
        response_ms=response_ms,
        done_s=done_s,
        size=1,
    )


def moment(at_s: float) -> Moment:
    return Moment(at_s=at_s, cores=at_s / 10, memory_bytes=9_000_000, open_files=1, threads=1, lag_ms=None)


def test_the_slowest_successes_come_first_counted_from_when_they_were_due() -> None:
    rows = [row(1, 10), row(2, 5, waited_ms=50), row(3, 90, label=BAD), row(4, 20)]
    found = slowest(Samples.of_rows(rows), (), count=2)
    assert [round(each.latency_ms) for each in found] == [55, 20]
    assert [round(each.waited_ms) for each in found] == [50, 0]


def test_fewer_requests_than_asked_for_are_all_told() -> None:
    assert len(slowest(Samples.of_rows([row(1, 10)]), ())) == 1
    assert slowest(Samples(), ()) == ()


def test_the_server_is_told_as_it_was_nearest_to_the_answer() -> None:
    (found,) = slowest(Samples.of_rows([row(2.1, 900)]), [moment(1), moment(2), moment(3)])
    assert found.server == moment(2)
    assert str(found) == "at 1.20 s 900.0 ms: /a (200 miss); server 0.20 cores, 9 MB"


def test_where_nobody_watched_nothing_is_told_of_the_server() -> None:
    (found,) = slowest(Samples.of_rows([row(2, 10, waited_ms=30)]), ())
    assert found.server is None
    assert str(found) == "at 1.96 s 40.0 ms after 30.0 ms of waiting: /a (200 miss)"
