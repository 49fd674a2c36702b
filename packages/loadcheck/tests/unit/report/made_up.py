"""Made-up runs that look like real ones: a stall, a cache that expires, failures; an open run; a void one."""

from datetime import date, timedelta
from pathlib import Path

import msgspec
import numpy as np

from loadcheck.judge.measured import Measured
from loadcheck.judge.scenario import slowest
from loadcheck.judge.verdicts import judge
from loadcheck.model.cache_status import CacheState
from loadcheck.model.environment import Environment
from loadcheck.model.facts import ArrivalFacts, GeneratorFacts, Window
from loadcheck.model.judgement import claim
from loadcheck.model.objectives import Objective, objective
from loadcheck.model.resources import Moment, Usage
from loadcheck.model.result import Capacity, Result, Trial
from loadcheck.model.sample_file import write_samples
from loadcheck.model.samples import Label, Samples
from loadcheck.model.workload import Workload, arriving, closed
from loadcheck.report.history.measurements import (
    EndpointFigures,
    History,
    Machine,
    Measurement,
    ScenarioFigures,
)
from loadcheck.report.results_file import Record

ENDPOINTS = (
    "/api/v1/clients/",
    "/api/v1/clients/search",
    "/api/v1/clients/{service_id}/verify",
    "/api/v1/internet-plans/",
)
STATES: tuple[CacheState, ...] = ("hit", "stale", "miss")
STALL_S = (14.0, 15.0)
EXPIRY_S = 20.0
FAILING_S = (25.0, 26.0)
WARM_UP_S = 3.0
RUN_S = 33.0
EPOCH = 1_760_000_000.0

ENVIRONMENT = Environment(
    at="2026-02-03T04:05:06Z",
    commit="0123456789abcdef0123456789abcdef01234567",
    has_local_changes=True,
    python="3.11.9",
    system="Linux 6.1.0 x86_64",
    processor="Some Processor 3.0 GHz",
    cores=2,
    memory_bytes=8_000_000_000,
    load_average=(0.5, 0.4, 0.3),
    libraries={name: f"{number}.0.1" for number, name in enumerate(("locust", "numpy", "scipy", "uvicorn"))},
)
CLOSED = closed("locustfiles/bot_traffic.py:BotUser", users=50, hold_s=30.0, warm_up_s=WARM_UP_S)
OPEN = arriving("locustfiles/bot_traffic.py:BotUser", rate_per_s=150, hold_s=30.0, warm_up_s=WARM_UP_S)


def requests(rate_per_s: float, *, is_open: bool, seed: int = 1) -> Samples:
    """Requests to a server that stalls once; who comes meanwhile waits, in an open run before being sent."""
    random = np.random.default_rng(seed)
    count = int(rate_per_s * RUN_S)
    intended_s = np.sort(random.uniform(0.0, RUN_S, count))
    which = random.integers(0, len(ENDPOINTS), count)
    states = _states(intended_s, random)
    service_ms = random.lognormal(np.log(1.0 + 0.7 * which), 0.35)
    service_ms = service_ms + np.where(states == 2, random.uniform(30.0, 80.0, count), 0.0)
    stalled_s = np.where((intended_s >= STALL_S[0]) & (intended_s < STALL_S[1]), STALL_S[1] - intended_s, 0.0)
    start_s = intended_s + (stalled_s if is_open else 0.0)
    response_ms = service_ms + (0.0 if is_open else stalled_s * 1_000)
    labels, label = _labels(which, states, _outcomes(intended_s, random))
    done_s = start_s + response_ms / 1_000
    order = np.argsort(done_s)
    return Samples(
        labels=labels,
        intended_s=intended_s,
        start_s=start_s,
        first_byte_ms=response_ms * 0.8,
        response_ms=response_ms,
        done_s=done_s,
        cpu_ms=np.full(count, np.nan),
        size=random.integers(200, 4_000, count).astype(np.uint64),
        label=label,
    ).kept(order)


def _states(at_s, random):
    """0 hit, 1 stale, 2 miss: all stale for a second after the expiry, some missing after it and at first."""
    states = np.where(random.random(len(at_s)) < 0.01, 2, 0)
    states = np.where(at_s < 0.5, 2, states)
    return np.where((at_s >= EXPIRY_S) & (at_s < EXPIRY_S + 1), random.integers(1, 3, len(at_s)), states)


def _outcomes(at_s, random):
    """0 good, 1 an error, 2 a wrong answer."""
    is_failing = (at_s >= FAILING_S[0]) & (at_s < FAILING_S[1])
    return np.where(is_failing & (random.random(len(at_s)) < 0.2), random.integers(1, 3, len(at_s)), 0)


