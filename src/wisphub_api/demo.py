"""The demo: a simulator of WispHub Net in its own process, and the settings for it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import click

from wisphub_api.setting_values import Secret
from wisphub_api.settings import Settings

SIMULATOR_STOP_WAIT_S: Final = 5
_KEY: Final = "demo-key"


def demo_settings(simulator: str) -> Settings:
    """Return the settings for a simulator at this URL: without keys, as its data is synthetic."""
    return Settings(net_host=simulator, net_key=Secret(_KEY), auth="off")


@contextmanager
def running_simulator(clients: int, latency_ms: str) -> Iterator[str]:
    """Run a simulator on a free port of this machine, and yield its URL once it answers.

    It ends with the context, or when this process dies and so closes its standard input.
    """
    command = [sys.executable, "-m", "wisphub_sim", "--port", "0", "--until-stdin-closes"]
    options = ["--clients", str(clients), "--latency-ms", latency_ms, "--key", _KEY]
    process = subprocess.Popen(  # noqa: S603  # our own module, no shell
        [*command, *options], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None  # noqa: S101  # it is a pipe
        ready = process.stdout.readline().split()
        if not ready:
            raise click.ClickException(
                f"the simulator did not start (status {process.wait(SIMULATOR_STOP_WAIT_S)})"
            )
        yield ready[-1]
    finally:
        process.terminate()
        try:
            process.wait(SIMULATOR_STOP_WAIT_S)
        except subprocess.TimeoutExpired:
            process.kill()
