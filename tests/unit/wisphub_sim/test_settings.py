import random
import statistics

import pytest

from wisphub_sim.settings import parse_latency


def samples_ms(text):
    rng = random.Random(1)  # noqa: S311 - repeatable on purpose
    return [parse_latency(text).sample_s(rng) * 1000 for _ in range(2000)]


def test_a_number_is_constant():
    assert set(samples_ms("250")) == {250.0}


def test_a_range_is_uniform():
    drawn = samples_ms("200-1000")
    assert 200 <= min(drawn) < 210
    assert 990 < max(drawn) <= 1000


def test_a_lognormal_has_the_median_given():
    assert statistics.median(samples_ms("lognormal:250:0.5")) == pytest.approx(250, rel=0.05)


@pytest.mark.parametrize("text", ["", "fast", "-5", "1000-200", "lognormal:250", "1-2-3", "nan"])
def test_anything_else_is_refused_with_what_is_allowed(text):
    with pytest.raises(ValueError, match="200-1000"):
        parse_latency(text)
