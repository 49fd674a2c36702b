from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import msgspec
import pytest

from benchmarks.peers.cases import Case
from benchmarks.peers.compare import Part
from benchmarks.peers.figures import FLOOR, GRANIAN, LIMIT, US, Disturbance
from benchmarks.peers.play import Plan, Play
from benchmarks.peers.wrk import CONNECTIONS, Ask, Counts, Drive

ONCE = Case(name="search, first time", asks=tuple(Ask(f"/{n}") for n in range(999)), checked=4)
LIST = Case(name="list", asks=(Ask("/"),))
COUNTS = Counts(
    requests=100, elapsed_us=2e6, received=30_000, p50_us=500.0, p99_us=900.0, refused=0, broken=0
)


class Wrk:
    """Stands in for wrk: remembers how it was driven."""

    def __init__(self, counts: Counts = COUNTS) -> None:
        self.drives: list[Drive] = []
        self._counts = counts

    def __call__(self, drive: Drive) -> tuple[Counts, float]:
        self.drives.append(drive)
        return self._counts, 0.5


class Stand:
    """Stands in for all servers."""

    clients = 2_000
    headers: ClassVar = {"Host": "api.example.com", "X-API-Key": "k"}

    def __init__(self) -> None:
        self.cpu_s = 0.0
        self.chosen: list[str] = []

    def choose(self, case: Case) -> None:
        self.chosen.append(case.name)

    def readings(self, _: Any) -> list[Any]:
        self.cpu_s += 1.5
        return [SimpleNamespace(cpu_s=self.cpu_s, memory_bytes=40_000_000)]

    def wait_until_calm(self) -> None: ...


def part(case: Case, *names: str, answer_s: float = 0.001) -> Part:
    usage = SimpleNamespace(peak_memory_bytes=50_000_000)
    servers: Any = {name: SimpleNamespace(url=f"http://{name}", usage=lambda *_: usage) for name in names}
    return Part(
        case=case,
        servers=servers,
        answer_s=dict.fromkeys(names, answer_s),
        answer_bytes=300.0,
        asks=Path("all"),
        known_asks=Path("known"),
    )


def playing(wrk: Wrk, **plan: Any) -> Play:
    stand: Any = Stand()
    return Play(stand, Plan(**{"rounds": 1, "seconds": 2.0, **plan}), wrk)


def test_a_measure_holds_what_wrk_counts_and_what_the_server_spent():
    play = playing(Wrk())
    play.measure(part(LIST, US), 3)
    (found,) = play.measures
    assert (found.server, found.round, found.requests_per_s) == (US, 3, 50.0)
    assert (found.p50_ms, found.p99_ms, found.cpu_s_per_1000, found.memory_mb) == (0.5, 0.9, 15.0, 50.0)
    assert found.generator_cores == 0.25


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"refused": 3}, "round 1: 3 requests were refused, 0 broke off"),
        ({"received": 20_000}, "round 1: 200 bytes an answer, 270 were expected"),
    ],
)
def test_a_measure_with_errors_is_a_failure_and_no_measure(change, why):
    counts = {name: getattr(COUNTS, name) for name in COUNTS.__struct_fields__} | change
    play = playing(Wrk(Counts(**counts)))
    play.measure(part(LIST, US), 0)
    assert play.measures == []
    assert [(missing.why, missing.is_failure) for missing in play.missing] == [(why, True)]


def test_what_is_asked_once_only_goes_on_where_it_stopped():
    wrk = Wrk()
    play = playing(wrk)
    for number in range(2):
        play.measure(part(ONCE, US), number)
    assert [drive.begin for drive in wrk.drives] == [4, 4 + 100 + CONNECTIONS]
    assert {drive.asks for drive in wrk.drives} == {Path("all")}


@pytest.mark.parametrize("name", [LIMIT, GRANIAN, FLOOR])
def test_who_sends_recorded_answers_is_asked_for_what_was_recorded(name):
    wrk = Wrk()
    playing(wrk).measure(part(ONCE, name), 0)
    assert [drive.asks for drive in wrk.drives] == [Path("known")]


def test_what_may_be_asked_once_only_is_never_asked_again_and_that_is_reported_once():
    wrk = Wrk()
    play = playing(wrk)
    few = msgspec.structs.replace(ONCE, asks=tuple(Ask(f"/{n}") for n in range(4 + 2 * (100 + CONNECTIONS))))
    for number in range(5):
        play.measure(part(few, US), number)
    assert [drive.begin for drive in wrk.drives] == [4]
    assert [(missing.server, missing.is_failure) for missing in play.missing] == [(US, False)]
    assert len(play.measures) == 1


def test_a_measure_is_repeated_while_the_machine_is_busy_and_the_calmest_counts(monkeypatch):
    others = iter((0.9, 0.3, 0.5))
    disturbed = lambda *_: Disturbance(other=next(others), stolen=0.0)  # noqa: E731
    monkeypatch.setattr("benchmarks.peers.figures.disturbance", disturbed)
    wrk = Wrk()
    play = playing(wrk, tries=3)
    play.measure(part(LIST, US), 0)
    assert [found.disturbance.other for found in play.measures] == [0.3]
    assert len(wrk.drives) == 3


def test_a_calm_measure_is_not_repeated(monkeypatch):
    monkeypatch.setattr("benchmarks.peers.figures.disturbance", lambda *_: Disturbance(other=0.1, stolen=0.0))
    wrk = Wrk()
    playing(wrk, tries=3).measure(part(LIST, US), 0)
    assert len(wrk.drives) == 1


@pytest.mark.parametrize(("answer_s", "seconds"), [(0.001, 2.0), (0.1, 4.8)])
def test_who_is_slow_is_measured_until_each_connection_was_answered(answer_s, seconds):
    wrk = Wrk()
    playing(wrk).measure(part(LIST, US, answer_s=answer_s), 0)
    assert wrk.drives[0].seconds == pytest.approx(seconds)


def test_everyone_plays_once_a_round_and_rounds_differ_in_order():
    wrk = Wrk()
    play = playing(wrk)
    orders = set()
    for number in range(20):
        wrk.drives.clear()
        play.measure(part(LIST, "a", "b", "c"), number)
        orders.add(tuple(drive.url for drive in wrk.drives))
    assert {tuple(sorted(order)) for order in orders} == {("http://a", "http://b", "http://c")}
    assert len(orders) > 1


def test_requests_carry_the_proxys_headers_and_the_cases_own():
    wrk = Wrk()
    case = Case(name="list, gzip", asks=(Ask("/"),), headers={"Accept-Encoding": "gzip"})
    playing(wrk).measure(part(case, US), 0)
    assert wrk.drives[0].headers == {**Stand.headers, "Accept-Encoding": "gzip"}


def test_a_plan_may_take_some_cases_only():
    plan = Plan(rounds=1, seconds=1, only=("list",))
    assert [plan.takes(case) for case in (LIST, ONCE)] == [True, False]
