"""The command `python -m wisphub_sim`."""

import click

from wisphub_sim.app import create_app
from wisphub_sim.server import SimServer, bind
from wisphub_sim.settings import LONGEST_S, MOST_PER_S, Behaviour, Latency, Settings, parse_latency


class LatencyType(click.ParamType[Latency]):
    """A latency in the notation of `parse_latency`."""

    name = "latency"

    def convert(
        self, value: str | Latency, param: click.Parameter | None, ctx: click.Context | None
    ) -> Latency:
        """Return the parsed value, or fail with what is allowed."""
        try:
            return value if isinstance(value, Latency) else parse_latency(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


_SECONDS = click.FloatRange(min=0, max=LONGEST_S)


class RetryAfterType(click.ParamType[float | None]):
    """Seconds, or `none`."""

    name = "seconds|none"

    def convert(
        self, value: str | float, param: click.Parameter | None, ctx: click.Context | None
    ) -> float | None:
        """Return the parsed value, or fail with what is allowed."""
        return None if value == "none" else float(_SECONDS(value, param, ctx))


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option(
    "--port", default=8001, show_default=True, type=click.IntRange(0, 65535), help="0 takes a free one."
)
@click.option("--clients", default=2000, show_default=True, type=click.IntRange(1, 500_000))
@click.option(
    "--latency-ms",
    default="250",
    show_default=True,
    type=LatencyType(),
    help="250, 200-1000 or lognormal:250:0.5 (median and sigma).",
)
@click.option("--seed", default=1, show_default=True, help="The same seed gives the same data.")
@click.option("--key", default="demo-key", show_default=True, help="The Api-Key that callers send.")
@click.option(
    "--rate-limit",
    default=0.0,
    show_default=True,
    type=click.FloatRange(min=0, max=MOST_PER_S),
    help="Requests a second before 429s; 0: no limit.",
)
@click.option(
    "--retry-after", default="1", show_default=True, type=RetryAfterType(), help="What a 429 asks to wait."
)
@click.option("--until-stdin-closes", is_flag=True, help="Stop when the parent process is gone.")
def main(  # noqa: PLR0913, PLR0917 - one argument an option
    host: str,
    port: int,
    clients: int,
    latency_ms: Latency,
    seed: int,
    key: str,
    rate_limit: float,
    retry_after: float | None,
    until_stdin_closes: bool,  # noqa: FBT001 - click passes it by name
) -> None:
    """Stand in for WispHub Net: its paths, fields and traps, on synthetic data; controls under /_sim/."""
    behaviour = Behaviour(latency_ms, rate_limit, retry_after)
    server = SimServer(create_app(Settings(clients, seed, key, behaviour)))
    try:
        listener = bind(host, port)
    except OSError as error:
        raise click.ClickException(f"cannot listen on {host}:{port}: {error}") from error
    if until_stdin_closes:
        server.stop_when_stdin_closes()
    server.run([listener])
