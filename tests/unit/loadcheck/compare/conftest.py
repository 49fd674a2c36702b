"""A small project with a history, whose versions differ as the tests say; and made-up comparisons."""

import math
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from msgspec.structs import replace

from loadcheck.compare.decide import Rules, Verdict
from loadcheck.compare.look import Curves
from loadcheck.compare.outcome import BASE, CONTROL, HEAD, SIDES, Judged, Outcome, Start
from loadcheck.compare.profiles import Difference
from loadcheck.record import Environment
from loadcheck.workload import closed

SERVER = '''
"""Serves what is asked, in this version's time."""

import os
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


def look_up():
    {work}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self):
        if self.path == "/search":
            look_up()
        self.send_response({status} if self.path == "/search" else 200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *told):
        pass


ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
'''
USERS = """
from locust import FastHttpUser, constant, task


class Visitor(FastHttpUser):
    wait_time = constant(0)

    @task
    def search(self):
        self.client.get("/search")

    @task
    def front(self):
        self.client.get("/")
"""
Commit = Callable[..., str]


def git(folder: Path, *arguments: str) -> str:
    settings = ("user.name=A Tester", "user.email=tester@example.org", "commit.gpgsign=false")
    command = ["git", *(word for setting in settings for word in ("-c", setting)), *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=30, check=True)
    return done.stdout.strip()


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    git(folder, "init", "--quiet", "--initial-branch=main")
    (folder / ".gitignore").write_text(".loadcheck/\n__pycache__/\n")
    (folder / "users.py").write_text(USERS)
    return folder


@pytest.fixture
def commit(project: Path) -> Commit:
    """Commit a version of the server: what its search does, and what it answers."""

    def commit(work: str = "pass", status: int = 200) -> str:
        (project / "server.py").write_text(SERVER.format(work=work, status=status))
        git(project, "add", "-A")
        git(project, "commit", "--quiet", "--allow-empty", "-m", "A version")
        return git(project, "rev-parse", "HEAD")

    return commit


CLIENTS = "/api/v1/clients/"
SEARCH = "/api/v1/clients/search"
VERIFY = "/api/v1/clients/{service_id}/verify"
BASE_COMMIT = "89abcdef0123456789abcdef0123456789abcdef"
HEAD_COMMIT = "0123456789abcdef0123456789abcdef01234567"
SHARES = tuple(np.round(1 - np.logspace(0, -3, 61), 5).tolist())
METRICS = {"P50": 1.21, "P95": 3.4, "P99": 8.87, "CPU": 0.412}
TIMES_MS = {CLIENTS: 1.0, SEARCH: 1.6, VERIFY: 0.7}

ENVIRONMENT = Environment(
    at="2026-02-03T04:05:06Z",
    commit=HEAD_COMMIT,
    has_local_changes=True,
    python="3.11.9",
    system="Linux 6.1.0 x86_64",
    processor="Some Processor 3.0 GHz",
    cores=2,
    memory_bytes=8_000_000_000,
    load_average=(0.5, 0.4, 0.3),
    libraries={"locust": "2.47.0", "uvicorn": "0.40.0"},
)


def figure(
    endpoint: str, metric: str, change: float = 0.004, verdict: Verdict = "not slower", **more: float
) -> Judged:
    """A figure that has changed by a share, give or take two percent."""
    base = METRICS[metric] * TIMES_MS.get(endpoint, 1.0)
    told = {"low": change - 0.02, "high": change + 0.02, "visible": 0.034, **more}
    head = base * (1 + change)
    return Judged(
        endpoint=endpoint, metric=metric, base=base, head=head, change=change, verdict=verdict, **told
    )


def figures(**changed: Judged) -> tuple[Judged, ...]:
    """The figures of a run in which nothing has changed but what is given."""
    steady = [figure("all requests", "CPU", -0.003)]
    steady += [
        figure(endpoint, metric, 0.002 * number)
        for endpoint in (CLIENTS, SEARCH, VERIFY)
        for number, metric in enumerate(METRICS)
    ]
    given = {each.name: each for each in changed.values()}
    return tuple(given.get(each.name, each) for each in steady)


def curves(slower: float = 1.0) -> dict[str, Curves]:
    """Response times that get longer the rarer they are; the search of head is so many times slower."""
    times = 1 / (1 - np.array(SHARES))
    return {
        endpoint: Curves(
            shares=SHARES,
            sides={
                BASE: tuple((ms * (1 + 0.9 * np.log(times))).tolist()),
                HEAD: tuple(
                    (ms * (1 + 0.9 * np.log(times) * (slower if endpoint == SEARCH else 1.003))).tolist()
                ),
            },
        )
        for endpoint, ms in TIMES_MS.items()
    }


