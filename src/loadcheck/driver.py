"""The load generator: Locust by its library API, in a process of its own.

`python -m loadcheck.driver --host URL --workload FILE --out FOLDER` plays a `Workload` and leaves
`samples.bin` and `facts.json` in the folder. Importing locust patches threads, sockets and time for the whole
process: nothing else of loadcheck may import this module.
"""

import argparse
import random
import time
import traceback
from array import array
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

import gevent
import geventhttpclient.client
import msgspec
import psutil
from locust import User, between, events
from locust.env import Environment
from locust.exception import CatchResponseError
from locust.runners import Runner
from locust.user.task import LOCUST_STATE_STOPPING
from locust.util.load_locustfile import load_locustfile

from loadcheck.cache_status import cache_state
from loadcheck.facts import GeneratorFacts, Window
from loadcheck.sample_file import SampleWriter
from loadcheck.samples import NO_ENDPOINT, Label, percentile
from loadcheck.workload import Stage, UserClass, Workload

PULSE_S = 0.02
SPAWN_GRACE_S = 5.0
FINISH_GRACE_S = 1.0


def main() -> None:
    """Play the workload that the command line names."""
    parser = argparse.ArgumentParser(prog="loadcheck.driver")
    parser.add_argument("--host", required=True)
    parser.add_argument("--workload", required=True, type=Path)
    parser.add_argument("--out", required=True, type=Path)
    options = parser.parse_args()
    workload = msgspec.json.decode(options.workload.read_bytes(), type=Workload)
    with SampleWriter(options.out / "samples.bin") as writer:
        facts = generate(workload, options.host, writer)
    (options.out / "facts.json").write_bytes(msgspec.json.encode(facts))


def generate(workload: Workload, host: str, writer: SampleWriter) -> GeneratorFacts:
    """Play a workload against a host, writing each request's sample; Locust's users run in this process."""
    random.seed(workload.seed)
    count_every_request()
    waits = Waits()
    users = [load_user(spec, workload, waits) for spec in workload.users]
    environment = Environment(user_classes=users, host=host, events=events)
    runner = environment.create_local_runner()
    events.init.fire(environment=environment, runner=runner, web_ui=None)  # type: ignore[no-untyped-call]  # Locust's events are untyped
    try:
        return play(workload, runner, writer, waits)
    finally:
        runner.quit()  # also ends Locust's own timers


def count_every_request() -> None:
    """Keep FastHttpUser's client from sending a GET anew, unseen, when the server drops the connection.

    It has no setting for that; what Locust's `max_retries` counts are other retries.
    """
    geventhttpclient.client._may_retry_after_send_error = lambda method: not method  # noqa: SLF001 - no public way


def play(workload: Workload, runner: Runner, writer: SampleWriter, waits: "Waits") -> GeneratorFacts:
    """Spawn, warm up, hold, let the users finish; return how it went."""
    recorder = Recorder(writer)
    events.request.add_listener(recorder.on_request)  # type: ignore[no-untyped-call]  # likewise
    events.user_error.add_listener(recorder.on_user_error)  # type: ignore[no-untyped-call]  # likewise
    pulse, cost = Pulse(runner, recorder.elapsed_s), Cost()
    has_spawned, judged_from_s = play_stages(workload, runner, recorder)
    ended_s = recorder.elapsed_s()
    cpu_share, busy_cores = cost.cores()
    pulse.stop()
    return GeneratorFacts(
        started_at=recorder.started_at,
        ended_s=ended_s,
        judged=Window(start_s=judged_from_s, end_s=ended_s, users=pulse.mean_users(judged_from_s)),
        has_spawned=has_spawned,
        cpu_share=cpu_share,
        machine_busy_cores=busy_cores,
        machine_cores=psutil.cpu_count() or 1,
        lag_p95_ms=pulse.lag_p95_ms(),
        mean_wait_s=waits.mean_s(),
        unfinished_users=let_users_finish(runner, recorder, workload.network_timeout_s),
    )


