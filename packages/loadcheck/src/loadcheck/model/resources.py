"""What a process tree consumed: over a stretch of time, and moment by moment."""

from msgspec import Struct


class Usage(Struct, frozen=True, kw_only=True):
    """A process tree over a stretch: CPU seconds, cores busy on average, the highest of everything else."""

    cpu_s: float
    cores: float
    peak_memory_bytes: int
    peak_open_files: int
    peak_threads: int
    lag_max_ms: float | None


class Moment(Struct, frozen=True, kw_only=True):
    """A server at one moment of a run: `at_s` from its start, `cores` busy since the moment before."""

    at_s: float
    cores: float
    memory_bytes: int
    open_files: int
    threads: int
    lag_ms: float | None
