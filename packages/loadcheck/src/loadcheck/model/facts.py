"""What the load generator says of its own run, beside the samples."""

from msgspec import Struct


class Window(Struct, frozen=True, kw_only=True):
    """A stretch of the run, in seconds from its start, and how many users ran in it on average."""

    start_s: float
    end_s: float
    users: float

    @property
    def duration_s(self) -> float:
        """Its length in seconds."""
        return self.end_s - self.start_s


class ArrivalFacts(Struct, frozen=True, kw_only=True):
    """Of an open workload: arrivals that were due in the judged stretch, and what became of them.

    `dropped_s` tells when those were due that were dropped, in seconds of the run, warm-up included.
    `late_p95_ms` is how late the generator noticed that an arrival was due: its own fault alone.
    """

    due: int
    dropped: int
    late_p95_ms: float
    dropped_s: tuple[float, ...] = ()


class Spread(Struct, frozen=True, kw_only=True):
    """Milliseconds: their mean, percentiles and maximum."""

    mean_ms: float
    p50_ms: float
    p90_ms: float
    p95_ms: float
    p99_ms: float
    max_ms: float


class Floor(Struct, frozen=True, kw_only=True):
    """What the machine itself took beside a run, in its judged stretch (see echo.py).

    `echo` is how long the generator waited for an echo, `timer` how late an idle process woke.
    """

    echo: Spread
    timer: Spread


class GeneratorFacts(Struct, frozen=True, kw_only=True):
    """How the run went: what decides whether its samples may be judged.

    `started_at` is the run's zero in seconds since the epoch; `judged` the stretch whose samples count.
    `cpu_share` is the generator's CPU time over the whole run in cores (1.0: one core busy all the time), of
    the busiest process where there are several; `own_cores` that of all; `machine_busy_cores` what the whole
    machine spent. `lag_p95_ms` is how late the generator woke from short sleeps: its share in every latency
    it measures. `mean_wait_s` is the mean of the waits its users drew. `floor` is what the machine itself
    took, None where it was not measured.
    """

    started_at: float
    ended_s: float
    judged: Window
    has_spawned: bool
    cpu_share: float
    own_cores: float
    machine_busy_cores: float
    machine_cores: int
    lag_p95_ms: float
    mean_wait_s: float
    unfinished_users: int
    users: tuple[tuple[float, int], ...] = ()
    arrivals: ArrivalFacts | None = None
    floor: Floor | None = None

    @property
    def played_from_s(self) -> float:
        """When the first user was spawned: workers may have been waited for before."""
        return self.users[0][0] if self.users else 0.0

    @property
    def users_at_end(self) -> int:
        """How many users were there at the end, before they were asked to leave."""
        return self.users[-1][1] if self.users else 0


class Snapshot(Struct, frozen=True, kw_only=True):
    """A run while it goes on: `rate_per_s` and `p95_ms` are of the last seconds, `failures` of all so far."""

    elapsed_s: float
    planned_s: float
    users: int
    rate_per_s: float
    p95_ms: float | None
    failures: int
