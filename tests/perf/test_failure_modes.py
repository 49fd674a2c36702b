"""What do users see while WispHub Net hangs, fails, limits, hangs up, tells half, comes and goes, or is gone?
And when a worker is killed, or all are replaced in turn?

50 users ask a service of two workers whose caches are full and whose TTL is a second. Their requests are all
answered from memory: none may fail, and the P95 may be 1.5 times that of a calm run of the same service,
which is played first (twice while workers are replaced, in the short profile: starting them takes the cores).
What an echo server takes longer than in the calm run is the machine's, and is let pass, as is the 0.3 ms to
which the harness is held. Beside them a few callers ask for what cannot be cached: each is told in time
that it cannot be had. WispHub Net is never asked more than its budget allows, and once it is well again, new
answers come without a restart:
after one refresh interval and the five seconds, at most, until it is looked at again.

When a worker is killed, each user may lose the one request that was under way or comes next on a broken
connection, and nothing after it. When the workers are replaced in turn nobody loses any.
"""

from __future__ import annotations

import math
import signal
import threading
import time
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from loadcheck import UserClass, claim, closed, objective
from loadcheck.judge.intervals import percentile, percentile_interval
from loadcheck.judge.measured import measured_in
from loadcheck.model.judgement import Check, Interval
from loadcheck.model.objectives import Limit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.perf.conftest import Stand, Uncached, Upstream

    from loadcheck.fixtures.load import LoadTest
    from loadcheck.run.generator import Run
    from loadcheck.run.server import Server

pytestmark = pytest.mark.perf

HASTY = UserClass(locustfile="locustfiles/bot_traffic.py", name="WispHubAPIUser", wait_s=(0.4, 1.2))
USERS = 50
WORKERS = 2
TTL_S = 1
CALL_TIMEOUT_S = 1
CALLS_AT_ONCE = 4
CALLS_PER_S = 40
PROBE_EVERY_S = 5
MANY = 1_000
"""A ticket of which nobody knows whether it was opened counts to its zone's limit."""
HEALED_WITHIN_S = TTL_S + PROBE_EVERY_S + 3 * CALL_TIMEOUT_S
"""The last term is for a load that had begun before: its tries end with their calls' time-outs."""
RELIEVED_WITHIN_S = 15
TIMES_CALM = 1.5
RESOLUTION_MS = 0.3
FAULTS: dict[str, dict[str, Any]] = {
    "hanging": {"kind": "hang"},
    "failing": {"kind": "status", "status": 500},
    "limiting": {"kind": "status", "status": 429, "retry_after_s": 1},
    "hanging_up": {"kind": "drop"},
    "truncating": {"kind": "truncate"},
}
CAN_BE_DONE = ("truncating",)
"""An update is known by its status alone: of its answer nothing can be missing."""
SHORT = ("hanging", "failing")
"""The others take their turn in the longer profiles: the short one ends within five minutes."""


