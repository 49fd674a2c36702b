"""Every file of results, from a session's record and the samples beside it."""

from pathlib import Path

from loadcheck.report.finished import Finished, finished
from loadcheck.report.gitlab import metrics_text, write_load_performance
from loadcheck.report.locust_csv import write_locust_csv
from loadcheck.report.page import Section, render_page, section
from loadcheck.report.results_file import Record, encode_record
from loadcheck.report.summary import write_summary


def write_all(out: Path, record: Record) -> None:
    """Write everything into `out`, beside the scenarios' folders; one scenario is in memory at a time."""
    out.mkdir(parents=True, exist_ok=True)
    (out / "results.json").write_bytes(encode_record(record))  # first: the rest can be redrawn from it
    write_summary(out / "summary.csv", record.results)
    (out / "metrics.txt").write_text(metrics_text(record.results), encoding="utf-8")
    sections = tuple(
        _write_one(out, number, finished(out, result)) for number, result in enumerate(record.results, 1)
    )
    (out / "report.html").write_text(render_page(record, sections), encoding="utf-8")


def write_report(path: Path, folder: Path, record: Record) -> None:
    """Draw the page anew, with the samples in `folder`."""
    sections = tuple(
        section(number, finished(folder, result)) for number, result in enumerate(record.results, 1)
    )
    path.write_text(render_page(record, sections), encoding="utf-8")


def _write_one(out: Path, number: int, run: Finished) -> Section:
    folder = out / run.result.folder
    if not run.missing:
        write_locust_csv(folder, run)
        summary = folder / "load-performance.json"
        summary.unlink(missing_ok=True)  # an earlier session's would be shown for this one's
        if not run.result.void_reasons:
            write_load_performance(summary, run.measured())
    return section(number, run)
