"""The argument of commands that read `results.json`."""

from pathlib import Path
from typing import Final

import click

from loadcheck.report import Record, read_record

FILE: Final = click.Path(exists=True, dir_okay=False, path_type=Path)
NEW_FILE: Final = click.Path(dir_okay=False, path_type=Path)
RESULTS: Final = click.argument("results", type=FILE)


def record_in(path: Path) -> Record:
    """Read a record; raises click's exception, to be told in one line, when it is none."""
    try:
        return read_record(path)
    except (OSError, ValueError) as error:
        raise click.ClickException(f"{path} is no record of load tests: {error}") from error
