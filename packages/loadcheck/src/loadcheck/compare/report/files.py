"""Every file of a session's comparisons."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from loadcheck.compare.comparison import Comparison
from loadcheck.compare.report.page import write_page
from loadcheck.judge.scenario import Scenario
from loadcheck.report.gitlab import labelled
from loadcheck.report.schema import allow_null, schema_of, text_of

SCHEMA_VERSION: Final = 1


class Comparisons(Struct, frozen=True, kw_only=True):
    """What a session compared.

    `schema_version` grows when older readers can no longer read the file. What is unbounded is null in it.
    """

    outcomes: tuple[Comparison, ...]
    schema_version: int = SCHEMA_VERSION


def write_comparisons(out: Path, outcomes: Sequence[Comparison]) -> None:
    """Write `compare.json` and `metrics.txt` into `out`, and into each scenario's folder its page.

    There is no `load-performance.json`. GitLab holds the merge request's against the one that a pipeline of
    the target branch left: milliseconds of another machine at another time, which is what a comparison of two
    sides in one run avoids; and nothing in k6's summary can say "as before". The load tests write it.
    """
    out.mkdir(parents=True, exist_ok=True)
    (out / "compare.json").write_bytes(encode(outcomes))
    (out / "metrics.txt").write_text(comparison_metrics(outcomes), encoding="utf-8")
    for place, outcome in zip(_places(out, outcomes), outcomes, strict=True):
        place.parent.mkdir(parents=True, exist_ok=True)
        write_page(place, outcome)


def encode(outcomes: Iterable[Comparison]) -> bytes:
    """Write comparisons as JSON."""
    return msgspec.json.format(msgspec.json.encode(Comparisons(outcomes=tuple(outcomes)))) + b"\n"


def schema() -> str:
    """Describe `compare.json` as a JSON Schema, as it is published."""
    found = schema_of(Comparisons, SCHEMA_VERSION)
    allow_null(found["$defs"]["Judged"], "low", "high", "visible")
    return text_of(found)


def comparison_metrics(outcomes: Iterable[Comparison]) -> str:
    """Return head's figures in percent of base's, as OpenMetrics lines: 100 where they differ by mere noise.

    GitLab shows every value that is not, letter by letter, the target branch's. Milliseconds never are, not
    even base's own: each pipeline measures them anew. In percent of base, what has not changed is 100 in all
    of them. Void comparisons are left out.
    """
    samples = dict(sample for outcome in outcomes if not outcome.void_reasons for sample in _samples(outcome))
    return "\n".join([*(f"{name} {value:.12g}" for name, value in sorted(samples.items())), "# EOF"]) + "\n"


def comparison_properties(outcome: Comparison) -> list[tuple[str, object]]:
    """Return what JUnit's file tells beside a test: the verdict, then each figure's change as a share."""
    void = (("void", reason) for reason in outcome.void_reasons)
    changes = ((f"{figure.name} change", round(figure.change, 4)) for figure in outcome.figures)
    return [("verdict", outcome.verdict), *void, *changes]


def _samples(outcome: Comparison) -> Iterator[tuple[str, float]]:
    for figure in outcome.figures:
        labels = {"scenario": outcome.scenario, "endpoint": figure.endpoint, "metric": figure.metric}
        has_moved = figure.verdict in {"slower", "faster"}
        yield (
            f"loadcheck_percent_of_base{labelled(labels)}",
            round(100 * (1 + figure.change), 1) if has_moved else 100,
        )


def _places(out: Path, outcomes: Sequence[Comparison]) -> Iterator[Path]:
    """Name a page for each; the second of a scenario is numbered."""
    seen: Counter[str] = Counter()
    for outcome in outcomes:
        folder = Scenario(name=outcome.scenario).folder
        seen[folder] += 1
        number = f"-{seen[folder]}" if seen[folder] > 1 else ""
        yield out / folder / f"compare{number}.html"
