"""What a test compares base and head with."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from loadcheck.compare.base import check_out, head
from loadcheck.compare.decide import Rules
from loadcheck.compare.files import properties_of, write_all
from loadcheck.compare.outcome import Conclusion, Outcome
from loadcheck.compare.run import REAL, Plan, Surroundings, compare
from loadcheck.compare.words import explain
from loadcheck.server import Program
from loadcheck.session import LoadSession
from loadcheck.workload import Workload


class NotPassed(AssertionError):
    """The base of the bad outcomes; carries the outcome."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(explain(outcome))
        self.outcome = outcome


class HeadSlower(NotPassed):
    """Head is slower than base."""


class HeadFailing(NotPassed):
    """Head fails where base does not."""


class ComparisonInconclusive(NotPassed):
    """The run was valid, but too noisy to tell in time."""


class ComparisonVoid(NotPassed):
    """The run says nothing about head: the machine was too busy, or base differed from itself."""


ERRORS: Final[Mapping[Conclusion, type[NotPassed]]] = {
    "slower": HeadSlower,
    "failing": HeadFailing,
    "inconclusive": ComparisonInconclusive,
    "void": ComparisonVoid,
}


class ComparisonTest:
    """Compares the project as it lies there with a base; its files go into a folder of the test's name."""

    def __init__(  # noqa: PLR0913 - what the command line says
        self,
        session: LoadSession,
        scenario: str,
        *,
        base: str,
        rules: Rules,
        limit_s: float,
        logs: Path,
        tell: Callable[[str], None],
        properties: list[tuple[str, object]],
    ) -> None:
        self.profile = session.options.profile
        self._session = session
        self._scenario = scenario
        self._base = base
        self._rules = rules
        self._limit_s = limit_s
        self._logs = logs
        self._tell = tell
        self._properties = properties

    def check(
        self,
        program: Program,
        workload: Workload,
        env: Mapping[str, str] | None = None,
        *,
        around: Surroundings = REAL,
    ) -> Outcome:
        """Let both versions run a program of the project, and compare how they answer a workload.

        `env` reaches the users. The result is kept; a `NotPassed` is raised unless head is not slower.

        Raises:
            BaseFailed: The base cannot be had.
            ProcessFailed: A side did not get ready, or the load generator failed.
        """
        __tracebackhide__ = True  # pytest shows the test, not the harness
        outcome = compare(self._plan(program, workload, env or {}), around)
        self._session.outcomes.append(outcome)
        self._properties[:] = properties_of(outcome)  # in place of those of an attempt before
        write_all(self._session.options.out, self._session.outcomes)
        if error := ERRORS.get(outcome.verdict):
            raise error(outcome)
        return outcome

    def _plan(self, program: Program, workload: Workload, env: Mapping[str, str]) -> Plan:
        project = self._session.options.project
        self._tell(f"base: {self._base}")
        return Plan(
            scenario=self._scenario,
            project=project,
            base=check_out(project, self._base),
            base_name=self._base,
            head=head(project),
            program=program,
            workload=workload,
            out=self._session.new_folder(self._scenario),
            logs=self._logs,
            env=env,
            rules=self._rules,
            limit_s=self._limit_s,
            tell=self._tell,
        )
