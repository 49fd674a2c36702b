import numpy as np

from loadcheck.report.html.time_charts import COLUMNS, KEPT_SLOWEST, ROWS, thinned


def test_of_very_many_requests_few_are_drawn_and_every_slow_one():
    random = np.random.default_rng(1)
    at_s, latency_ms = random.uniform(0, 300, 200_000), random.lognormal(1, 0.3, 200_000)
    latency_ms[::1_000] = 5_000 + random.uniform(0, 100, 200)
    chosen = thinned(at_s, latency_ms)
    assert len(chosen) <= COLUMNS * ROWS + KEPT_SLOWEST
    assert set(np.flatnonzero(latency_ms >= 5_000)) <= set(chosen)


def test_of_few_requests_each_is_drawn():
    assert thinned(np.array([1.0, 1.0, 1.0]), np.array([2.0, 2.0, 2.0])).tolist() == [0, 1, 2]


def test_nothing_is_thinned_to_nothing():
    assert not len(thinned(np.empty(0), np.empty(0)))
