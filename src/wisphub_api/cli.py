"""`wisphub-api serve | demo | check | openapi`."""

from __future__ import annotations

import asyncio
import json
import logging
import socket
import sys
from typing import Any, Final

import click
import msgspec
import uvicorn

from wisphub_api.demo import demo_settings, running_simulator
from wisphub_api.exceptions import SettingsError, UpstreamError
from wisphub_api.settings import Settings, read_settings

STOP_WAIT_S: Final = 35
"""How long requests under way may take to finish once the service is told to stop; a long poll takes 30."""


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="wisphub-api")
def main() -> None:
    """A fast, caching gateway to WispHub Net."""


@main.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8000, show_default=True, type=click.IntRange(1, 65535))
@click.option("--workers", default=1, show_default=True, type=click.IntRange(1, 64), help="Processes.")
def serve(host: str, port: int, workers: int) -> None:
    """Serve the API; the environment, or a .env file, configures it."""
    _settings()
    _refuse_busy_port(host, port)
    uvicorn.run(
        "wisphub_api.app:create_app",
        factory=True,
        host=host,
        port=port,
        workers=workers,
        **_UVICORN,
    )


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
        uvicorn.run(app, host="127.0.0.1", port=port, **_UVICORN)


@main.command()
def check() -> None:
    """Check the settings, and that WispHub Net answers to them as it should."""
    logging.getLogger("stamina").setLevel(logging.ERROR)  # a line for each retry
    settings = _settings()
    click.echo(f"settings: good; {'no key asked for' if settings.is_open else 'callers need a key'}")
    try:
        asyncio.run(_check_upstream(settings))
    except UpstreamError as error:
        raise click.ClickException(str(error)) from error


@main.command()
def openapi() -> None:
    """Print the OpenAPI description as JSON."""
    from wisphub_api.app import create_app  # noqa: PLC0415  # the other commands need not wait for it

    schema = create_app(demo_settings("http://127.0.0.1")).openapi_schema.to_schema()
    click.echo(json.dumps(schema, indent=2, ensure_ascii=False, default=msgspec.to_builtins))


async def _check_upstream(settings: Settings) -> None:
    from wisphub_api.internet_plans.service import load_catalogue  # noqa: PLC0415  # likewise
    from wisphub_api.upstream.client import WispHubNet  # noqa: PLC0415  # likewise

    async with WispHubNet(settings) as net:
        crawl = await net.clients()
        click.echo(f"clients: {len(crawl.rows)} read, {crawl.set_aside} without a usable id set aside")
        if crawl.rows:
            wanted = crawl.rows[0].client.service_id
            if await net.find_client(wanted) is None:
                raise click.ClickException("WispHub Net does not find by its id a client that it lists")
            click.echo("one client by its id: found")
        catalogue = await load_catalogue(net, None)
        priced = sum(plan.price is not None for plan in catalogue.plans)
        click.echo(f"internet plans: {len(catalogue)} read, {priced} with a price")


def _settings() -> Settings:
    """Read the settings, or stop with every problem named."""
    try:
        return read_settings()
    except SettingsError as error:
        hint = "\nTo look around without an account: wisphub-api demo"
        raise click.ClickException("the settings cannot be used\n" + str(error) + hint) from error


def _refuse_busy_port(host: str, port: int) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            why = f"cannot listen on {host}:{port}: {error.strerror}; choose another with --host or --port"
            raise click.ClickException(why) from error


_UVICORN: Final[dict[str, Any]] = {
    "access_log": False,  # its lines hold paths and queries, which hold subscribers' data
    "http": "auto" if sys.platform == "win32" else "wisphub_api.web.bounded_http:BoundedHttp",
    "log_config": None,
    "server_header": False,
    "timeout_graceful_shutdown": STOP_WAIT_S,
}

if __name__ == "__main__":
    main(prog_name="wisphub-api")
