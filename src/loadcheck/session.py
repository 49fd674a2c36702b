"""A pytest session's load tests: play a workload, judge it, keep the results."""

import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Literal, get_args

from msgspec import Struct, field

from loadcheck.bottleneck import trial_of
from loadcheck.capacity import Capacity, Search, Trial, find_capacity
from loadcheck.facts import Snapshot
from loadcheck.figures import Measured
from loadcheck.generator import Generator, Run, Watched
from loadcheck.judge import Check, Judgement, claim, judge, with_the_rest
from loadcheck.objectives import Objective
from loadcheck.process import ProcessFailed
from loadcheck.record import environment
from loadcheck.report import properties_of, write_all
from loadcheck.report.results_file import Record
from loadcheck.result import NotMet, Result, insist
from loadcheck.sample_file import write_samples
from loadcheck.samples import Label, Samples
from loadcheck.server import Program, Server, asgi, serving
from loadcheck.slowest import slowest
from loadcheck.target import Target
from loadcheck.validity import RunFacts, void_reasons
from loadcheck.workload import Workload

Profile = Literal["short", "documented", "stress", "soak"]
PROFILES: tuple[Profile, ...] = get_args(Profile)

WRITTEN = ("results.json", "summary.csv", "metrics.txt", "report.html")


class Options(Struct, frozen=True, kw_only=True):
    """What the command line says of all load tests.

    `project` is the folder that locustfiles are named from. `target` is a URL to load in place of the servers
    that tests would start; `bind` (`HOST:PORT`) is where `remote_workers` on other machines come to.
    """

    project: Path
    out: Path
    profile: Profile = "short"
    target: str = ""
    bind: str = ""
    remote_workers: int = 0


class LoadSession(Struct, kw_only=True):
    """The results of a session and where they go; `tell` hears of each run while it goes on."""

    options: Options
    tell: Callable[[Snapshot], None] = lambda _: None
    results: list[Result] = field(default_factory=list)

    def clear(self) -> None:
        """Remove what an earlier session wrote: its verdicts must not outlive a session that breaks off.

        Raises:
            ProcessFailed: The results cannot be written there.
        """
        out = self.options.out
        try:
            out.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ProcessFailed(f"results cannot be written to {out}: {error.strerror}") from error
        for name in WRITTEN:
            (out / name).unlink(missing_ok=True)

    def write(self) -> None:
        """Write every file of results."""
        found = environment(self.options.project)
        record = Record(environment=found, profile=self.options.profile, results=tuple(self.results))
        write_all(self.options.out, record)


class Scenario(Struct, frozen=True, kw_only=True):
    """A test's name in reports, the question it asks, and which attempt this is."""

    name: str
    question: str = ""
    attempt: int = 1

    @property
    def folder(self) -> str:
        """Its name as a folder's."""
        return re.sub(r"[^\w.-]+", "-", self.name)


