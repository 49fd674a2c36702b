"""Is a change found where there is one, and none where there is none? Of small servers and functions.

What is to be found takes several times as long: any machine finds it, whatever else that does meanwhile.
How small a change can be and still be found is what `python -m benchmarks.campaign` shows.
"""

import math
from pathlib import Path

import pytest
from packages.loadcheck.tests.system.compare.small import VISITS, benchmarks, program, server, version

from loadcheck.compare.comparison import BASE, HEAD, Comparison
from loadcheck.compare.decide import ALIKE, Rules
from loadcheck.compare.look import ALL
from loadcheck.compare.micro.benchmarks import compare_benchmarks
from loadcheck.compare.micro.round import MicroPlan
from loadcheck.compare.servers import ComparisonPlan, Surroundings, compare_servers

pytestmark = pytest.mark.perf

BUSY = "[number * number for number in range(50_000)]"
UNCHANGED = Surroundings(state_of=lambda _: "")
"""What lies there is no repository, and nobody changes it."""


def compared(place: Path, base: dict[str, str], own: dict[str, str], margin: float) -> Comparison:
    """Compare two servers in short rounds; processes may differ by a fifth, and others use all cores."""
    head = version(HEAD, place / "project", own)
    plan = ComparisonPlan(
        scenario="small",
        project=head.folder,
        base=version(BASE, place / "base", base),
        base_name="base",
        head=head,
        program=program(head.folder),
        workload=VISITS,
        out=place / "out",
        logs=place / "logs",
        rules=Rules(margin=margin, alpha=0.01, alike=dict.fromkeys(ALIKE, 0.2)),
        round_s=3.0,
        limit_s=120.0,
        foreign_share=math.inf,
        profiled_s=2.0,
    )
    return compare_servers(plan, UNCHANGED)


def test_a_slower_search_is_found_alone_and_named(tmp_path):
    """Is a search that works several times as long found, and the function named?"""
    outcome = compared(tmp_path, server(), server(BUSY), margin=0.05)
    assert outcome.verdict == "slower"
    assert {figure.endpoint for figure in outcome.figures if figure.verdict == "slower"} - {ALL} == {
        "/search"
    }
    changes = {figure.name: figure.change for figure in outcome.figures}
    assert min(changes["/search P50"], changes["/search CPU"]) > 0.5
    assert outcome.grown[0].function.startswith("look_up")


def test_the_same_code_is_not_slower(tmp_path):
    """Is code that is the same called neither slower nor faster?"""
    assert compared(tmp_path, server(), server(), margin=5.0).verdict == "not slower"


def test_a_slower_function_is_found_by_its_benchmark(tmp_path, monkeypatch):
    """Is a function that takes thrice as long found, alone, by its micro-benchmark?"""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    head = version(HEAD, tmp_path / "project", benchmarks(60_000))
    plan = MicroPlan(
        project=head.folder,
        base=version(BASE, tmp_path / "base", benchmarks()),
        base_name="base",
        head=head,
        paths=("bench",),
        out=tmp_path / "out",
        logs=tmp_path / "logs",
        rules=Rules(margin=1.0, alpha=0.001, beta=0.1, alike={}),
        limit_s=600,
        fewest=4,
    )
    outcome = compare_benchmarks(plan).outcome
    verdicts = {figure.endpoint.rpartition(":")[2]: figure.verdict for figure in outcome.figures}
    assert outcome.verdict == "slower"
    assert (verdicts["test_work"], verdicts["test_same"]) == ("slower", "not slower")
