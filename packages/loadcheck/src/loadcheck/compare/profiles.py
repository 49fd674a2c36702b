"""Where the time went: both sides profiled by py-spy under the same load, function by function.

Where CPU time grew, samples of what holds the interpreter's lock are taken: with several threads, all others
wait for it. Where it did not, waiting made head slower: then samples of all that waits are taken, too.
"""

import math
import re
import shutil
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

from msgspec import Struct

from loadcheck.run.process import ChildProcess
from loadcheck.run.sides import Side

RATE: Final = 1_000
GRACE_S: Final = 20.0
FRAME: Final = re.compile(r"^(?P<function>.*) \((?P<file>[^()]*?)(?::\d+)?\)$")
ANONYMOUS: Final = re.compile(r"(\.<locals>\.<\w+>)+$")
MOST: Final = 10
NOISE: Final = 3.0
"""Counts of samples differ by chance: less than so many standard deviations (Poisson's) is no growth."""


class Sampling(Struct, frozen=True, kw_only=True):
    """How to profile: for how long, and whether what waits is seen, too."""

    seconds: float
    sees_waits: bool = False


class Difference(Struct, frozen=True, kw_only=True):
    """One function on both sides: seconds in it and what it called, and in itself alone, while profiled."""

    function: str
    base_s: float
    head_s: float
    base_own_s: float
    head_own_s: float

    @property
    def own_s(self) -> float:
        """By how much its own time grew."""
        return self.head_own_s - self.base_own_s


class Profile(Struct, frozen=True):
    """Samples by function: those in which it ran or had called what ran, and those in which it ran itself."""

    within: Counter[str]
    own: Counter[str]


def record(sides: Sequence[Side], sampling: Sampling, folder: Path) -> dict[str, Profile]:
    """Profile all sides at once, under load; those that py-spy cannot see are left out."""
    program = shutil.which("py-spy") or shutil.which("py-spy", path=str(Path(sys.executable).parent))
    if program is None:
        return {}
    files = {side: folder / f"{side.name}.stacks" for side in sides}
    for file in files.values():
        file.unlink(missing_ok=True)
    running = [
        ChildProcess(_command(program, side, sampling, file), log=folder / f"py-spy-{side.name}.log")
        for side, file in files.items()
    ]
    try:
        for each in running:
            each.is_running_after(sampling.seconds + GRACE_S)
    finally:
        for each in running:
            each.stop()
    return {
        side.name: read(file.read_text(encoding="utf-8").splitlines())
        for side, file in files.items()
        if file.exists()
    }


def _command(program: str, side: Side, sampling: Sampling, file: Path) -> list[str]:
    whom = ["--pid", str(side.pids[0]), "--subprocesses"]
    what = ["--duration", f"{sampling.seconds:.0f}", "--rate", str(RATE), "--nonblocking"]
    which = "--idle" if sampling.sees_waits else "--gil"
    return [program, "record", *whom, *what, which, "--format", "raw", "--output", str(file)]


def read(lines: Iterable[str]) -> Profile:
    """Read folded stacks: frames from the outermost to the innermost, and how often they were seen."""
    within: Counter[str] = Counter()
    own: Counter[str] = Counter()
    for stack, count in _stacks(lines):
        for frame in set(stack):
            within[frame] += count
        own[stack[-1]] += count
    return Profile(within, own)


def _stacks(lines: Iterable[str]) -> Iterator[tuple[list[str], int]]:
    for line in lines:
        frames, _, count = line.rpartition(" ")
        known = [shown(frame) for frame in frames.split(";")]
        if named := [frame for frame in known if frame]:
            yield named, int(count)


def shown(frame: str) -> str:
    """Name a frame by function and file; lines and folders differ between two checkouts.

    What has no name of its own, such as a comprehension, counts as the function that it stands in.
    """
    found = FRAME.match(frame)
    return f"{ANONYMOUS.sub('', found['function'])} ({short(found['file'])})" if found else ""


def short(file: str) -> str:
    """Keep what tells a module: its package and its name."""
    return "/".join(Path(file).parts[-2:])


def differences(base: Profile, head: Profile) -> list[Difference]:
    """Return the functions whose own time surely grew, those first that grew most."""
    every = [
        Difference(
            function=name,
            base_s=base.within[name] / RATE,
            head_s=head.within[name] / RATE,
            base_own_s=base.own[name] / RATE,
            head_own_s=head.own[name] / RATE,
        )
        for name in base.own | head.own
        if head.own[name] - base.own[name] > NOISE * math.sqrt(head.own[name] + base.own[name])
    ]
    return sorted(every, key=lambda each: -each.own_s)[:MOST]