class LoadTest:
    """What a perf test drives and judges with; its files go into a folder of the test's name."""

    def __init__(self, session: LoadSession, scenario: Scenario, *, logs: Path, stack: ExitStack) -> None:
        self.profile = session.options.profile
        self.logs = logs
        self._session = session
        self._scenario = scenario
        self._stack = stack
        self._kept: list[Result] = []

    def pick(self, *, short: float, documented: float, **longer: float) -> float:
        """Choose a length or size by the profile; `stress` and `soak` are as `documented` unless given."""
        return {"short": short, "documented": documented, **longer}.get(self.profile, documented)

    def serve(self, what: str | Sequence[str] | Program, **env: str) -> Target:
        """Start the server under test, or name the one that `--perf-target` gives.

        `what` is an ASGI import string (`package.module:app`), a command in which `{port}` stands for the
        port, or a `Program`; `env` are environment variables. It is stopped with its children when the test
        ends.

        Raises:
            ProcessFailed: It did not get ready.
        """
        if self._session.options.target:
            return Target("target", self._session.options.target)
        return self._stack.enter_context(serving(self._program(what, env), logs=self.logs))

    def _program(self, what: str | Sequence[str] | Program, env: Mapping[str, str]) -> Program:
        if isinstance(what, Program):
            return what
        if isinstance(what, str):
            return asgi(what, folder=self._session.options.project, **env)
        return Program(name=Path(what[0]).name, command=tuple(what), env=env)

    def play(  # noqa: PLR0913 - what a run is made of; all but the first two have defaults
        self,
        workload: Workload,
        target: Target,
        *,
        beside: tuple[Server, ...] = (),
        env: Mapping[str, str] | None = None,
        counters: Mapping[str, Callable[[], float]] | None = None,
        part: str = "",
    ) -> Run:
        """Play a workload against a server; `env` reaches the users.

        `beside` are other servers of the test, such as the upstream: their CPU time is not a stranger's.
        `counters` are read while it runs: what they grow by can be promised by their name. `part` names the
        run where a test plays several.
        """
        options = self._session.options
        generator = Generator(
            folder=options.project,
            logs=self.logs,
            env=env or {},
            tell=self._session.tell,
            bind=options.bind,
            remote_workers=options.remote_workers,
        )
        servers = (target, *beside) if isinstance(target, Server) else beside
        return generator.play(
            workload, target, self._folder / part, Watched(servers=servers, counters=counters or {})
        )

    def check(self, run: Run, *objectives: Objective, claims: tuple[Check, ...] = ()) -> Result:
        """Hold a run against its objectives; raises a `NotMet` unless all are met, the result being kept.

        `claims` are the scenario's own, about figures that are no request's.
        """
        __tracebackhide__ = True
        return self._keep(self.judge(run, *objectives, claims=claims))

    def judge(self, run: Run, *objectives: Objective, claims: tuple[Check, ...] = ()) -> Result:
        """Hold a run against its objectives; the result is returned, not kept."""
        scenario = self._scenario
        return Result(
            scenario=scenario.name,
            question=scenario.question,
            attempt=scenario.attempt,
            folder=str(run.folder.relative_to(self._session.options.out)),
            judgements=_judgements(objectives, run.measured),
            claims=(*_dropped(run, objectives), *claims),
            void_reasons=void_reasons(_facts(run)),
            workload=run.workload,
            generator=run.facts,
            under_test=run.under_test,
            usage=run.usage,
            servers=run.servers,
            counters=run.counters,
            settings=run.settings,
            failures=_failures(run.judged),
            slowest=slowest(run.judged, run.servers.get(run.under_test, ())),
        )

    def find_capacity(self, search: Search, play: Callable[[float], Run], *objectives: Objective) -> Capacity:
        """Search for the highest load that meets the objectives; `play` plays one load."""

        def trial(at: float) -> Trial:
            return trial_of(at, self.judge(play(at), *objectives))

        return find_capacity(trial, search)

    def check_capacity(self, capacity: Capacity, *, unit: str, at_least: float) -> Result:
        """Hold the highest load that was found against a limit; raises a `NotMet` unless it is reached.

        It is void when the load generator gave way below.
        """
        __tracebackhide__ = True
        scenario = self._scenario
        best = capacity.best or 0.0
        is_unknown = capacity.stopped_by == "generator" and best < at_least
        return self._keep(
            Result(
                scenario=scenario.name,
                question=scenario.question,
                attempt=scenario.attempt,
                claims=(claim(f"capacity in {unit}", best, "≥", at_least),),
                void_reasons=(capacity.gave_way,) if is_unknown else (),
                capacity=capacity,
            )
        )

    def check_samples(
        self, samples: Samples, *objectives: Objective, claims: tuple[Check, ...] = ()
    ) -> Result:
        """Hold samples that were taken one at a time, without the load generator, against objectives.

        They promise no rate: the caller sets it.
        """
        __tracebackhide__ = True
        self._folder.mkdir(parents=True, exist_ok=True)
        write_samples(self._folder / "samples.bin", samples)
        scenario = self._scenario
        return self._keep(
            Result(
                scenario=scenario.name,
                question=scenario.question,
                attempt=scenario.attempt,
                folder=scenario.folder,
                judgements=_judgements(objectives, Measured(samples=samples)),
                failures=_failures(samples),
                claims=claims,
                slowest=slowest(samples, ()),
            )
        )

    def conclude(self, error: BaseException | None) -> list[tuple[str, object]]:
        """Return the figures as properties for JUnit; keep a record of a test that broke off."""
        scenario = self._scenario
        if error is not None and not isinstance(error, NotMet):
            told = f"the test broke off: {type(error).__name__}"
            self._kept.append(
                Result(
                    scenario=scenario.name,
                    question=scenario.question,
                    attempt=scenario.attempt,
                    void_reasons=(told,),
                )
            )
            self._session.results.append(self._kept[-1])
        return [found for result in self._kept for found in properties_of(result)]

    @property
    def _folder(self) -> Path:
        return self._session.options.out / self._scenario.folder

    def _keep(self, result: Result) -> Result:
        __tracebackhide__ = True
        self._kept.append(result)
        self._session.results.append(result)
        insist(result)
        return result


def _judgements(objectives: tuple[Objective, ...], measured: Measured) -> tuple[Judgement, ...]:
    return tuple(judge(each, measured) for each in with_the_rest(objectives, measured))


def _dropped(run: Run, objectives: tuple[Objective, ...]) -> tuple[Check, ...]:
    """In an open workload nobody may come in vain, unless an objective says otherwise."""
    is_promised = any(limit.metric == "dropped_ratio" for each in objectives for limit in each.limits)
    if run.facts.arrivals is None or is_promised:
        return ()
    return (claim("dropped arrivals", run.facts.arrivals.dropped, "≤", 0),)


def _facts(run: Run) -> RunFacts:
    judged, window = run.judged, run.facts.judged
    in_time = float((judged.done_s <= window.end_s).sum())
    return RunFacts(
        generator=run.facts,
        rate_per_s=in_time / window.duration_s if window.duration_s else 0.0,
        mean_answer_s=float(judged.response_ms.mean()) / 1_000 if len(judged) else 0.0,
        server_cores=sum(usage.cores for usage in run.whole_usage.values()),
    )


def _failures(samples: Samples) -> dict[str, int]:
    def reason(label: Label) -> str:
        return f"{label.method} {label.endpoint}: {label.failure}".strip()

    return samples.failed().count_by(reason)
