"""`loadcheck report | verdict | samples | schema | history | trend`: look again at finished load tests.

`micro` compares micro-benchmarks.
"""

import os
import sys
from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final

import click
import msgspec
import numpy as np

from loadcheck.compare.micro.commands import micro
from loadcheck.compare.report import files as comparison_files
from loadcheck.judge.measured import Measured
from loadcheck.judge.scenario import DROPS, claims_on_drops
from loadcheck.judge.verdicts import judge, with_the_rest
from loadcheck.model.facts import GeneratorFacts
from loadcheck.model.judgement import Check, Judgement
from loadcheck.model.objectives import Objective, Verdict, objective, worst
from loadcheck.model.result import Result
from loadcheck.model.sample_file import read_samples
from loadcheck.model.samples import Samples
from loadcheck.report import Record, render_table, results_file, write_report
from loadcheck.report.finished import SAMPLE_FILE, finished
from loadcheck.report.history.commands import NEW_FILE, RESULTS, history, record_in, trend
from loadcheck.report.words import doubts

EXIT_CODES: Final[dict[Verdict, int]] = {"met": 0, "missed": 1, "inconclusive": 2, "void": 3}
USAGE: Final = 64
"""The exit code of a wrong call (sysexits.h), apart from every verdict's."""

SCHEMAS: Final = {"results": results_file.schema, "compare": comparison_files.schema}

INTERRUPTED: Final = 130
BROKEN_PIPE: Final = 141
"""As shells tell of a program that SIGINT or SIGPIPE ended: 128 and the signal's number."""

TABLE_WIDTH: Final = 120


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command; a wrong call is reported in one line and ends with code 64."""
    try:
        with commands.make_context(
            "loadcheck", list(sys.argv[1:] if arguments is None else arguments)
        ) as context:
            code = commands.invoke(context) or 0
    except click.exceptions.Exit as end:
        code = end.exit_code
    except click.ClickException as error:
        click.echo(f"loadcheck: {error.format_message()}", err=True)
        code = USAGE
    except KeyboardInterrupt:
        code = INTERRUPTED
    except BrokenPipeError:  # whoever read has enough; click itself would end with 1, which is a verdict
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # so that the last flush is quiet, too
        code = BROKEN_PIPE
    sys.exit(code)


@click.group(context_settings={"help_option_names": ["-h", "--help"]}, no_args_is_help=False)
def commands() -> None:
    """Look again at load tests that were run; compare micro-benchmarks."""


commands.add_command(history)
commands.add_command(trend)
commands.add_command(micro)


@commands.command()
@RESULTS
@click.option("--out", type=NEW_FILE, help="[default: report.html beside it]")
def report(results: Path, out: Path | None) -> None:
    """Draw report.html anew from RESULTS (results.json) and the samples beside it."""
    path = out or results.with_name("report.html")
    try:
        write_report(path, results.parent, record_in(results))
    except OSError as error:
        raise click.ClickException(f"{path} cannot be written: {error.strerror}") from error
    click.echo(path)


@commands.command()
@RESULTS
@click.option("--scenario", help="Judge this one alone.")
@click.option(
    "--objective",
    "promised",
    multiple=True,
    help='Instead of the recorded ones: "p95_ms=10" or "/api/x: p95_ms=8, min_hit_ratio=1". Repeatable.',
)
def verdict(results: Path, scenario: str | None, promised: tuple[str, ...]) -> int:
    """Judge the samples beside RESULTS (results.json) again, by the recorded objectives or by others.

    The exit code tells the worst verdict: 0 met, 1 missed, 2 inconclusive, 3 void; 64 is a wrong call.
    """
    objectives = tuple(_objective(text) for text in promised)
    chosen = _chosen(record_in(results), scenario)
    judged = [_judged(results.parent, result, objectives) for result in chosen]
    click.echo(render_table(judged, TABLE_WIDTH, has_colour=sys.stdout.isatty()))
    for line in (doubt for result in judged for doubt in doubts(result)):
        click.echo(line)
    return EXIT_CODES[worst(result.verdict for result in judged)]


@commands.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
def samples(folder: Path) -> None:
    """Print the samples in a scenario's FOLDER as CSV; times are seconds since the start of the run."""
    try:
        found = read_samples(folder / SAMPLE_FILE, _zero(folder))
    except FileNotFoundError as error:
        raise click.ClickException(f"{folder} holds no {SAMPLE_FILE}") from error
    except (OSError, ValueError) as error:
        raise click.ClickException(f"{folder / SAMPLE_FILE} is no file of samples") from error
    for chunk in sample_lines(found):
        click.echo(chunk, nl=False)


@commands.command()
@click.argument("what", type=click.Choice(list(SCHEMAS)), default="results")
def schema(what: str) -> None:
    """Print the JSON Schema of results.json, or that of compare.json (`loadcheck schema compare`)."""
    click.echo(SCHEMAS[what](), nl=False)