class Site:
    """A warm service of two workers and its upstream; the load that all these tests play."""

    def __init__(self, stand: Stand) -> None:
        self._stand = stand
        self._calm: Run | None = None
        self.upstream = stand.upstream(latency_ms=50)
        self.service = stand.service(
            self.upstream,
            workers=WORKERS,
            wisphub_api_clients_ttl=TTL_S,
            wisphub_api_plans_ttl=TTL_S,
            wisphub_net_timeout=CALL_TIMEOUT_S,
            wisphub_net_concurrency=CALLS_AT_ONCE,
            wisphub_net_rate=CALLS_PER_S,
            max_active_tickets_per_zone=MANY,
        )

    def play(self, load: LoadTest, *, hold_s: float, part: str = "") -> Run:
        """Let the users ask; only cached routes."""
        return load.play(
            closed(HASTY, users=USERS, hold_s=hold_s, warm_up_s=1.5 * TTL_S),
            self.service,
            beside=() if self.upstream.server.exit_code is not None else (self.upstream.server,),
            env=self._stand.consumer_env,
            part=part,
        )

    def calm(self, load: LoadTest) -> Run:
        """How it does while nothing is wrong: played once, and anew where that was void or too short."""
        if self._calm is None or load.judge(self._calm, objective()).void_reasons:
            self._calm = self.play(load, hold_s=load.pick(short=20, documented=30), part="calm")
            load.judge(self._calm, objective())
        return self._calm

    def as_calm(self, run: Run, at_most: float = TIMES_CALM) -> Check:
        """Hold the P95 against the calm run's: met or missed when the whole interval of their ratio says so.

        Where it does not, the repetition begins with a calm run of its own.
        """
        assert self._calm is not None
        now_ms, calm_ms = (measured_in(each).machine_share_ms("p95_ms") for each in (run, self._calm))
        figure, found = ratio(p95(run), p95(self._calm), RESOLUTION_MS + max(now_ms - calm_ms, 0))
        limit = Limit("p95_over_calm", "≤", at_most)
        if found.high <= limit.limit:
            return Check(limit=limit, figure=figure, interval=found, verdict="met")
        if found.low > limit.limit:
            return Check(limit=limit, figure=figure, interval=found, verdict="missed")
        self._calm = None
        reason = "the two runs differ too much within themselves: longer ones tell more"
        return Check(limit=limit, figure=figure, interval=found, verdict="inconclusive", reason=reason)

    @contextmanager
    def without_upstream(self) -> Iterator[None]:
        """Nobody listens there; afterwards somebody does again."""
        self.upstream.server.stop()
        try:
            yield
        finally:
            self.upstream = self._stand.upstream(latency_ms=50, port=self.upstream.server.port)

    def seconds_until_loaded(self) -> float:
        """How long the service goes on answering with what it had.

        Age counts from a load's beginning, also where its first tries failed: what is new may be stale.
        """
        start, before_s = time.monotonic(), self._age_s()
        while self._age_s() >= before_s and time.monotonic() - start < 2 * HEALED_WITHIN_S:
            time.sleep(0.05)
        return time.monotonic() - start

    def _age_s(self) -> int:
        with closing(self.service.connect()) as connection:
            connection.request("GET", "/api/v1/clients/by-service-id/7", headers=self._stand.consumer_headers)
            return int(connection.getresponse().headers["Age"])


@pytest.fixture(scope="module")
def site(shared_stand: Stand) -> Site:
    return Site(shared_stand)


def test_calm(load: LoadTest, site: Site) -> None:
    site.upstream.forget_calls()
    run = site.calm(load)
    load.check(run, objective(p95_ms=50, max_ms=500, min_hit_ratio=1), claims=within_budget(site.upstream))


@pytest.mark.parametrize("mode", FAULTS)
def test_upstream(load: LoadTest, site: Site, uncached: Uncached, mode: str) -> None:
    if load.profile == "short" and mode not in SHORT:
        pytest.skip("left to the longer profiles: the short one ends within five minutes")
    site.calm(load)
    site.upstream.forget_calls()
    site.upstream.fail(**FAULTS[mode])
    with uncached.asking(site.service):
        run = site.play(load, hold_s=load.pick(short=4, documented=30, stress=120))
    site.upstream.heal()
    load.check(
        run,
        objective(max_ms=500, min_stale_ratio=1),
        claims=(
            site.as_calm(run),
            *uncached.claims(done=mode in CAN_BE_DONE),
            *healed(site),
            *within_budget(site.upstream),
        ),
    )


def test_upstream_down(load: LoadTest, site: Site, uncached: Uncached) -> None:
    site.calm(load)
    with site.without_upstream(), uncached.asking(site.service):
        run = site.play(load, hold_s=load.pick(short=6, documented=120))
    load.check(
        run,
        objective(max_ms=500, min_stale_ratio=1),
        claims=(site.as_calm(run), *uncached.claims(), *healed(site), *within_budget(site.upstream)),
    )


def test_upstream_flapping(load: LoadTest, site: Site) -> None:
    if load.profile == "short":
        pytest.skip("left to the longer profiles: the short one ends within five minutes")
    site.calm(load)
    site.upstream.forget_calls()
    with flapping(site.upstream, every_s=3):
        run = site.play(load, hold_s=load.pick(short=8, documented=30, stress=120))
    load.check(
        run,
        objective(max_ms=500, min_hit_ratio=1),
        claims=(site.as_calm(run), *healed(site), *within_budget(site.upstream)),
    )


def test_worker_killed(load: LoadTest, site: Site) -> None:
    site.calm(load)
    site.upstream.forget_calls()
    with at(4, workers_of(site.service)[0].kill) as done_at:
        run = site.play(load, hold_s=load.pick(short=24, documented=30, stress=120))
    lost = run.samples.failed()
    later = lost.start_s + run.facts.started_at > done_at[0] + 1
    load.check(
        run,
        objective(max_ms=2_000, failure_ratio=0.5),
        claims=(
            site.as_calm(run),
            claim("requests lost", len(lost), "≤", USERS),
            claim("requests lost 1 s after the kill", int(later.sum()), "=", 0),
            claim("answers that waited", waited(run), "=", 0),
            claim("workers at the end", len(workers_of(site.service)), "=", WORKERS),
            *within_budget(site.upstream),
        ),
    )