def play_stages(workload: Workload, runner: Runner, recorder: "Recorder") -> tuple[bool, float]:
    """Play the stages in turn; return whether all users came up, and when the judged stretch began."""
    first, *others = workload.stages
    has_spawned = spawn(first, runner)
    gevent.sleep(workload.warm_up_s)
    judged_from_s = recorder.elapsed_s() if workload.judge == "warm" else 0.0
    gevent.sleep(first.hold_s)
    for stage in others:
        has_spawned &= spawn(stage, runner)
        gevent.sleep(stage.hold_s)
    return has_spawned, judged_from_s


def spawn(stage: Stage, runner: Runner) -> bool:
    """Bring the users to the stage's number; False when that takes far longer than its rate says."""
    runner.start(stage.users, stage.spawn_rate)
    spawning = runner.spawning_greenlet
    if spawning is None:
        raise AssertionError("a started runner spawns")
    spawning.join(timeout=stage.spawn_s + SPAWN_GRACE_S)
    return bool(spawning.successful())


def let_users_finish(runner: Runner, recorder: "Recorder", network_timeout_s: float) -> int:
    """Stop the users, each after its answer; who gets none in time has failed: return how many.

    Cutting requests off would drop the slowest from the samples.
    """
    for greenlet in list(runner.user_greenlets):
        user = greenlet.args[0] if greenlet.args else None
        if user is not None and user._state != LOCUST_STATE_STOPPING:  # noqa: SLF001 - as Locust's runner does
            user.stop()
    runner.user_greenlets.join(timeout=network_timeout_s + FINISH_GRACE_S)
    unfinished = len(runner.user_greenlets)
    for _ in range(unfinished):
        recorder.add_failure("no answer by the end of the run")
    return unfinished


def load_user(spec: UserClass, workload: Workload, waits: "Waits") -> type[User]:
    """Load a user class from its locustfile and fit it to the workload."""
    found, _ = load_locustfile(spec.locustfile)
    user: Any = found[spec.name]
    user.weight = spec.weight
    user.network_timeout = user.connection_timeout = workload.network_timeout_s
    user.wait_time = waits.recording(between(*spec.wait_s) if spec.wait_s else user.wait_time)
    return user  # type: ignore[no-any-return]  # Locust finds users by name and types them loosely


class Waits:
    """The waits that the users drew: with them the rate that closed users offer is known, not assumed."""

    def __init__(self) -> None:
        self._total_s = 0.0
        self._count = 0

    def recording(self, wait_time: Callable[[User], float]) -> Callable[[User], float]:
        """Wrap a class's `wait_time`, counting what it returns."""

        def draw(user: User) -> float:
            wait_s = wait_time(user)
            self._total_s += wait_s
            self._count += 1
            return wait_s

        return draw

    def mean_s(self) -> float:
        """The mean wait in seconds; 0 when nobody waited."""
        return self._total_s / self._count if self._count else 0.0


