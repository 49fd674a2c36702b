"""Samples are written as a stream."""

import subprocess
import sys
from pathlib import Path

from loadcheck.model.sample_file import read_samples

STREAM = """
import resource, sys
from pathlib import Path
from loadcheck.model.sample_file import BlockWriter, SampleFile
from loadcheck.model.samples import Label, Row

row = Row(
    label=Label("GET", "/a", 200), intended_s=1.0, start_s=1.0, first_byte_ms=0.5, response_ms=1.0,
    done_s=1.001, size=10,
)

def peak_kb():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

before_kb = peak_kb()
with SampleFile(Path(sys.argv[1])) as file:
    writer = BlockWriter(file.append)
    for _ in range(int(sys.argv[2])):
        writer.add(row)
    writer.flush()
print(peak_kb() - before_kb)
"""


def test_half_a_million_samples_need_little_memory_to_write_and_are_read_back(tmp_path: Path) -> None:
    path, count = tmp_path / "s", 500_000
    done = subprocess.run(
        [sys.executable, "-c", STREAM, str(path), str(count)], capture_output=True, text=True, check=True
    )
    assert int(done.stdout) < 10_000  # kilobytes; the samples take 25,000
    found = read_samples(path)
    assert len(found) == count
    assert found.response_ms.sum() == count