def test_rolling_restart(load: LoadTest, site: Site) -> None:
    site.calm(load)
    site.upstream.forget_calls()
    before = set(workers_of(site.service))
    with at(4, lambda: psutil.Process(site.service.pid).send_signal(signal.SIGHUP)):
        run = site.play(load, hold_s=load.pick(short=28, documented=30, stress=120))
    after = workers_when_gone(before, site.service)
    load.check(
        run,
        objective(max_ms=2_000),
        claims=(
            site.as_calm(run, load.pick(short=2, documented=TIMES_CALM)),
            claim("new workers", len(after - before), "=", WORKERS),
            claim("old workers", len(after & before), "=", 0),
            claim("answers that waited", waited(run), "=", 0),
            *within_budget(site.upstream),
        ),
    )


def p95(run: Run) -> tuple[float, Interval]:
    good = run.judged.succeeded()
    estimate = percentile(good.latency_ms, 0.95) or math.inf
    return estimate, percentile_interval(good.latency_ms, good.done_s, 0.95)


def ratio(
    over: tuple[float, Interval], under: tuple[float, Interval], let_pass_ms: float
) -> tuple[float, Interval]:
    """Bound the ratio of two figures by their intervals, on a scale of logarithms; some of one is let pass.

    Zou & Donner, "Construction of confidence limits about effect measures", Statistics in Medicine 27 (2008).
    """
    (top, top_in), (bottom, bottom_in) = over, under
    top, top_low, top_high = (
        max(value - let_pass_ms, RESOLUTION_MS) for value in (top, top_in.low, top_in.high)
    )
    down = math.hypot(math.log(top / top_low), math.log(bottom_in.high / bottom))
    up = math.hypot(math.log(top_high / top), math.log(bottom / max(bottom_in.low, RESOLUTION_MS)))
    return top / bottom, Interval(top / bottom * math.exp(-down), top / bottom * math.exp(up))


def within_budget(upstream: Upstream) -> tuple[Check, ...]:
    """Was WispHub Net asked no more than it may be? Calls that leave evenly may arrive a little closer."""
    stats = upstream.stats()
    return (
        claim("calls at once", stats["peak_in_flight"], "≤", CALLS_AT_ONCE),
        claim("calls in a second", stats["peak_per_s"], "≤", CALLS_PER_S + WORKERS),
    )


def healed(site: Site) -> tuple[Check, ...]:
    return (claim("loaded anew after seconds", site.seconds_until_loaded(), "≤", HEALED_WITHIN_S),)


def waited(run: Run) -> int:
    """How many answers were not in memory."""
    return run.judged.count_by(lambda label: label.cache).get("miss", 0)


@contextmanager
def flapping(upstream: Upstream, *, every_s: float) -> Iterator[None]:
    """Let WispHub Net come and go while the context is open."""
    is_over = threading.Event()

    def flap() -> None:
        while True:
            upstream.fail(**FAULTS["hanging_up"])
            if is_over.wait(every_s):
                return
            upstream.heal()
            if is_over.wait(every_s):
                return

    thread = threading.Thread(target=flap)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()
        upstream.heal()


@contextmanager
def at(after_s: float, act: Callable[[], None]) -> Iterator[list[float]]:
    """Do something in so many seconds; gives when it was done, in seconds since the epoch."""
    done_at: list[float] = []

    def act_and_note() -> None:
        act()
        done_at.append(time.time())

    timer = threading.Timer(after_s, act_and_note)
    timer.start()
    try:
        yield done_at
    finally:
        timer.join()


def workers_of(service: Server) -> list[psutil.Process]:
    children = psutil.Process(service.pid).children()
    return [child for child in children if any("spawn_main" in word for word in child.cmdline())]


def workers_when_gone(before: set[psutil.Process], service: Server) -> set[psutil.Process]:
    """The workers once none is left of those before; when that takes too long, those there are."""
    deadline = time.monotonic() + RELIEVED_WITHIN_S
    while before & set(workers_of(service)) and time.monotonic() < deadline:
        time.sleep(0.1)
    return set(workers_of(service))
