import csv
import math

from loadcheck.cli import sample_lines
from loadcheck.model.samples import Label, Row, Samples


def test_whatever_stands_in_a_name_stays_in_its_column():
    label = Label("GET", '/a?b="1",2', 200, "not\nthis, but that")
    row = Row(
        label=label,
        intended_s=1.0,
        start_s=1.5,
        first_byte_ms=math.nan,
        response_ms=2.0,
        done_s=1.502,
        size=7,
    )
    (found,) = csv.DictReader("".join(sample_lines(Samples.of_rows([row]))).splitlines(keepends=True))
    assert (found["endpoint"], found["failure"]) == (label.endpoint, label.failure)
    assert (found["latency_ms"], found["response_ms"], found["first_byte_ms"]) == ("502.0000", "2.0000", "")
