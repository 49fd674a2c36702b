"""The test stand: a simulated WispHub Net and the service, as processes on free ports, while a test runs."""

import json
import math
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any, ClassVar

import pytest
from msgspec import Struct
from msgspec.structs import replace

from loadcheck import claim
from loadcheck.model.judgement import Check
from loadcheck.run.server import Program, Server, asgi, serving

KEY = "perf-consumer-key"
KNOWN = Path(__file__).parent / "known"


class Upstream:
    """The simulator, which counts every call it gets."""

    def __init__(self, server: Server) -> None:
        self.server = server

    def stats(self) -> dict[str, Any]:
        """What it was asked, how much of it at once, and in a second."""
        stats: dict[str, Any] = json.loads(self.server.get("/_sim/stats")[1])
        return stats

    def calls(self) -> Counter[str]:
        """The calls so far, by method and path."""
        return Counter(self.stats()["requests"])

    def call_count(self) -> float:
        """All calls so far."""
        return self.calls().total()

    def forget_calls(self) -> None:
        """Count from zero, with no fault and all records as at the start."""
        self.server.request("POST", "/_sim/reset")

    def fail(self, **fault: Any) -> None:
        """Let every call go wrong."""
        self.server.request("POST", "/_sim/faults", body=json.dumps(fault).encode())

    def heal(self) -> None:
        """Let every call go right."""
        self.server.request("DELETE", "/_sim/faults")


class Told(Struct, frozen=True):
    """What a caller was told, and after how many seconds."""

    call: str
    status: int
    media_type: str
    after_s: float

    @property
    def is_refusal(self) -> bool:
        """Is it what a service says whose upstream is in trouble?"""
        return self.status in (502, 503, 504) and self.media_type == "application/problem+json"


class Uncached:
    """Callers who ask for what cannot be cached, one for each kind; they are not counted to the users."""

    after_s: ClassVar = 2.0
    deadline_s: ClassVar = 6.0
    calls: ClassVar[tuple[tuple[str, str, object], ...]] = (
        (
            "POST",
            "/api/v1/tickets",
            {"service_id": 11, "subject": "Internet Lento", "description": "A load test."},
        ),
        ("GET", "/api/v1/tickets/5001", None),
        ("PUT", "/api/v1/clients/12", {"city": "Villavicencio"}),
        ("POST", "/api/v1/network/13/ping/", {}),
    )

    def __init__(self, headers: Mapping[str, str]) -> None:
        self._headers = headers
        self._told: list[Told] = []

    @contextmanager
    def asking(self, service: Server) -> Iterator[None]:
        """Let each ask once while the context is open, a little after its beginning."""
        timers = [threading.Timer(self.after_s, self._ask, (service, *call)) for call in self.calls]
        for timer in timers:
            timer.start()
        try:
            yield
        finally:
            for timer in timers:
                timer.join()

    def claims(self, *, done: int = 0) -> tuple[Check, ...]:
        """Was each, but for those that can be `done`, told in time and as a problem that it cannot be had?"""
        refused = sum(told.is_refusal for told in self._told)
        slowest_s = max((told.after_s for told in self._told), default=math.inf)
        others = ", ".join(f"{told.call}: {told.status}" for told in self._told if not told.is_refusal)
        return (
            replace(claim("uncached requests refused", refused, "≥", len(self.calls) - done), reason=others),
            claim("seconds until the last was", slowest_s, "≤", self.deadline_s),
        )

    def _ask(self, service: Server, method: str, path: str, content: object) -> None:
        body = None if content is None else json.dumps(content)
        headers = {**self._headers, "Content-Type": "application/json"}
        begun = time.monotonic()
        with closing(service.connect(2 * self.deadline_s)) as connection:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            answer.read()
        after_s = time.monotonic() - begun
        self._told.append(Told(f"{method} {path}", answer.status, answer.headers.get_content_type(), after_s))


class Stand:
    """Starts what a scenario needs and stops it all at the end."""

    consumer_env: ClassVar = {"WISPHUB_API_KEY": KEY}
    consumer_headers: ClassVar = {"X-API-Key": KEY}

    def __init__(self, stack: ExitStack, logs: Path) -> None:
        self._stack = stack
        self._logs = logs

    def upstream(self, *, latency_ms: int = 250, clients: int = 2000, port: int = 0) -> Upstream:
        """Start a simulator that answers each call in `latency_ms`."""
        options = {"latency-ms": latency_ms, "clients": clients, "seed": 1, "key": "demo-key"}
        words = [word for name, value in options.items() for word in (f"--{name}", str(value))]
        program = Program(
            name="upstream",
            command=(sys.executable, "-m", "wisphub_sim", "--port", "{port}", *words),
            ready_path="/_sim/stats",
            port=port,
        )
        return Upstream(self._start(program))

    def service(
        self, upstream: Upstream, *, is_warm: bool = True, workers: int = 1, **settings: float | Path
    ) -> Server:
        """Start the service, with a full cache or just alive; `settings` by lower-case variable name."""
        return self._start(self.program(upstream, is_warm=is_warm, workers=workers, **settings))

    def program(
        self, upstream: Upstream, *, is_warm: bool = True, workers: int = 1, **settings: float | Path
    ) -> Program:
        """Tell how the service is started."""
        return Program(
            name="service",
            command=(
                sys.executable,
                "-m",
                "wisphub_api.cli",
                "serve",
                "--port",
                "{port}",
                f"--workers={workers}",
            ),
            ready_path="/health/ready" if is_warm else "/health",
            lag_metric="wisphub_event_loop_lag_max_seconds",
            env={
                "WISPHUB_NET_HOST": upstream.server.url,
                "WISPHUB_NET_KEY": "demo-key",
                "WISPHUB_API_KEYS": f"perf:{KEY}",
                **{name.upper(): _written(value) for name, value in settings.items()},
            },
        )

    def bare_start_s(self) -> float:
        """Return how many seconds a Litestar app that does nothing takes to start here, the best of two.

        What starts or works at once is held against it: the rest is the machine's.
        """
        program = replace(asgi("bare_service:app", folder=KNOWN), ready_path="/")
        return min(self._start(program).ready_s or math.inf for _ in range(2))

    def _start(self, program: Program) -> Server:
        return self._stack.enter_context(serving(program, logs=self._logs))


def _written(value: float | Path) -> str:
    return str(value) if isinstance(value, Path) else f"{value:g}"


def start_stand(logs: Path) -> Iterator[Stand]:
    with ExitStack() as stack:
        yield Stand(stack, logs)


@pytest.fixture
def stand(tmp_path: Path) -> Iterator[Stand]:
    """Servers of one test's own."""
    yield from start_stand(tmp_path)


@pytest.fixture
def uncached() -> Uncached:
    return Uncached(Stand.consumer_headers)


@pytest.fixture(scope="module")
def shared_stand(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    """Servers that the tests of a file share."""
    yield from start_stand(tmp_path_factory.mktemp("stand"))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Load tests take longer than unit tests may; a soak takes half an hour."""
    for item in items:
        if not item.get_closest_marker("perf"):
            continue
        item.add_marker(pytest.mark.timeout(5_400))
        starts_its_own = {"stand", "shared_stand"} & set(getattr(item, "fixturenames", ()))
        if config.getoption("perf_target") and starts_its_own:
            item.add_marker(pytest.mark.skip("starts servers of its own: --perf-target cannot replace them"))
