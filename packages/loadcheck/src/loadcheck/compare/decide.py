"""Slower, faster, not slower, or inconclusive: many figures, looked at many times.

A figure is slower (or faster) where chance alone would hardly ever show as much. How hardly: a run may be
looked at `looks` times, and shows many figures; the chance that any of them is ever called slower without
being so is at most `alpha`. Each look spends an equal part of it (Bonferroni's inequality: as `looks` is
fixed beforehand, stopping at any of them costs nothing more), and within a look Holm's procedure shares it
out ("A Simple Sequentially Rejective Multiple Test Procedure", Scandinavian Journal of Statistics 6 (1979)).

Where the rounds of a run differ by more than processes are known to, that counts against "slower": one round
in which something befell head alone is no proof. It does not count against "not slower": it would take a run
of hours to outweigh it.

A run is not slower where each figure that decides is shown to lie below its margin, which needs no such
correction: all have to (Berger, "Multiparameter Hypothesis Testing and Acceptance Sampling", Technometrics 24
(1982)).
"""

import math
from collections.abc import Mapping, Sequence
from typing import Final, Literal

from msgspec import Struct, field

from loadcheck.compare.shift import Shift

ChangeVerdict = Literal["slower", "faster", "not slower", "inconclusive"]

MARGINS: Final[Mapping[str, float]] = {"P50": 1.0, "P95": 2.0, "P99": 4.0, "CPU": 1.0}
"""The margin of each metric in margins: the further out a percentile, the fewer answers tell of it."""
ALIKE: Final[Mapping[str, float]] = {"P50": 0.01, "P95": 0.015, "P99": 0.05, "CPU": 0.02}
"""What two processes of one program were found to differ by, as a standard deviation (docs/comparing.md)."""
DECIDING: Final = frozenset({"P50", "P95", "CPU"})
"""What a run goes on for: to bound P99 takes hours. It can be slower, but nobody waits for it not to be."""


class Rules(Struct, frozen=True, kw_only=True):
    """What is decided, and how surely.

    `margin` is the share by which head may be slower without anybody caring. `alpha` is the chance of a false
    alarm in a whole run, `beta` that of overlooking a figure that is slower by its margin, where the run says
    "not slower". `alike` is, by metric, the standard deviation of the share by which two processes of one
    program differ for as long as they live. A run is looked at `looks` times at most.
    """

    margin: float = 0.05
    alpha: float = 0.01
    beta: float = 0.05
    alike: Mapping[str, float] = field(default_factory=lambda: ALIKE)
    looks: int = 1

    def margin_of(self, metric: str) -> float:
        """Return a metric's margin."""
        return self.margin * MARGINS[metric]


def decide(shifts: Sequence[tuple[str, Shift]], rules: Rules) -> list[ChangeVerdict]:
    """Judge all figures of one look together, each as its metric and its shift."""
    alpha = rules.alpha / rules.looks
    slower = holm([shift.p_more() for _, shift in shifts], alpha)
    faster = holm([shift.p_less() for _, shift in shifts], alpha)
    return [
        "slower" if is_slower else "faster" if is_faster else _otherwise(metric, shift, rules)
        for (metric, shift), is_slower, is_faster in zip(shifts, slower, faster, strict=True)
    ]


def _otherwise(metric: str, shift: Shift, rules: Rules) -> ChangeVerdict:
    is_below = (shift.steady or shift).bound(rules.beta / rules.looks) < math.log1p(rules.margin_of(metric))
    return "not slower" if is_below else "inconclusive"


def holm(p_values: Sequence[float], alpha: float) -> list[bool]:
    """Return what is rejected, so that anything is rejected wrongly with a chance of at most `alpha`."""
    rejected = [False] * len(p_values)
    for rank, number in enumerate(sorted(range(len(p_values)), key=lambda each: p_values[each])):
        if p_values[number] > alpha / (len(p_values) - rank):
            break
        rejected[number] = True
    return rejected


def smallest_visible(shift: Shift, rules: Rules, figures: int) -> float:
    """Return the rise, as a share, that four runs in five like this one would have called slower."""
    return shift.visible(rules.alpha / rules.looks / figures)


def overall(found: Sequence[tuple[str, ChangeVerdict]]) -> ChangeVerdict:
    """Return what all figures come to, each as its metric and its verdict.

    One that is slower is enough; faster, one that is and none that is slower.
    """
    verdicts = {verdict for _, verdict in found}
    if "slower" in verdicts:
        return "slower"
    deciding = {verdict for metric, verdict in found if metric in DECIDING}
    if "inconclusive" in deciding or not deciding:
        return "inconclusive"
    return "faster" if "faster" in verdicts else "not slower"
