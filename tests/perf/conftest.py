"""The test stand: a simulated WispHub Net and the service, as processes on free ports, while a test runs."""

import json
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import ClassVar

import pytest

from loadcheck.server import Program, Server, serving

KEY = "perf-consumer-key"


class Upstream:
    """The simulator, which counts every call it gets."""

    def __init__(self, server: Server) -> None:
        self.server = server

    def calls(self) -> Counter[str]:
        """The calls so far, by method and path."""
        return Counter(json.loads(self.server.get("/_sim/stats")[1])["requests"])

    def call_count(self) -> float:
        """All calls so far."""
        return self.calls().total()

    def forget_calls(self) -> None:
        """Count from zero."""
        self.server.request("POST", "/_sim/reset")


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
        self, upstream: Upstream, *, is_warm: bool = True, workers: int = 1, **settings: float
    ) -> Server:
        """Start the service, with a full cache or just alive; `settings` by lower-case variable name."""
        program = Program(
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
                **{name.upper(): f"{value:g}" for name, value in settings.items()},
            },
        )
        return self._start(program)

    def _start(self, program: Program) -> Server:
        return self._stack.enter_context(serving(program, logs=self._logs))


def start_stand(logs: Path) -> Iterator[Stand]:
    with ExitStack() as stack:
        yield Stand(stack, logs)


@pytest.fixture
def stand(tmp_path: Path) -> Iterator[Stand]:
    """Servers of one test's own."""
    yield from start_stand(tmp_path)


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