def _labels(which, states, outcomes):
    combined = which * 9 + states * 3 + outcomes
    codes, label = np.unique(combined, return_inverse=True)
    return tuple(_label(int(code)) for code in codes), label.astype(np.uint32)


def _label(code: int) -> Label:
    endpoint, state, outcome = code // 9, code // 3 % 3, code % 3
    failure = ("", "HTTP 503", "not the client that was asked for")[outcome]
    status = 503 if outcome == 1 else 200
    cache: CacheState = "" if failure else STATES[state]
    return Label("GET", ENDPOINTS[endpoint], status, failure, cache)


def generator(workload: Workload) -> GeneratorFacts:
    users = tuple((at / 2, min(50, int(at / 2 * 50))) for at in range(67))
    return GeneratorFacts(
        started_at=EPOCH,
        ended_s=RUN_S,
        judged=Window(start_s=WARM_UP_S, end_s=RUN_S, users=0 if workload.is_open else 50),
        has_spawned=True,
        cpu_share=0.31,
        own_cores=0.31,
        machine_busy_cores=0.82,
        machine_cores=2,
        lag_p95_ms=0.4,
        mean_wait_s=0.4,
        unfinished_users=0,
        users=() if workload.is_open else users,
        arrivals=ArrivalFacts(due=4_512, dropped=12, late_p95_ms=0.3) if workload.is_open else None,
    )


def moments(cores: float, megabytes: float, *, has_lag: bool) -> tuple[Moment, ...]:
    random = np.random.default_rng(3)

    def moment(at_s: float) -> Moment:
        is_stalled = STALL_S[0] <= at_s < STALL_S[1] + 0.25
        return Moment(
            at_s=at_s,
            cores=1.0 if is_stalled else cores * random.uniform(0.8, 1.2),
            memory_bytes=int((megabytes + at_s * 0.05 + (4 if at_s > EXPIRY_S else 0)) * 1e6),
            open_files=int(60 + random.integers(0, 4)),
            threads=5,
            lag_ms=(820.0 if is_stalled else random.uniform(0.2, 1.5)) if has_lag else None,
        )

    return tuple(moment(float(at_s)) for at_s in np.arange(0.1, RUN_S, 0.25))


def usage(cores: float, *, lag_max_ms: float | None = None) -> Usage:
    return Usage(
        cpu_s=cores * 30,
        cores=cores,
        peak_memory_bytes=72_000_000,
        peak_open_files=63,
        peak_threads=5,
        lag_max_ms=lag_max_ms,
    )


def played(
    scenario: str,
    samples: Samples,
    workload: Workload,
    *objectives: Objective,
    void_reasons: tuple[str, ...] = (),
) -> Result:
    facts = generator(workload)
    servers = {"gateway": moments(0.4, 60, has_lag=True), "simulator": moments(0.1, 45, has_lag=False)}
    calls = tuple((at / 2, 2.0 + (at > 40) * min(at - 40, 12)) for at in range(67))
    judged = samples.judged_from(WARM_UP_S)
    measured = Measured(
        samples=judged,
        start_s=WARM_UP_S,
        end_s=RUN_S,
        dropped=facts.arrivals.dropped if facts.arrivals else 0,
        usage=usage(0.4, lag_max_ms=820.0),
        counters={"upstream_calls": 12.0},
    )
    return Result(
        scenario=scenario,
        question="Does a bot's user wait, when fifty of them ask at once?",
        folder=scenario,
        judgements=tuple(judge(each, measured) for each in objectives),
        claims=(claim("upstream calls", 12.0, "≤", 14.0),),
        void_reasons=void_reasons,
        workload=workload,
        generator=facts,
        under_test="gateway",
        usage={"gateway": usage(0.4, lag_max_ms=820.0), "simulator": usage(0.1)},
        servers=servers,
        counters={"upstream_calls": calls},
        settings={"gateway": {"command": "uvicorn wisphub_api.app:create_app", "CACHE_TTL_S": "300"}},
        failures=judged.failed().count_by(lambda label: f"{label.method} {label.endpoint}: {label.failure}"),
        slowest=slowest(judged, servers["gateway"]),
    )


def searched() -> Result:
    """A search for the highest load; the last trial has a reason as long as they get."""
    reason = "/api/v1/clients/search 14.2 ms [12.1 ms to 16 ms] (p95 ≤ 8 ms); gateway at 0.99 cores"
    trials = (
        Trial(load=50, verdict="met", figures={"gateway cores": 0.31, "p95_ms": 3.1}),
        Trial(load=100, verdict="met", figures={"gateway cores": 0.64, "p95_ms": 4.4}),
        Trial(load=200, verdict="missed", reason=reason, figures={"gateway cores": 0.99, "p95_ms": 14.2}),
    )
    capacity = Capacity(best=100, first_failed=200, trials=trials, gave_way=reason)
    return Result(
        scenario="most_users",
        question="How many users does the gateway carry?",
        claims=(claim("capacity in users", 100, "≥", 80),),
        capacity=capacity,
    )