class Recorder:
    """Turns Locust's events into samples; its zero is the start of the run."""

    def __init__(self, writer: SampleWriter) -> None:
        self.started_at = time.time()
        self._zero = time.perf_counter()
        self._writer = writer

    def elapsed_s(self) -> float:
        """The seconds since the start of the run, by the monotonic clock."""
        return time.perf_counter() - self._zero

    def on_request(self, **told: Any) -> None:
        """Record a request that ended, well or not.

        Locust swallows what its listeners raise: a request that cannot be recorded is a failure.
        """
        try:
            self._record(**told)
        except Exception as error:  # noqa: BLE001 - whatever it is, the sample must not vanish
            self.add_failure(f"a request could not be recorded ({type(error).__name__})")

    def _record(  # noqa: PLR0913 - the arguments are those of Locust's event
        self,
        *,
        request_type: str,
        name: str,
        response_time: float,
        response_length: int,
        start_time: float,
        exception: BaseException | None = None,
        response: Any = None,
        **_: Any,
    ) -> None:
        status = int(getattr(response, "status_code", None) or 0)
        headers = getattr(response, "headers", None)
        label = Label(
            method=request_type,
            endpoint=name.partition("?")[0],  # a query may hold a person's data
            status=status,
            failure=reason(exception, status) if exception else "",
            cache=cache_state(headers.get("Cache-Status") if headers else None),
        )
        self._writer.add(
            label,
            start_s=float(start_time - self.started_at),
            done_s=self.elapsed_s(),
            response_ms=float(response_time),
            size=int(response_length),
        )

    def on_user_error(self, *, exception: BaseException, tb: TracebackType, **_: Any) -> None:
        """Record an exception raised inside a user as a failure that belongs to no endpoint."""
        place = traceback.extract_tb(tb)[-1]
        self.add_failure(f"{type(exception).__name__} in {Path(place.filename).name}:{place.lineno}")

    def add_failure(self, failure: str) -> None:
        """Record a failure that belongs to no endpoint."""
        now_s = self.elapsed_s()
        label = Label(method="", endpoint=NO_ENDPOINT, status=0, failure=failure)
        self._writer.add(label, start_s=now_s, done_s=now_s, response_ms=0.0, size=0)


def reason(exception: BaseException, status: int) -> str:
    """Say why a request failed without its URL or anything else that may hold a person's data.

    A content check's own words stand: the locustfile chose them.
    """
    if isinstance(exception, CatchResponseError):
        return str(exception)
    return f"HTTP {status}" if status else type(getattr(exception, "original", exception)).__name__


class Pulse:
    """Wakes every 20 ms: how late it wakes is how late every greenlet is served, answers included."""

    def __init__(self, runner: Runner, elapsed_s: Callable[[], float]) -> None:
        self._runner = runner
        self._elapsed_s = elapsed_s
        self._at_s, self._lag_ms, self._users = array("d"), array("d"), array("L")
        self._greenlet = gevent.spawn(self._beat)

    def stop(self) -> None:
        """End it."""
        self._greenlet.kill()

    def mean_users(self, from_s: float) -> float:
        """The mean number of users since a moment of the run."""
        counts = [count for at_s, count in zip(self._at_s, self._users, strict=True) if at_s >= from_s]
        return sum(counts) / len(counts) if counts else 0.0

    def lag_p95_ms(self) -> float:
        """The 95th percentile of the lateness."""
        return percentile(sorted(self._lag_ms), 0.95) or 0.0

    def _beat(self) -> None:
        while True:
            slept_from_s = self._elapsed_s()
            gevent.sleep(PULSE_S)
            now_s = self._elapsed_s()
            self._at_s.append(now_s)
            self._lag_ms.extend(lags_ms(now_s - slept_from_s - PULSE_S))
            self._users.append(self._runner.user_count)


def lags_ms(late_s: float) -> Iterator[float]:
    """Give the lateness of a pulse, and of each that should have come meanwhile: a stall is many late."""
    yield late_s * 1_000
    while (late_s := late_s - PULSE_S) > 0:
        yield late_s * 1_000


class Cost:
    """CPU time since its construction: this process's and the whole machine's."""

    def __init__(self) -> None:
        self._at, self._own_s, self._machine_s = time.perf_counter(), time.process_time(), machine_busy_s()

    def cores(self) -> tuple[float, float]:
        """Return the cores kept busy on average by this process, and by everything on the machine."""
        wall_s = time.perf_counter() - self._at
        return (time.process_time() - self._own_s) / wall_s, (machine_busy_s() - self._machine_s) / wall_s


def machine_busy_s() -> float:
    """The CPU seconds the machine has spent on work or lost to its neighbours since it started."""
    times = psutil.cpu_times()._asdict()
    return float(sum(times.get(name, 0.0) for name in ("user", "nice", "system", "irq", "softirq", "steal")))


if __name__ == "__main__":
    main()
