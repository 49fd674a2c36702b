"""What a perf test drives and judges with: start a server, play a workload, hold the run against promises."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

from loadcheck.bottleneck import trial_of
from loadcheck.capacity import Capacity, Search, Trial, find_capacity
from loadcheck.generator import Generator, Run, Watched
from loadcheck.judge import Check, claim
from loadcheck.objectives import Objective, Verdict
from loadcheck.outcome import Scenario, result_of_run, result_of_samples
from loadcheck.report import properties_of
from loadcheck.result import NotMet, Result, insist
from loadcheck.sample_file import write_samples
from loadcheck.samples import Samples
from loadcheck.server import Program, Server, asgi, serving
from loadcheck.session import LoadSession
from loadcheck.target import Target
from loadcheck.workload import Workload


class LoadTest:
    """What a perf test drives and judges with; its files go into a folder of the test's name.

    `is_unjudged` tells that the last run that was played has not been held against anything.
    """

    def __init__(self, session: LoadSession, scenario: Scenario, *, logs: Path, stack: ExitStack) -> None:
        self.profile = session.options.profile
        self.logs = logs
        self._session = session
        self._scenario = scenario
        self._stack = stack
        self._kept: list[Result] = []
        self.is_unjudged = False

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
        self.is_unjudged = True
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
        out = self._session.new_folder(self._scenario.folder, part)
        return generator.play(workload, target, out, Watched(servers=servers, counters=counters or {}))

    def check(self, run: Run, *objectives: Objective, claims: tuple[Check, ...] = ()) -> Result:
        """Hold a run against its objectives; raises a `NotMet` unless all are met, the result being kept.

        `claims` are the scenario's own, about figures that are no request's.
        """
        __tracebackhide__ = True
        return self._keep(self.judge(run, *objectives, claims=claims))

    def judge(self, run: Run, *objectives: Objective, claims: tuple[Check, ...] = ()) -> Result:
        """Hold a run against its objectives; the result is returned, not kept."""
        self.is_unjudged = False
        return result_of_run(self._scenario, run, self._session.options.out, objectives, claims)

    def find_capacity(self, search: Search, play: Callable[[float], Run], *objectives: Objective) -> Capacity:
        """Search for the highest load that meets the objectives; `play` plays one load."""

        def trial(at: float) -> Trial:
            return trial_of(at, self.judge(play(at), *objectives))

        return find_capacity(trial, search)

    def check_capacity(self, capacity: Capacity, *, unit: str, at_least: float) -> Result:
        """Hold the highest load that was found against a limit; raises a `NotMet` unless it is reached.

        It is void when the load generator gave way below, inconclusive when nothing below was missed.
        """
        __tracebackhide__ = True
        best = capacity.best or 0.0
        otherwise: Verdict = "missed" if capacity.is_less_than(at_least) else "inconclusive"
        is_unknown = capacity.stopped_by == "generator" and best < at_least
        return self._keep(
            self._scenario.result(
                claims=(claim(f"capacity in {unit}", best, "≥", at_least, otherwise=otherwise),),
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
        out = self._session.new_folder(self._scenario.folder)
        out.mkdir(parents=True, exist_ok=True)
        write_samples(out / "samples.bin", samples)
        folder = out.relative_to(self._session.options.out)
        return self._keep(result_of_samples(self._scenario, str(folder), samples, objectives, claims))

    def conclude(self, error: BaseException | None) -> list[tuple[str, object]]:
        """Return the figures as properties for JUnit; keep a record of a test that broke off."""
        if error is not None and not isinstance(error, NotMet):
            self._note(self._scenario.result(void_reasons=(f"the test broke off: {type(error).__name__}",)))
        return [found for result in self._kept for found in properties_of(result)]

    def _keep(self, result: Result) -> Result:
        __tracebackhide__ = True
        self._note(result)
        insist(result)
        return result

    def _note(self, result: Result) -> None:
        self.is_unjudged = False
        self._kept.append(result)
        self._session.results.append(result)
