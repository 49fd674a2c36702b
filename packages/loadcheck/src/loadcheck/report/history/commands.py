"""`loadcheck history | trend`: the long view of load tests."""

from pathlib import Path
from typing import Final

import click

from loadcheck.report import Record, read_record
from loadcheck.report.history.measurements import add_to_history, measurement, read_history
from loadcheck.report.history.page import render_history

FILE: Final = click.Path(exists=True, dir_okay=False, path_type=Path)
NEW_FILE: Final = click.Path(dir_okay=False, path_type=Path)
RESULTS: Final = click.argument("results", type=FILE)


def record_in(path: Path) -> Record:
    """Read a record; raises click's exception, which is shown in one line, when it is none."""
    try:
        return read_record(path)
    except (OSError, ValueError) as error:
        raise click.ClickException(f"{path} is no record of load tests: {error}") from error


@click.command()
@RESULTS
@click.option("--to", "path", type=NEW_FILE, required=True, help="The history, such as history.jsonl.")
def history(results: Path, path: Path) -> None:
    """Add the figures in RESULTS (results.json) to a history, a line for each commit.

    Void scenarios leave no figures.
    """
    record = record_in(results)
    try:
        found = measurement(record)
    except ValueError as error:
        raise click.ClickException(f"{results} cannot be added to a history: {error}") from error
    try:
        add_to_history(path, found)
    except ValueError as error:
        raise click.ClickException(f"{path} is left as it is: {error}") from error
    except OSError as error:
        raise click.ClickException(f"{path} cannot be read and written: {error.strerror}") from error
    for each in found.scenarios:
        if each.void_reasons:
            click.echo(f"{each.scenario} is void and leaves no figures: {'; '.join(each.void_reasons)}")
    click.echo(path)


@click.command()
@click.argument("path", metavar="HISTORY", type=FILE)
@click.option("--out", type=NEW_FILE, help="[default: trend.html beside it]")
def trend(path: Path, out: Path | None) -> None:
    """Draw trend.html from HISTORY (history.jsonl): the commits at which a figure moved for good."""
    try:
        found = read_history(path)
    except (OSError, ValueError) as error:
        raise click.ClickException(f"{path} is no history of load tests: {error}") from error
    try:
        page = render_history(found)
    except ModuleNotFoundError as error:
        raise click.ClickException(f"changes are found by apache-otava: {error}") from error
    out = out or path.with_name("trend.html")
    try:
        out.write_text(page, encoding="utf-8")
    except OSError as error:
        raise click.ClickException(f"{out} cannot be written: {error.strerror}") from error
    click.echo(out)
