"""What the campaign has seen so far, kept run by run, and what it comes to."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import cycle
from pathlib import Path
from statistics import median
from typing import Self

import msgspec
from msgspec import Struct
from scipy import stats

from benchmarks.campaign.cases import Case
from loadcheck.compare.comparison import Comparison, Conclusion


class Run(Struct, frozen=True, kw_only=True):
    """One comparison: what the judge was shown, and what it said.

    `changes` are those that were measured, as shares, by figure, and `control` those of base against itself;
    `p95_ms` is each endpoint's P95 unslowed.
    """

    case: Case
    verdict: Conclusion
    slower: tuple[str, ...]
    void_reasons: tuple[str, ...]
    looked_s: float
    took_s: float
    commit: str
    p95_ms: dict[str, float]
    changes: dict[str, float]
    control: dict[str, float]

    @classmethod
    def of(cls, case: Case, outcome: Comparison) -> Self:
        """Keep of an outcome what counts."""
        tails = [figure for figure in outcome.figures if figure.metric == "P95"]
        return cls(
            case=case,
            verdict=outcome.verdict,
            slower=tuple(figure.name for figure in outcome.figures if figure.verdict == "slower"),
            void_reasons=outcome.void_reasons,
            looked_s=round(outcome.looked_s, 1),
            took_s=round(outcome.took_s, 1),
            commit=outcome.head,
            p95_ms={figure.endpoint: round(figure.base, 4) for figure in tails},
            changes={figure.name: round(figure.change, 4) for figure in outcome.figures},
            control={figure.name: round(figure.change, 4) for figure in outcome.control},
        )

    def line(self) -> str:
        """Tell it in a line."""
        told = ", ".join(self.slower or self.void_reasons)
        return f"{self.case.name}: {self.verdict} after {self.looked_s:.0f} s{f' ({told})' if told else ''}"


class Campaign:
    """The runs so far, in a file of JSON lines that grows with each."""

    def __init__(self, path: Path, runs: Iterable[Run]) -> None:
        self.runs = list(runs)
        self._path = path

    @property
    def p95_ms(self) -> dict[str, float]:
        """Each endpoint's P95 unslowed: the median of all runs, of which the first is without a slowdown."""
        endpoints = {endpoint for run in self.runs for endpoint in run.p95_ms}
        return {
            endpoint: median(run.p95_ms[endpoint] for run in self.runs if endpoint in run.p95_ms)
            for endpoint in endpoints
        }

    def add(self, run: Run) -> None:
        """Keep a run."""
        self.runs.append(run)
        with self._path.open("ab") as file:
            file.write(msgspec.json.encode(run) + b"\n")

    def order(self, cases: Sequence[Case], identical: int) -> Iterator[Case]:
        """Give what to run next, for ever: runs without a change, then the case that was run least."""
        counts = {case: sum(run.case == case for run in self.runs) for case in cases}
        yield from (Case() for _ in range(identical))
        for _ in cycle((None,)):
            case = min(counts, key=lambda each: counts[each])
            counts[case] += 1
            yield case
            yield from (Case() for _ in range(identical))


def read_campaign(path: Path) -> Campaign:
    """Read what there is; a last line that was broken off is left out, and its run made again."""
    lines = path.read_bytes().splitlines() if path.exists() else []
    path.parent.mkdir(parents=True, exist_ok=True)
    whole = [msgspec.json.decode(line, type=Run) for line in lines if line.endswith(b"}")]
    path.write_bytes(b"".join(msgspec.json.encode(run) + b"\n" for run in whole))
    return Campaign(path, whole)


HEAD = (
    "shown",
    "runs",
    "slower",
    "95 % interval",
    "not slower",
    "inconclusive",
    "void",
    "median s",
    "longest s",
)


def table(runs: Sequence[Run]) -> str:
    """Sum up, as Markdown: how often each case was called what, and how long that took."""
    cases = sorted({run.case for run in runs}, key=lambda case: (case.percent, case.kind, case.where))
    rows = [_row(case, [run for run in runs if run.case == case]) for case in cases]
    lines = (HEAD, ["---"] * len(HEAD), *rows)
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _row(case: Case, runs: Sequence[Run]) -> list[str]:
    counts = {
        verdict: sum(run.verdict == verdict for run in runs) for verdict in ("slower", "inconclusive", "void")
    }
    good = sum(run.verdict in {"not slower", "faster"} for run in runs)
    judged = len(runs) - counts["void"]
    took = [run.took_s for run in runs]
    return [
        case.name,
        str(len(runs)),
        str(counts["slower"]),
        share_interval(counts["slower"], judged),
        str(good),
        str(counts["inconclusive"]),
        str(counts["void"]),
        f"{median(took):.0f}",
        f"{max(took):.0f}",
    ]


def share_interval(hits: int, count: int) -> str:
    """Bound a share with 95 % confidence (Clopper & Pearson 1934), in percent."""
    if not count:
        return ""
    found = stats.binomtest(hits, count).proportion_ci()
    return f"{100 * found.low:.1f} to {100 * found.high:.1f} %"