def starts() -> tuple[Start, ...]:
    return tuple(
        Start(
            side=side,
            ready_s=0.81 + 0.03 * number,
            memory_bytes=int(61e6 + 2e5 * number),
            peak_bytes=int(72e6 + 2e5 * number),
        )
        for number in range(3)
        for side in SIDES
    )


def outcome(**found: Any) -> Outcome:
    """A comparison that found nothing, but for what is given."""
    told: dict[str, Any] = {
        "scenario": "against_base",
        "base": BASE_COMMIT,
        "base_name": "origin/main",
        "head": HEAD_COMMIT,
        "verdict": "not slower",
        "figures": figures(),
        "control": tuple(replace(each, change=0.001, low=-0.019, high=0.021) for each in figures()),
        "rules": Rules(looks=14),
        "looked_s": 58.8,
        "rounds": 4,
        "looks": 8,
        "took_s": 131.2,
        "requests": 14_203,
        "failures": {side: {} for side in SIDES},
        "starts": starts(),
        "curves": curves(),
        "workload": closed("locustfiles/bot_traffic.py:BotUser", users=50, hold_s=300.0),
        "environment": ENVIRONMENT,
    }
    return Outcome(**{**told, **found})


@pytest.fixture
def not_slower() -> Outcome:
    return outcome()


@pytest.fixture
def slower() -> Outcome:
    """The search is slower and costs more, its P99 cannot be told; verifying costs less."""
    changed = figures(
        p95=figure(SEARCH, "P95", 0.0823, "slower", low=0.0512, high=0.1138),
        p99=figure(SEARCH, "P99", 0.031, "inconclusive", low=-0.041, high=0.108, visible=0.0914),
        cpu=figure(SEARCH, "CPU", 0.412, "slower", low=0.391, high=0.434),
        verify=figure(VERIFY, "CPU", -0.0614, "faster", low=-0.0801, high=-0.0422),
    )
    grown = (
        Difference(
            function="fold (clients/text.py)", base_s=0.61, head_s=1.34, base_own_s=0.42, head_own_s=1.07
        ),
        Difference(
            function="search (clients/search.py)", base_s=1.20, head_s=1.96, base_own_s=0.31, head_own_s=0.34
        ),
    )
    return outcome(verdict="slower", figures=changed, grown=grown, curves=curves(1.09))


@pytest.fixture
def faster() -> Outcome:
    moved = figure(VERIFY, "P95", -0.0614, "faster", low=-0.0801, high=-0.0422)
    return outcome(verdict="faster", figures=figures(p95=moved))


@pytest.fixture
def inconclusive() -> Outcome:
    """Two figures cannot be told, and of one nothing is known at all."""
    changed = figures(
        p95=figure(SEARCH, "P95", 0.03, "inconclusive", low=-0.041, high=0.108, visible=0.0914),
        p99=figure(VERIFY, "P99", 0.5, "inconclusive", low=-math.inf, high=math.inf, visible=math.inf),
    )
    return outcome(verdict="inconclusive", figures=changed)


@pytest.fixture
def void() -> Outcome:
    """Base differs from itself, and head would have been called slower."""
    changed = figures(p95=figure(SEARCH, "P95", 0.0823, "slower", low=0.0512, high=0.1138))
    control = figures(p50=figure(CLIENTS, "P50", 0.0422, "slower"))
    reasons = (
        f"base differs from itself: {CLIENTS} P50 by +4.2%",
        "the load generator was short of CPU (94% of a core over the whole run)",
    )
    return outcome(verdict="void", figures=changed, control=control, void_reasons=reasons)


@pytest.fixture
def failing() -> Outcome:
    """Head fails in two ways that base does not know, in one that it does, and once by chance."""
    known = {f"GET {CLIENTS}: HTTP 503": 3}
    once = {f"GET {CLIENTS}: no answer in time": 1}
    own = {f"GET {SEARCH}: HTTP 500": 12, f"GET {VERIFY}: not the client that was asked for": 9}
    return outcome(verdict="failing", failures={BASE: known, CONTROL: {}, HEAD: {**known, **own, **once}})


@pytest.fixture
def empty() -> Outcome:
    """A comparison of which nothing is known but that it was tried."""
    return Outcome(scenario="empty", base="", base_name="origin/main", head="", verdict="inconclusive")
