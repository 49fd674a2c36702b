"""How far equal code differs from itself: what the margin of `make bench-compare` is taken from.

Each round measures this commit twice, in fresh processes, of which one runs a checkout beside it, as base is.
Rounds that were played before count, too. Run, with nothing uncommitted: python tests/perf/micro/noise.py 20
"""

import json
import math
import random
import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import count
from pathlib import Path

import numpy as np
from scipy import stats

from loadcheck.compare.base import check_out, head
from loadcheck.compare.micro_round import Plan, play_round
from loadcheck.compare.micro_table import short

KEPT = Path("perf-results/noise")
CHANCE = 0.01
"""That of equal code to exceed its margin with any benchmark."""
FIGURES = ("min", "median")

Ratios = Mapping[str, Sequence[float]]
"""Logarithms of head to base, a round each, by benchmark."""


def play(rounds: int) -> None:
    project = Path.cwd()
    plan = Plan(
        project=project,
        base=check_out(project, "HEAD"),
        base_name="HEAD",
        head=head(project),
        paths=("tests/perf/micro",),
        out=KEPT,
        logs=KEPT.resolve(),
    )
    free = (number for number in count(1) if not (KEPT / f"{number}-head").exists())
    for number in (next(free) for _ in range(rounds)):
        play_round(plan, number, random.Random(number))  # noqa: S311  # an order


def read(figure: str) -> Ratios:
    found: dict[str, list[float]] = defaultdict(list)
    for head_file in KEPT.glob("*-head/benchmark.json"):
        base_file = KEPT / head_file.parent.name.replace("head", "base") / head_file.name
        if base_file.exists():
            base, own = (figures(file, figure) for file in (base_file, head_file))
            for name in base.keys() & own.keys():
                found[name].append(math.log(own[name] / base[name]))
    return found


def figures(file: Path, figure: str) -> dict[str, float]:
    return {
        bench["fullname"]: bench["stats"][figure] for bench in json.loads(file.read_bytes())["benchmarks"]
    }


def spread(ratios: Sequence[float]) -> float:
    """Return the standard deviation of ratios that are 1 but for noise, as a logarithm."""
    return float(np.sqrt(np.mean(np.square(ratios))))


def margin(ratios: Sequence[float], benchmarks: int) -> float:
    """Return what this benchmark exceeds with a chance of its part of `CHANCE`, as a share."""
    return math.expm1(float(stats.t.isf(CHANCE / benchmarks, len(ratios))) * spread(ratios))


def cells(ratios: Sequence[float], benchmarks: int) -> str:
    largest = math.expm1(np.abs(ratios).max())
    return f"{spread(ratios):.1%} | {largest:.1%} | {margin(ratios, benchmarks):.0%}"


def main() -> None:
    """Play as many rounds as are asked for, then print the table."""
    play(int(sys.argv[1]))
    of = {figure: read(figure) for figure in FIGURES}
    known = sorted(of["median"])
    told = [f"{figure}: spread | largest | margin" for figure in FIGURES]
    lines = [" | ".join(["benchmark", "rounds", *told])]
    for name in known:
        row = [cells(of[figure][name], len(known)) for figure in FIGURES]
        lines.append(" | ".join([short(name), str(len(of["median"][name])), *row]))
    for figure in FIGURES:
        spreads = [spread(ratios) for ratios in of[figure].values()]
        widest = max(margin(ratios, len(known)) for ratios in of[figure].values())
        lines.append(f"{figure}: typical spread {np.median(spreads):.1%}; widest margin {widest:.0%}")
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
