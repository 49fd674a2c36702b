"""Are the harness' own figures right? Held against a server whose every response time is scripted.

P50, P95 and P99 must be within 2 % or 0.3 ms of the script, whether users wait for their answers (closed) or
arrive at a rate of their own (open), and what an echo server beside it takes at the same percentile:
what the wake-ups of this machine cost is no error of the harness, as users feel it too. And when the server
stalls for a second while users keep arriving, their latency must show it, though its service time, that of
those who got in, does not.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from loadcheck import Workload, arriving, claim, closed, objective
from loadcheck.judge.intervals import percentile
from loadcheck.judge.measured import measured_in
from loadcheck.run.server import Program

if TYPE_CHECKING:
    from loadcheck.fixtures.load import LoadTest
    from loadcheck.model.judgement import Check
    from loadcheck.run.generator import Run

pytestmark = pytest.mark.perf

HERE = Path(__file__).parent / "known"
CALLER = str(HERE / "scripted_users.py:Caller")
TOLERANCE_MS = 0.3
TOLERANCE_RATIO = 0.02


def scripted(*options: str) -> Program:
    command = (sys.executable, str(HERE / "scripted_server.py"), "{port}", *options)
    return Program(name="scripted", command=command, ready_path="/truth")


@pytest.mark.parametrize("kind", ["closed", "open"])
def test_scripted(load: LoadTest, kind: str) -> None:
    hold_s = load.pick(short=4.5, documented=60)
    workloads: dict[str, Workload] = {
        "closed": closed(CALLER, users=16, hold_s=hold_s, warm_up_s=0.5),
        "open": arriving(CALLER, rate_per_s=150, hold_s=hold_s, warm_up_s=0.5),
    }
    server = load.serve(scripted())
    run = load.play(workloads[kind], server)
    truth = json.loads(server.get("/truth")[1])
    load.check(run, objective(), claims=(*near(run, truth),))


def near(run: Run, truth: list[tuple[float, float]]) -> list[Check]:
    """Hold what was measured against what the server did in the same stretch."""
    judged_from = run.facts.started_at + run.facts.judged.start_s
    true_ms = np.array([wanted_ms for done_at, wanted_ms in truth if done_at >= judged_from])
    claims = []
    for percent in (50, 95, 99):
        true = percentile(true_ms, percent / 100) or 0.0
        measured = percentile(run.judged.latency_ms, percent / 100) or 0.0
        machine_ms = measured_in(run).machine_share_ms(f"p{percent}_ms")
        error = abs(measured - true) / (max(TOLERANCE_MS, TOLERANCE_RATIO * true) + machine_ms)
        claims.append(claim(f"P{percent} error by its tolerance", error, "≤", 1))
    return claims


def test_stall(load: LoadTest) -> None:
    server = load.serve(scripted("--fixed-ms=5", "--stall-at=2.5"))
    run = load.play(arriving(CALLER, rate_per_s=100, hold_s=5, max_in_flight=4, warm_up_s=0.5), server)
    judged = run.judged
    load.check(
        run,
        objective(),
        claims=(
            claim("P99 from the intended start", percentile(judged.latency_ms, 0.99) or 0, "≥", 800),
            claim("P99 of the service time", percentile(judged.response_ms, 0.99) or 0, "≤", 50),
            claim("stalled requests that got in", int((judged.response_ms > 500).sum()), "≤", 4),
        ),
    )
