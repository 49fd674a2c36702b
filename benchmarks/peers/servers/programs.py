"""How each server is started."""

import secrets
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from benchmarks.peers.answers import Answer
from loadcheck.run.server import Program
from loadcheck.run.target import HOST

HERE = Path(__file__).parent
ALLOWED_HOST: Final = "api.example.com"
NET_KEY: Final = "demo-key"
NEVER_S: Final = "604800"
UVICORN: Final = (
    *("-m", "uvicorn", "--host", HOST, "--port", "{port}", "--loop", "uvloop", "--http", "httptools"),
    *("--no-access-log", "--no-server-header", "--log-level", "warning", "--app-dir", str(HERE)),
)
GRANIAN: Final = (
    *("-m", "granian", "--interface", "asgi", "--host", HOST, "--port", "{port}", "--http", "1", "--no-ws"),
    *("--workers", "1", "--runtime-threads", "1", "--runtime-mode", "st", "--loop", "uvloop"),
    *("--log-level", "warning", "--working-dir", str(HERE)),
)
BARE_APP: Final = ("bare_app:create_app", "--factory")


def bare_app(answers: Path) -> Program:
    """Return the limit: what it sends is in a file."""
    return _python("bare", *UVICORN, *BARE_APP, PEERS_ANSWERS=str(answers))


def bare_app_on_granian(answers: Path) -> Program:
    """Return the same app on another server: one worker with one thread, as uvicorn is."""
    return _python("granian", *GRANIAN, *BARE_APP, PEERS_ANSWERS=str(answers))


def litestar_app() -> Program:
    """Return the Litestar handler."""
    return _python("litestar", *UVICORN, "litestar_app:create_app", "--factory")


def fastapi_app(net: str, key: str, gzip: str = "") -> Program:
    """Return the FastAPI service, which caches as long as a run may last."""
    return _python(
        "fastapi",
        *UVICORN,
        "fastapi_app:app",
        PEERS_NET=net,
        PEERS_NET_KEY=NET_KEY,
        PEERS_API_KEY=key,
        PEERS_TTL=NEVER_S,
        PEERS_GZIP=gzip,
    )


def forwarded(key: str) -> dict[str, str]:
    """Return the headers of a request as nginx forwards it."""
    return {"Host": ALLOWED_HOST, "X-Request-ID": secrets.token_hex(16), "X-API-Key": key}


def simulator(clients: int, latency_ms: int) -> Program:
    """Return WispHub Net's stand-in."""
    options = (f"--clients={clients}", f"--latency-ms={latency_ms}", "--seed=1", f"--key={NET_KEY}")
    command = (sys.executable, "-m", "wisphub_sim", "--port={port}", *options)
    return Program(name="simulator", command=command, ready_path="/_sim/stats")


def service(net: str, key: str, ready_path: str = "/health/ready", workers: int = 1) -> Program:
    """Return the service as it is run behind nginx, all but traces; nothing is refreshed meanwhile."""
    return Program(
        name="wisphub-api",
        command=(sys.executable, "-m", "wisphub_api.cli", "serve", "--port={port}", f"--workers={workers}"),
        ready_path=ready_path,
        env={
            "WISPHUB_NET_HOST": net,
            "WISPHUB_NET_KEY": NET_KEY,
            "WISPHUB_API_KEYS": f"peers:{key}",
            "WISPHUB_API_ALLOWED_HOSTS": ALLOWED_HOST,
            "WISPHUB_API_RATE_LIMIT": "9999999/second",  # counted, and never reached
            "WISPHUB_API_CLIENTS_TTL": NEVER_S,
            "WISPHUB_API_PLANS_TTL": NEVER_S,
            "WISPHUB_API_PAYMENT_METHODS_TTL": NEVER_S,
        },
    )


def traced(collector: str) -> dict[str, str]:
    """Return the settings of traces; OpenTelemetry reads the sampler's itself."""
    return {
        "OTEL_EXPORTER_OTLP_ENDPOINT": collector,
        "OTEL_TRACES_SAMPLER": "parentbased_traceidratio",
        "OTEL_TRACES_SAMPLER_ARG": "0.01",
    }


def redis_server() -> Program:
    """Return Redis, which keeps nothing on disk."""
    options = ("--bind", HOST, "--port", "{port}", "--save", "", "--appendonly", "no")
    return Program(name="redis", command=("redis-server", *options))


def floor(recorded: Mapping[str, Sequence[tuple[str, Answer]]], folder: Path) -> Program:
    """Compile the C program, write its answers where it reads them, and return it."""
    program, table = folder / "floor", folder / "floor.table"
    compiler = ("gcc", "-O2", "-o", str(program), str(HERE / "floor.c"))
    subprocess.run(compiler, check=True, timeout=60)  # noqa: S603  # our own words
    with table.open("wb") as file:
        for case, answers in recorded.items():
            for path, answer in answers:
                sent = answer.on_the_wire()
                file.write(f"{case} {path} {len(sent)}\n".encode() + sent)
    return Program(name="floor", command=(str(program), "{port}", str(table)))


def _python(name: str, *words: str, **settings: str) -> Program:
    """Return a Python program with its environment."""
    return Program(name=name, command=(sys.executable, *words), env=settings)
