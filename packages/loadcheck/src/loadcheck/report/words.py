"""Results in plain sentences."""

from collections.abc import Iterator, Sequence
from pathlib import PurePath
from typing import Final

from loadcheck.model.judgement import Check, Judgement
from loadcheck.model.objectives import Verdict, with_unit
from loadcheck.model.result import Result
from loadcheck.model.workload import Arrivals, Stage, Workload
from loadcheck.report.results_file import Record

PARTS: Final[dict[Verdict, str]] = {
    "missed": "missed an objective",
    "inconclusive": "inconclusive",
    "void": "void",
    "met": "met",
}


def overall(record: Record) -> str:
    """Say in one sentence how the session went."""
    found = [result.verdict for result in record.results]
    if not found:
        return "No scenario was played."
    if set(found) == {"met"}:
        return "Every objective was met." if len(found) > 1 else "The objective was met."
    parts = [f"{found.count(verdict)} {text}" for verdict, text in PARTS.items() if verdict in found]
    scenarios = "scenario" if len(found) == 1 else "scenarios"
    return f"Of {len(found)} {scenarios}, {', '.join(parts)}."


def title(result: Result) -> str:
    """Name a result: the scenario, and which of its runs where it played several."""
    part = PurePath(result.folder).name if len(PurePath(result.folder).parts) > 1 else ""
    attempt = f"attempt {result.attempt}" if result.attempt > 1 else ""
    return ", ".join(word for word in (result.scenario, part, attempt) if word)


def verdict_on_check(result: Result, judgement: Judgement, check: Check) -> Verdict:
    """Say what a single limit amounts to: in a void run nothing, but that failures remain failures."""
    if not result.void_reasons:
        return check.verdict
    return result.verdict_on(judgement) if check.limit.metric == "failure_ratio" else "void"


def worth_a_line(checks: Sequence[Check]) -> Sequence[Check]:
    """Leave out that nothing failed, unless that is all there is to say: the number of failures tells it."""
    notable = [check for check in checks if check.verdict != "met" or str(check.limit) != "no failures"]
    return notable or checks


def doubts(result: Result) -> Iterator[str]:
    """Say why of each objective that could not be decided, or only as far as this machine can tell."""
    for judgement in result.judgements:
        endpoint = judgement.objective.endpoint or "all requests"
        for check in judgement.checks:
            if check.reason:
                yield f"{title(result)}: {endpoint}, {check.limit}: {check.reason}"


def asked(result: Result) -> str:
    """Say which load was asked for; nothing of a result without a load of its own."""
    if result.workload is None:
        return "Requests one at a time." if result.judgements else ""
    workload = result.workload
    stages = ", then ".join(_stage(stage, workload) for stage in workload.stages)
    judged = "everything judged" if workload.judge == "all" else f"{workload.warm_up_s:g} s of warm-up"
    who = ", ".join(user.name for user in workload.users)
    workers = f", {workload.workers} generator processes" if workload.workers > 1 else ""
    kind = "Open workload" if workload.is_open else "Closed workload"
    return f"{kind}: {stages}; {judged}; {who}{workers}; seed {workload.seed}."


def shortly(result: Result) -> str:
    """Sum up a scenario by its first judgement."""
    if not result.judgements:
        return ""
    figures = result.judgements[0].figures
    p95 = "" if figures.p95_ms is None else f" · P95 {with_unit('p95_ms', figures.p95_ms)}"
    rate = f" · {with_unit('rate_per_s', figures.rate_per_s)}" if figures.rate_per_s else ""
    return f"{figures.requests:,} requests{rate}{p95} · {figures.failures:,} failed"


def _stage(stage: Stage, workload: Workload) -> str:
    if isinstance(stage, Arrivals):
        return f"{stage.rate_per_s:g} arrivals/s ({workload.spread}) for {stage.hold_s:g} s"
    return f"{stage.users:,} users ({stage.spawn_rate:g}/s) for {stage.hold_s:g} s"
