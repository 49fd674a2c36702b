"""`wisphub-api serve | demo | check | openapi`."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sys
from contextlib import suppress
from tempfile import TemporaryDirectory

import click
import msgspec
import uvicorn

from wisphub_api.demo import demo_settings, running_simulator
from wisphub_api.exceptions import SettingsError
from wisphub_api.settings import Settings, read_settings
from wisphub_api.web.server.draining_server import OPTIONS, DrainingServer
from wisphub_api.web.telemetry.logs import configure_logs
from wisphub_api.workers import Supervisor


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="wisphub-api")
def main() -> None:
    """A fast, caching gateway to WispHub Net."""


@main.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8000, show_default=True, type=click.IntRange(1, 65535))
@click.option(
    "--workers",
    default=1,
    show_default=True,
    type=click.IntRange(1, 64),
    help="Processes; SIGHUP replaces several one after the other.",
)
def serve(host: str, port: int, workers: int) -> None:
    """Serve the API; the environment, or a .env file, configures it."""
    settings = _settings()
    _refuse_busy_port(host, port)
    if workers == 1:
        _serve_alone(settings, host, port)
    else:
        _serve_by_workers(settings, host, port, workers)


@main.command()
@click.option("--port", default=8000, show_default=True, type=click.IntRange(1, 65535))
@click.option("--clients", default=2000, show_default=True, type=click.IntRange(1, 500_000))
@click.option("--latency-ms", default="250", show_default=True, help="How slow the simulator is.")
def demo(port: int, clients: int, latency_ms: str) -> None:
    """Serve synthetic data from a simulated WispHub Net, on this machine only."""
    from wisphub_api.app import create_app  # noqa: PLC0415  # the other commands need not wait for it

    _refuse_busy_port("127.0.0.1", port)
    with running_simulator(clients, latency_ms) as simulator:
        app = create_app(demo_settings(simulator))
        click.echo(f"WispHub API (demo, synthetic data) on http://127.0.0.1:{port}, API pages at /docs")
        click.echo(f"Simulated WispHub Net on {simulator}, its controls under /_sim/")
        click.echo(f"Try: curl 'http://127.0.0.1:{port}/api/v1/clients/search?q=esperanza'")
        uvicorn.run(app, host="127.0.0.1", port=port, **OPTIONS)


@main.command()
def check() -> None:
    """Check the settings, and that WispHub Net answers to them as it should."""
    configure_logs("critical")  # findings are printed; a log would repeat them
    settings = _settings()
    click.echo(f"ok      settings: {'no key is asked for' if settings.is_open else 'callers need a key'}")
    click.echo(f"asking {settings.net_host} ...")
    if failed := asyncio.run(_tell_findings(settings)):
        raise click.ClickException(f"{failed} of these failed")


@main.command()
def openapi() -> None:
    """Print the OpenAPI description as JSON."""
    from wisphub_api.app import create_app  # noqa: PLC0415  # the other commands need not wait for it

    schema = create_app(demo_settings("http://127.0.0.1")).openapi_schema.to_schema()
    click.echo(json.dumps(schema, indent=2, ensure_ascii=False, default=msgspec.to_builtins))


async def _tell_findings(settings: Settings) -> int:
    """Print each finding at once; return how many are bad."""
    from wisphub_api.check import findings  # noqa: PLC0415  # the other commands need not wait for it

    failed = 0
    async for finding in findings(settings):
        click.echo(f"{'ok' if finding.is_good else 'FAILED':6}  {finding.part}: {finding.detail}")
        failed += not finding.is_good
    return failed


def _settings() -> Settings:
    """Return the settings, or end with a list of all problems."""
    try:
        return read_settings()
    except SettingsError as error:
        hint = "\nTo look around without an account: wisphub-api demo"
        raise click.ClickException("the settings cannot be used\n" + str(error) + hint) from error


def _serve_alone(settings: Settings, host: str, port: int) -> None:
    from wisphub_api.app import create_app  # noqa: PLC0415  # likewise

    server = DrainingServer(uvicorn.Config(create_app(settings), host=host, port=port, **OPTIONS))
    with suppress(KeyboardInterrupt):
        server.run()


def _serve_by_workers(settings: Settings, host: str, port: int, count: int) -> None:
    """Run workers until a signal; without a setting they share snapshots in a temporary folder."""
    if not hasattr(signal, "SIGHUP"):
        raise click.ClickException("more than one worker cannot be had on this system: it lacks signals")
    configure_logs(settings.log_level)
    os.environ["WISPHUB_API_WORKERS"] = str(count)
    with TemporaryDirectory(prefix="wisphub-api-") as folder:
        if not (settings.snapshot_dir or settings.redis_url):
            os.environ["WISPHUB_API_SNAPSHOT_DIR"] = folder
        if not Supervisor(host, port, count).serve():
            sys.exit(1)


def _refuse_busy_port(host: str, port: int) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            why = f"cannot listen on {host}:{port}: {error.strerror}; choose another with --host or --port"
            raise click.ClickException(why) from error


if __name__ == "__main__":
    main(prog_name="wisphub-api")