def calm(samples: Samples) -> Samples:
    """Leave out the stall and the failures."""
    kept = samples.succeeded()
    return kept.kept(~((kept.intended_s >= STALL_S[0]) & (kept.intended_s < STALL_S[1])))


def write_session(out: Path) -> Record:
    """Make up a session of six scenarios, with the samples of four."""
    rough = requests(120, is_open=False)
    arrived = requests(150, is_open=True, seed=2).succeeded()
    limits = [objective(endpoint, p95_ms=8) for endpoint in ENDPOINTS]
    total = objective(p95_ms=100, min_rate_per_s=60, min_hit_ratio=0.9, p99_ms=50, failure_ratio=0.001)
    results = (
        played("documented_load", rough, CLOSED, total, *limits),
        played("arrival_rate", arrived, OPEN, objective(p95_ms=10, service_p95_ms=10, dropped_ratio=0.01)),
        played(
            "ttl_expiry",
            calm(rough),
            CLOSED,
            objective(p90_ms=20, p50_ms=4, min_hit_ratio=0.9, upstream_calls=14),
        ),
        played(
            "breaking_point",
            rough,
            CLOSED,
            objective(p95_ms=5, failure_ratio=0.5),
            void_reasons=(
                "something else kept 1.0 of 2 cores busy",
                "the generator lagged (4.2 ms at P95)",
            ),
        ),
        played("cold_against_warm", calm(rough), CLOSED, objective(p99_ms=6.2)),
        searched(),
    )
    for result, samples in zip(results, (rough, arrived, calm(rough), rough), strict=False):
        (out / result.folder).mkdir(parents=True)
        write_samples(out / result.folder / "samples.bin", shifted(samples))
    return Record(environment=ENVIRONMENT, profile="short", results=results)


def shifted(samples: Samples) -> Samples:
    """Count from the epoch, as a file whose writer knows no other zero does."""
    return msgspec.structs.replace(
        samples,
        intended_s=samples.intended_s + EPOCH,
        start_s=samples.start_s + EPOCH,
        done_s=samples.done_s + EPOCH,
    )


def regressed(number: int, random: np.random.Generator) -> tuple[ScenarioFigures, ...]:
    """One night of three scenarios: the search is slower from the 38th on, CPU is saved from the 24th on."""
    found = []
    for scenario, slower in (("documented_load", 1.0), ("client_search", 1.6), ("ttl_expiry", 1.1)):
        if scenario == "ttl_expiry" and 20 <= number < 27:
            continue  # not played for a week
        if scenario == "client_search" and number in {12, 44}:
            reasons = ("something else kept 1.0 of 2 cores busy",)
            found.append(ScenarioFigures(scenario=scenario, verdict="void", void_reasons=reasons))
            continue
        endpoints = []
        for endpoint, usual_ms in zip(ENDPOINTS, (4.0, 12.0, 6.0, 2.0), strict=True):
            has_moved = scenario == "documented_load" and endpoint.endswith("search") and number >= 38
            p95_ms = slower * usual_ms * random.lognormal(0, 0.03) * (1.18 if has_moved else 1.0)
            endpoints.append(EndpointFigures(endpoint=endpoint, p95_ms=round(p95_ms, 4), failure_ratio=0.0))
        cpu_ms = slower * 2.6 * random.lognormal(0, 0.02) * (0.88 if number >= 24 else 1.0)
        found.append(
            ScenarioFigures(
                scenario=scenario,
                verdict="met",
                cpu_per_request_ms=round(cpu_ms, 4),
                endpoints=tuple(endpoints),
            )
        )
    return tuple(found)


def sixty_nights() -> History:
    """Make up sixty nights: one figure got worse, some better, a week was left out, two runs were void."""
    random = np.random.default_rng(5)
    machine = Machine(processor="Some Processor 3.0 GHz", cores=2, python="3.11.9")
    return tuple(
        Measurement(
            commit=f"{number:04}".ljust(40, "c"),
            at=f"{date(2026, 1, 3) + timedelta(days=number)}T02:10:00Z",
            has_local_changes=number == 30,
            profile="documented",
            machine=machine,
            scenarios=regressed(number, random),
        )
        for number in range(60)
    )
