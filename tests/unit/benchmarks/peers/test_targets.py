from collections.abc import Callable, Sequence

import msgspec
import pytest

from benchmarks.peers.figures import CPU, LIMIT, LITESTAR, RATE, TWO_WORKERS, US, WITH_REDIS, Measures, Spread
from benchmarks.peers.life import Life
from benchmarks.peers.targets import Target, judge, judge_life, judge_ratio

GOOD = Life(
    clients=50_000,
    start_s=Spread(0.8, 0.7, 0.9),
    crawl_s=6.0,
    least_crawl_s=5.0,
    p99_ratio=Spread(1.4, 1.2, 1.6),
    calm_p99_ms=Spread(1.0, 0.9, 1.1),
    calm_lag_ms=Spread(1.0, 1.0, 2.0),
    lag_ms=Spread(9.0, 5.0, 12.0),
    memory_mb=149.0,
)

BESIDE_LITESTAR = Target("verify", ("verify",), RATE, 0.9, (US, LITESTAR))
CHEAP = Target("cached GET", ("plans", "list"), CPU, 1.18)


def verdicts(life: Life) -> list[str]:
    return [line.verdict for line in judge_life(life)]


@pytest.fixture
def rounds(measured) -> Callable[..., Measures]:
    """Make rounds in which the peer has a rate of 100."""

    def make(peer: str, ratios: Sequence[float], case: str = "verify", clients: int = 2_000) -> Measures:
        ours = [measured(US, number, 100 * ratio, case, clients) for number, ratio in enumerate(ratios)]
        return Measures(
            [*ours, *(measured(peer, number, 100, case, clients) for number in range(len(ratios)))]
        )

    return make


@pytest.mark.parametrize(
    ("ratios", "verdict"), [((0.91, 0.95, 0.92), "met"), ((0.5, 0.899, 0.95), "not met")]
)
def test_a_promise_is_judged_by_the_median_of_the_rounds(rounds, ratios, verdict):
    assert judge_ratio(BESIDE_LITESTAR, rounds(LITESTAR, ratios)).verdict == verdict


def test_it_is_said_where_the_rounds_do_not_agree(rounds):
    line = judge_ratio(BESIDE_LITESTAR, rounds(LITESTAR, (0.8, 0.92, 0.95)))
    assert line.found == "0.92 [0.80 to 0.95]: verify, 2,000 clients, the rounds do not agree"


def test_the_worst_of_several_cases_decides(measured):
    found = [
        *(
            measured(LIMIT, 0, 100, case, clients)
            for case in ("plans", "list")
            for clients in (2_000, 50_000)
        ),
        measured(US, 0, 90, "plans", 2_000),
        measured(US, 0, 99, "list", 2_000),
        measured(US, 0, 70, "list", 50_000),
    ]
    line = judge_ratio(Target("cached GET", ("plans", "list"), RATE, 0.85), Measures(found))
    assert (line.verdict, line.found) == ("not met", "0.70 [0.70 to 0.70]: list, 50,000 clients")


def test_a_promise_for_one_number_of_clients_is_judged_with_that_alone(rounds):
    target = Target("list, gzip", ("list, gzip",), RATE, 0.85, clients=2_000)
    assert judge_ratio(target, rounds(LIMIT, (0.9,), "list, gzip", 50_000)).verdict == "not measured"
    assert judge_ratio(target, rounds(LIMIT, (0.9,), "list, gzip")).verdict == "met"


@pytest.mark.parametrize(("cpu_s", "verdict"), [(0.118, "met"), (0.119, "not met")])
def test_cpu_time_has_an_upper_bound_and_the_dearest_case_decides(measured, cpu_s, verdict):
    found = [
        *(measured(LIMIT, 0, 100, case, cpu_s_per_1000=0.1) for case in ("plans", "list")),
        measured(US, 0, 100, "plans", cpu_s_per_1000=0.05),
        measured(US, 0, 100, "list", cpu_s_per_1000=cpu_s),
    ]
    line = judge_ratio(CHEAP, Measures(found))
    assert line.promise == "cached GET: CPU at most 1.18 of bare ASGI"
    assert (line.verdict, line.found.rpartition("]: ")[2]) == (verdict, "list, 2,000 clients")


def test_it_is_said_where_rounds_disagree_on_cpu_time(measured):
    cpu_s = (0.110, 0.117, 0.125)
    found = [measured(LIMIT, number, 100, cpu_s_per_1000=0.1) for number in range(3)]
    found += [measured(US, number, 100, cpu_s_per_1000=each) for number, each in enumerate(cpu_s)]
    assert judge_ratio(CHEAP, Measures(found)).found.endswith(", the rounds do not agree")


def test_two_workers_and_redis_are_judged_by_their_own_figures(measured):
    costs = {LIMIT: 0.1, US: 0.19, TWO_WORKERS: 0.41, WITH_REDIS: 0.39}
    found = [measured(who, 0, 100, "verify", cpu_s_per_1000=cpu_s) for who, cpu_s in costs.items()]
    lines = {line.promise: line.verdict for line in judge(Measures(found), [])}
    assert lines["verify: CPU at most 2 of bare ASGI"] == "met"
    assert lines["verify, wisphub-api, 2 workers: CPU at most 4 of bare ASGI"] == "not met"
    assert lines["verify, wisphub-api, Redis: CPU at most 4 of bare ASGI"] == "met"


@pytest.mark.parametrize(("many", "verdict"), [(0.032, "met"), (0.034, "not met")])
def test_what_a_lookup_costs_may_not_grow_with_the_clients(measured, many, verdict):
    few = measured(US, 0, 100, "by phone", 2_000)
    more = msgspec.structs.replace(few, clients=50_000, cpu_s_per_1000=many)
    lines = {line.promise: line.verdict for line in judge(Measures([few, more]), [])}
    assert lines["by phone: CPU with 50,000 clients 1.1 of that with 2,000"] == verdict


@pytest.mark.parametrize(
    ("change", "at"),
    [
        ({"start_s": Spread(1.1, 0.7, 1.2)}, 0),
        ({"crawl_s": 6.3}, 1),
        ({"lag_ms": Spread(10.1, 5.0, 12.0)}, 2),
        ({"p99_ratio": Spread(1.6, 1.2, 1.8)}, 3),
        ({"memory_mb": 151.0}, 4),
    ],
)
def test_each_part_of_a_life_is_judged(change, at):
    assert verdicts(GOOD) == ["met"] * 5
    expected = ["met"] * 5
    expected[at] = "not met"
    assert verdicts(msgspec.structs.replace(GOOD, **change)) == expected


def test_memory_is_judged_with_as_many_clients_as_were_promised():
    assert len(verdicts(msgspec.structs.replace(GOOD, clients=2_000))) == 4


def test_what_is_measured_elsewhere_says_where():
    assert ("make bench", "not measured") in [(line.found, line.verdict) for line in judge(Measures([]), [])]
