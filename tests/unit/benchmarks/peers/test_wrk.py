import msgspec
import pytest

from benchmarks.peers.wrk import Counts, WrkFailed, read

LINE = (
    '{"requests":3000,"elapsed_us":2000000,"received":900000,"p50_us":410.0,"p99_us":1200.5,'
    '"refused":0,"broken":0}\n'
)
OUTPUT = f"Running 2s test @ http://127.0.0.1:1\n  1 threads and 32 connections\n{LINE}"


def test_the_figures_are_the_last_line_of_what_wrk_prints():
    counts = read(OUTPUT)
    assert (counts.requests, counts.requests_per_s, counts.p50_us, counts.p99_us) == (
        3000,
        1500.0,
        410.0,
        1200.5,
    )


@pytest.mark.parametrize("output", ["", "unable to connect to 127.0.0.1:1", '{"requests":1}'])
def test_output_without_figures_is_no_measure(output):
    with pytest.raises(WrkFailed, match="printed no figures"):
        read(output)


@pytest.mark.parametrize(
    ("counts", "smallest_bytes", "problem"),
    [
        ({}, 300, ""),
        ({"requests": 0}, 0, "nothing was answered"),
        ({"refused": 2}, 0, "2 requests were refused, 0 broke off"),
        ({"broken": 1}, 0, "0 requests were refused, 1 broke off"),
        ({}, 301, "300 bytes an answer, 301 were expected"),
    ],
)
def test_a_measure_with_errors_or_too_short_answers_is_none(counts, smallest_bytes, problem):
    figures = {**msgspec.to_builtins(read(LINE)), **counts}
    assert Counts(**figures).problem(smallest_bytes) == problem