def _chosen(record: Record, scenario: str | None) -> tuple[Result, ...]:
    """Choose the last attempt of each scenario: a void run that was repeated has no say."""
    last: dict[str, int] = {}
    for result in record.results:
        last[result.scenario] = max(last.get(result.scenario, 0), result.attempt)
    if scenario is not None and scenario not in last:
        raise click.UsageError(f"no scenario {scenario!r}; there are: {_meant(scenario, last)}")
    return tuple(
        result
        for result in record.results
        if scenario in (None, result.scenario) and result.attempt == last[result.scenario]
    )


def _objective(text: str) -> Objective:
    """Read `p95_ms=10, min_hit_ratio=1`, with or without an endpoint and a colon before it."""
    head, equals, tail = text.partition("=")
    endpoint, _, first = head.rpartition(":")
    limits = {}
    for promise in f"{first}{equals}{tail}".split(","):
        name, _, value = promise.partition("=")
        limits[name.strip()] = _number(promise, value)
    try:
        return objective(endpoint.strip() or None, **limits)
    except ValueError as error:
        raise click.UsageError(str(error)) from error


def _number(promise: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = np.nan
    if not np.isfinite(value):
        raise click.UsageError(f"{promise.strip()!r} is no objective: write metric=number, such as p95_ms=10")
    return value


def _judged(folder: Path, result: Result, objectives: tuple[Objective, ...]) -> Result:
    """Judge a result again; why it was void, and its claims, stay as they were recorded.

    Without its samples it cannot be judged by anything: it is void. One that has but claims is left as it is.
    """
    if not result.judgements:
        return result
    run = finished(folder, result)
    if run.missing:
        return msgspec.structs.replace(
            result, judgements=(), void_reasons=(*result.void_reasons, run.missing)
        )
    measured = run.measured()
    promised = objectives or tuple(judgement.objective for judgement in result.judgements)
    _refuse_unknown_endpoints(objectives, measured.samples)
    judgements = tuple(_judge(each, measured) for each in with_the_rest(promised, measured))
    return msgspec.structs.replace(result, judgements=judgements, claims=_claims(result, promised))


def _claims(result: Result, promised: tuple[Objective, ...]) -> tuple[Check, ...]:
    """Keep the test's own; whether arrivals may be dropped is for the objectives to say."""
    own = tuple(check for check in result.claims if check.limit.metric != DROPS)
    arrivals = result.generator.arrivals if result.generator else None
    return (*claims_on_drops(arrivals, promised), *own)


def _judge(promised: Objective, measured: Measured) -> Judgement:
    try:
        return judge(promised, measured)
    except LookupError as error:
        raise click.UsageError(str(error.args[0])) from error


def _refuse_unknown_endpoints(promised: tuple[Objective, ...], found: Samples) -> None:
    known = found.endpoints()
    for each in promised:
        if each.endpoint is not None and each.endpoint not in known:
            raise click.UsageError(
                f"nothing asked {each.endpoint!r}; there are: {_meant(each.endpoint, known)}"
            )


def _meant(name: str, known: Any) -> str:
    """Name what comes closest, or everything."""
    return ", ".join(get_close_matches(name, known) or sorted(known))


def _zero(folder: Path) -> float:
    """Return the start of the run in seconds since the epoch; 0 where only the samples know it."""
    try:
        facts = msgspec.json.decode((folder / "facts.json").read_bytes(), type=GeneratorFacts)
    except (OSError, msgspec.MsgspecError):
        return 0.0
    return facts.started_at


COLUMNS: Final = (
    "intended_s,start_s,done_s,method,endpoint,status,"
    "latency_ms,response_ms,first_byte_ms,bytes,cache,failure"
)
CHUNK: Final = 10_000


def sample_lines(found: Samples) -> Iterator[str]:
    """Yield the lines, many at a time: the head first, then one a request in the order of their ends."""
    yield f"{COLUMNS}\r\n"
    for start in range(0, len(found), CHUNK):
        part = found.kept(np.arange(start, min(start + CHUNK, len(found))))
        yield "".join(f"{line}\r\n" for line in _lines(part))


def _lines(part: Samples) -> Iterator[str]:
    columns = (part.intended_s, part.start_s, part.done_s, part.latency_ms, part.response_ms)
    rows = zip(
        part.label, *(column.tolist() for column in columns), part.first_byte_ms, part.size, strict=True
    )
    for index, intended_s, start_s, done_s, latency_ms, response_ms, first_byte_ms, size in rows:
        label = part.labels[index]
        times = f"{intended_s:.6f},{start_s:.6f},{done_s:.6f}"
        known = f"{label.method},{_quoted(label.endpoint)},{label.status}"
        first = "" if np.isnan(first_byte_ms) else f"{first_byte_ms:.4f}"
        sizes = f"{latency_ms:.4f},{response_ms:.4f},{first},{size}"
        yield f"{times},{known},{sizes},{label.cache},{_quoted(label.failure)}"


def _quoted(text: str) -> str:
    """Quote as RFC 4180 asks where a text holds what separates."""
    if not any(sign in text for sign in ',"\r\n'):
        return text
    return '"' + text.replace('"', '""') + '"'
