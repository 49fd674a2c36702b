"""A scenario that was played, read back from its folder: the recorded result and its samples."""

import math
from pathlib import Path

import msgspec
from msgspec import Struct

from loadcheck.judge.measured import Measured
from loadcheck.model.result import Result
from loadcheck.model.sample_file import read_samples
from loadcheck.model.samples import Samples
from loadcheck.run.counters import growth

SAMPLE_FILE = "samples.bin"


class Finished(Struct, frozen=True, kw_only=True):
    """A recorded result and all its samples; `missing` says why there are none."""

    result: Result
    samples: Samples
    missing: str = ""

    @property
    def judged_from_s(self) -> float:
        """Where the judged stretch begins, in seconds of the run."""
        return self.result.generator.judged.start_s if self.result.generator else 0.0

    @property
    def end_s(self) -> float:
        """Where the run ends: the last answer, or the end of the judged stretch."""
        last_s = float(self.samples.done_s.max()) if len(self.samples) else 0.0
        return max(last_s, self.result.generator.ended_s if self.result.generator else 0.0)

    @property
    def judged(self) -> Samples:
        """The samples that count."""
        generator = self.result.generator
        return self.samples.judged_from(self.judged_from_s, generator.judged.end_s if generator else math.inf)

    def measured(self) -> Measured:
        """Everything that the run offers to be judged again."""
        generator = self.result.generator
        judged = generator.judged if generator else None
        return Measured(
            samples=self.judged,
            start_s=judged.start_s if judged else 0.0,
            end_s=judged.end_s if judged else 0.0,
            dropped=generator.arrivals.dropped if generator and generator.arrivals else 0,
            usage=self.result.usage.get(self.result.under_test),
            counters={
                name: growth(readings, self.judged_from_s) for name, readings in self.result.counters.items()
            },
        )


def finished(out: Path, result: Result) -> Finished:
    """Read a result's samples from its folder in `out`."""
    if not result.folder:
        return Finished(result=result, samples=Samples(), missing="no samples were kept")
    zero = result.generator.started_at if result.generator else 0.0
    try:
        return Finished(result=result, samples=read_samples(out / result.folder / SAMPLE_FILE, zero))
    except FileNotFoundError:
        missing = f"{Path(result.folder) / SAMPLE_FILE} is missing"
    except (OSError, ValueError, msgspec.MsgspecError) as error:
        missing = f"{Path(result.folder) / SAMPLE_FILE} cannot be read ({type(error).__name__})"
    return Finished(result=result, samples=Samples(), missing=missing)
