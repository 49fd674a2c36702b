"""How a comparison was made and by which rules it was judged, in words."""

from collections import Counter
from collections.abc import Iterator

from loadcheck.compare.comparison import Comparison
from loadcheck.compare.decide import Rules
from loadcheck.compare.report.words import as_set, margins
from loadcheck.model.workload import Arrivals, Stage, Workload

SHORT_S = 120


def how_it_was_run(outcome: Comparison) -> Iterator[tuple[str, str]]:
    """Yield what was compared, under which load, and for how long."""
    where = outcome.environment
    yield "Base", f"{outcome.base_name}, commit {outcome.base}"
    yield "Head", outcome.head + (", with local changes" if where and where.has_local_changes else "")
    if outcome.workload:
        yield "Workload", load(outcome.workload)
    yield "Sides", "base, base once more and head, asked the same requests back to back"
    if outcome.looks:
        rounds = f"{duration(outcome.looked_s)} in {outcome.rounds} rounds of fresh processes"
        looks = f"looked at {outcome.looks} of at most {outcome.rules.looks} times"
        yield "Judged", f"{rounds}, {outcome.requests:,} successes of head's; {looks}"
    if outcome.disturbed:
        counts = Counter(outcome.disturbed)
        reasons = (reason if count == 1 else f"{reason} ({count} times)" for reason, count in counts.items())
        yield "Left out", f"rounds that were disturbed: {'; '.join(reasons)}"
    yield "Took", f"{duration(outcome.took_s)}, starts included"


def rules_in_words(rules: Rules) -> Iterator[tuple[str, str]]:
    """Yield what each verdict promises."""
    alpha, beta = as_set(rules.alpha), as_set(rules.beta)
    yield (
        "Slower, faster",
        f"false alarms in at most {alpha} of runs each, over all figures and looks of a run",
    )
    yield (
        "Not slower",
        f"{margins(rules)}: more would be overlooked in at most {beta} of runs",
    )
    yield "Inconclusive", "neither can be said: the run was too short, or the machine too noisy"
    yield (
        "Void",
        "base differs from itself, the machine was busy or the project changed: nothing is said of head",
    )
    yield "Failing", "head fails more often than base, whatever its speed"
    yield (
        "No change",
        "what two processes of one program differ by for as long as they live: "
        + ", ".join(f"{metric} {as_set(share)}" for metric, share in rules.alike.items())
        + " (standard deviation)",
    )


def load(workload: Workload) -> str:
    """Return the load as text, without its length, which the verdict decides."""
    stages = ", then ".join(_stage(stage, workload) for stage in workload.stages)
    who = ", ".join(user.name for user in workload.users)
    return f"{stages}; {who}; seed {workload.seed}"


def duration(seconds: float) -> str:
    """Write a time in seconds, a long one in minutes."""
    if seconds < SHORT_S:
        return f"{seconds:.3g} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s"


def _stage(stage: Stage, workload: Workload) -> str:
    if isinstance(stage, Arrivals):
        return f"{stage.rate_per_s:g} arrivals/s ({workload.spread})"
    return f"{stage.users:,} users ({stage.spawn_rate:g}/s)"
