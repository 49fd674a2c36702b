"""Who takes part in which case: those whose answers are ours, and come soon enough to be measured."""

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from msgspec import Struct

from benchmarks.peers import wrk
from benchmarks.peers.answers import NOT_OFFERED, Answer, fetch_all, what_is_missing, what_is_wrong
from benchmarks.peers.cases import HUGE, LIST, Case, cases_for
from benchmarks.peers.figures import US, Missing
from benchmarks.peers.servers.stand import Stand
from benchmarks.peers.wrk import Ask
from loadcheck.run.server import Server

SLOWEST_S: Final = 0.5
"""What an answer may take: one a connection is asked for at once, and all are worked on to the end."""


class Part(Struct, frozen=True, kw_only=True):
    """A case and who takes part in it.

    Attributes:
        servers: By name.
        answer_s: How long each takes for one answer.
        answer_bytes: How long a body is on average.
        asks: The requests as the script reads them.
        known_asks: Those alone that are known to who sends recorded answers.
    """

    case: Case
    servers: Mapping[str, Server]
    answer_s: Mapping[str, float]
    answer_bytes: float
    asks: Path
    known_asks: Path


class Comparison:
    """Fetches and compares.

    Attributes:
        missing: Who takes no part in what, and why.
    """

    def __init__(self, stand: Stand, folder: Path) -> None:
        self.missing: list[Missing] = []
        self._stand = stand
        self._folder = folder

    def cases(self, us: Server, most: int) -> list[Case]:
        """Return the cases, made from what the service lists."""
        total = self._stand.clients
        ask = LIST if total <= HUGE else Ask(f"{LIST.path}?limit={HUGE}")
        listed = next(fetch_all(us.url, [ask], self._stand.headers))
        clients: list[dict[str, Any]] = json.loads(listed.body)
        return cases_for(clients, listed.header("etag"), total, most)

    def ours(self, us: Server, case: Case) -> list[Answer]:
        """Return the service's answers to a case's known requests; nothing where it does not offer them."""
        answers = list(fetch_all(us.url, case.known, self._stand.headers | dict(case.headers)))
        why = next(filter(None, (what_is_missing(case, answer) for answer in answers)), "")
        if why:
            self._miss(case, US, why)
        return [] if why else answers

    def part(self, case: Case, ours: Sequence[Answer]) -> Part:
        """Compare everyone's answers with ours; leave out who answers something else or takes too long."""
        self._stand.choose(case)
        servers, answer_s = {}, {}
        for name, server in self._stand.peers(case).items():
            if why := self._problem(case, server, ours):
                self._miss(case, name, why)
                continue
            answer_s[name] = self._answer_s(case, server)
            if answer_s[name] > SLOWEST_S:
                self._miss(
                    case, name, f"too slow to be measured: {answer_s[name]:.1f} s an answer", is_failure=False
                )
            else:
                servers[name] = server
        file = self._folder / f"{case.slug}.asks"
        return Part(
            case=case,
            servers=servers,
            answer_s=answer_s,
            answer_bytes=sum(len(answer.body) for answer in ours) / len(ours),
            asks=wrk.write_asks(case.asks, file),
            known_asks=wrk.write_asks(case.known, file.with_suffix(".known")),
        )

    def _problem(self, case: Case, server: Server, ours: Sequence[Answer]) -> str:
        theirs = fetch_all(server.url, case.known, self._stand.headers | dict(case.headers))
        return next(filter(None, _problems(case, ours, theirs)), "")

    def _answer_s(self, case: Case, server: Server) -> float:
        """Return how long an answer takes that was given before."""
        begun = time.monotonic()
        next(fetch_all(server.url, case.known[:1], self._stand.headers | dict(case.headers)))
        return time.monotonic() - begun

    def _miss(self, case: Case, server: str, why: str, *, is_failure: bool | None = None) -> None:
        failed = why != NOT_OFFERED if is_failure is None else is_failure
        clients = self._stand.clients
        self.missing.append(
            Missing(clients=clients, case=case.name, server=server, why=why, is_failure=failed)
        )


def _problems(case: Case, ours: Sequence[Answer], theirs: Iterator[Answer]) -> Iterator[str]:
    return (what_is_wrong(case, mine, other) for mine, other in zip(ours, theirs, strict=True))
