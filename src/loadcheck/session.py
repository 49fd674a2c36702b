"""A pytest session's load tests: play a workload, judge it, keep the results."""

import re
from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct, field

from loadcheck.generator import Generator, Run
from loadcheck.objectives import Check, Objective, judge, with_the_rest
from loadcheck.record import environment
from loadcheck.report.files import Record, write_json, write_samples, write_summary
from loadcheck.result import Result, insist
from loadcheck.samples import Label, Samples, figures
from loadcheck.server import Server
from loadcheck.validity import RunFacts, void_reasons
from loadcheck.workload import Workload


class LoadSession(Struct, kw_only=True):
    """The results of a session and where they go; `project` is the folder that locustfiles are named from."""

    project: Path
    out: Path
    profile: str
    results: list[Result] = field(default_factory=list)

    def clear(self) -> None:
        """Remove what an earlier session wrote: its verdicts must not outlive a session that breaks off."""
        for name in ("summary.csv", "results.json"):
            (self.out / name).unlink(missing_ok=True)

    def write(self) -> None:
        """Write `summary.csv` and `results.json`."""
        self.out.mkdir(parents=True, exist_ok=True)
        write_summary(self.out / "summary.csv", self.results)
        found = environment(self.project)
        record = Record(environment=found, profile=self.profile, results=tuple(self.results))
        write_json(self.out / "results.json", record)


class LoadTest:
    """What a perf test drives and judges with; its files go into a folder of the test's name."""

    def __init__(self, session: LoadSession, *, name: str, logs: Path) -> None:
        self.profile = session.profile
        self.logs = logs
        self._session = session
        self._name = re.sub(r"[^\w.-]+", "-", name)

    def pick(self, *, short: float, documented: float) -> float:
        """Choose a length by the profile that was asked for."""
        return documented if self.profile == "documented" else short

    def play(
        self,
        workload: Workload,
        server: Server,
        *,
        beside: tuple[Server, ...] = (),
        env: Mapping[str, str] | None = None,
    ) -> Run:
        """Play a workload against a server; `env` reaches the users.

        `beside` are other servers of the test, such as the upstream: their CPU time is not a stranger's.
        """
        generator = Generator(folder=self._session.project, logs=self.logs, env=env or {})
        return generator.play(workload, server.url, self._folder, watched=(server, *beside))

    def check(
        self,
        run: Run,
        *objectives: Objective,
        claims: tuple[Check, ...] = (),
    ) -> Result:
        """Hold a run against its objectives; raises `ObjectiveMissed` or `RunVoid`, the result being kept.

        `claims` are the scenario's own, about figures that are no request's.
        """
        __tracebackhide__ = True
        judged, window = run.judged, run.facts.judged
        write_samples(self._folder / "samples.csv", run.samples, window.start_s)
        return self._keep(
            Result(
                scenario=self._name,
                judgements=tuple(
                    judge(objective, judged, window.duration_s, window.end_s)
                    for objective in with_the_rest(objectives, judged)
                ),
                void_reasons=void_reasons(_facts(run)),
                workload=run.workload,
                generator=run.facts,
                usage=run.usage,
                settings=run.settings,
                failures=_failures(judged),
                claims=claims,
            )
        )

    def check_samples(
        self,
        samples: Samples,
        *objectives: Objective,
        claims: tuple[Check, ...] = (),
    ) -> Result:
        """Hold samples that were taken one at a time, without the load generator, against objectives.

        They promise no rate: the caller sets it.
        """
        __tracebackhide__ = True
        self._folder.mkdir(parents=True, exist_ok=True)
        write_samples(self._folder / "samples.csv", samples, 0.0)
        judgements = tuple(judge(each, samples, 0.0) for each in with_the_rest(objectives, samples))
        return self._keep(
            Result(
                scenario=self._name,
                judgements=judgements,
                failures=_failures(samples),
                claims=claims,
            )
        )

    @property
    def _folder(self) -> Path:
        return self._session.out / self._name

    def _keep(self, result: Result) -> Result:
        __tracebackhide__ = True
        self._session.results.append(result)
        insist(result)
        return result


def _facts(run: Run) -> RunFacts:
    judged = run.judged
    return RunFacts(
        generator=run.facts,
        rate_per_s=figures(judged, run.facts.judged.duration_s, run.facts.judged.end_s).rate_per_s,
        mean_answer_s=sum(judged.response_ms) / 1_000 / max(len(judged), 1),
        server_cores=sum(usage.cores for usage in run.usage.values()),
    )


def _failures(samples: Samples) -> dict[str, int]:
    def reason(label: Label) -> str:
        return f"{label.method} {label.endpoint}: {label.failure}".strip()

    return samples.failed().count_by(reason)
