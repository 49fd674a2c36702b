import csv
import re
from importlib.metadata import distribution

import msgspec
import numpy as np
import pytest

from loadcheck.model.samples import Samples
from loadcheck.report.finished import Finished, finished
from loadcheck.report.locust_csv import FAILURES, HISTORY, STATS, write_locust_csv


@pytest.fixture
def written(tmp_path, session_folder, results):
    """Write one scenario's files and read them again."""

    def read(scenario):
        run = finished(session_folder, results[scenario])
        write_locust_csv(tmp_path, run)
        return run, [
            list(csv.DictReader((tmp_path / f"{scenario}_{name}.csv").read_text().splitlines()))
            for name in ("stats", "stats_history", "failures")
        ]

    return read


def locust_columns(name):
    """Read the columns from Locust's source: importing it would patch this process."""
    source = distribution("locust").locate_file("locust/stats.py").read_text()
    _, _, body = source.partition(f"self.{name} = [")
    return re.findall(r'"([^"]+)"', body.partition("]")[0])


@pytest.mark.parametrize(
    ("name", "ours"),
    [("requests_csv_columns", STATS), ("stats_history_csv_columns", HISTORY), ("failures_columns", FAILURES)],
)
def test_the_columns_are_those_of_the_installed_locust(name, ours):
    named = [column for column in ours if not column.endswith("%")]
    assert locust_columns(name) == named


def test_the_totals_are_the_figures_that_were_judged(written, results):
    _, (stats, _, _) = written("documented_load")
    total, figures = stats[-1], results["documented_load"].judgements[0].figures
    assert total["Name"] == "Aggregated"
    assert (int(total["Request Count"]), int(total["Failure Count"])) == (figures.requests, figures.failures)
    assert float(total["95%"]) == pytest.approx(figures.p95_ms, abs=1e-3)
    assert float(total["Average Response Time"]) == pytest.approx(figures.mean_ms, abs=1e-3)
    assert float(total["Requests/s"]) == pytest.approx(figures.rate_per_s, rel=0.01)


def test_each_endpoint_has_a_line(written):
    run, (stats, _, _) = written("documented_load")
    assert [row["Name"] for row in stats[:-1]] == list(run.judged.endpoints())
    assert sum(int(row["Request Count"]) for row in stats[:-1]) == int(stats[-1]["Request Count"])


def test_the_history_ends_with_the_totals(written):
    run, (stats, history, _) = written("documented_load")
    assert len(history) == 30
    assert int(history[-1]["Total Request Count"]) == np.count_nonzero(run.judged.done_s <= 33)
    assert int(history[-1]["Timestamp"]) == 1_760_000_033
    assert history[-1]["User Count"] == "50"
    assert float(history[-1]["Total Max Response Time"]) == float(stats[-1]["Max Response Time"])


def test_the_history_tells_the_last_ten_seconds(written):
    _, (_, history, _) = written("documented_load")
    slow = [int(row["Timestamp"]) - 1_760_000_000 for row in history if float(row["100%"]) > 900]
    assert (min(slow), max(slow)) == (16, 25)  # the stall ended between 15 s and 16 s


def test_failures_tell_when_they_were_seen(written):
    _, (_, _, failures) = written("documented_load")
    assert sum(int(row["Occurrences"]) for row in failures) == 17
    assert {row["First Seen"] for row in failures} == {"2025-10-09T08:53:45Z"}
    assert {row["Error"] for row in failures} == {"HTTP 503", "not the client that was asked for"}


def test_where_nothing_succeeded_percentiles_are_not_available(tmp_path, results):
    result = msgspec.structs.replace(results["ttl_expiry"], generator=None)
    write_locust_csv(tmp_path, Finished(result=result, samples=Samples()))
    total = (tmp_path / "ttl_expiry_stats.csv").read_text().splitlines()[-1]
    assert total == ",Aggregated,0,0,0,0,0,0,0,0.0,0.0" + ",N/A" * 11
