import math
from pathlib import Path

import numpy as np
import pytest

from loadcheck.model.sample_file import BLOCK_ROWS, BlockWriter, SampleFile, read_samples, write_samples
from loadcheck.model.samples import Label, Row, Samples

GOOD = Label("GET", "/a", 200, cache="hit")
BAD = Label("GET", "/a", 500, "HTTP 500")
OTHER = Label("GET", "/b", 200)


def row(label: Label, done_s: float, *, first_byte_ms: float = 1.5) -> Row:
    return Row(
        label=label,
        intended_s=done_s - 0.2,
        start_s=done_s - 0.1,
        first_byte_ms=first_byte_ms,
        response_ms=100.0,
        done_s=done_s,
        size=int(done_s),
    )


def write(path: Path, count: int) -> None:
    with SampleFile(path) as file:
        writer = BlockWriter(file.append)
        for number in range(count):
            writer.add(row(BAD if number % 3 == 0 else GOOD, number))
        writer.flush()


def test_samples_come_back_as_they_were(tmp_path: Path) -> None:
    count = 2 * BLOCK_ROWS + 3
    write(tmp_path / "s", count)
    found = read_samples(tmp_path / "s")
    assert [*found.done_s] == [*range(count)]
    assert found.labels == (BAD, GOOD)
    assert [*found.label][:4] == [0, 1, 1, 0]
    assert [*found.intended_s] == [number - 0.2 for number in range(count)]
    assert [*found.start_s] == [number - 0.1 for number in range(count)]
    assert (found.first_byte_ms[-1], found.response_ms[-1], found.size[-1]) == (1.5, 100.0, count - 1)


def test_several_processes_samples_are_put_in_order_with_their_own_labels_and_clocks(tmp_path: Path) -> None:
    with SampleFile(tmp_path / "s") as file:
        first = BlockWriter(file.append, source=0, zero=1_000.0)
        second = BlockWriter(file.append, source=1, zero=1_001.0)
        first.add(row(GOOD, 1.0))
        first.flush()
        second.add(row(OTHER, 0.5))
        second.add(row(GOOD, 1.5))
        second.flush()
        first.add(row(BAD, 2.0))  # its second label is the third of all
        first.flush()
    found = read_samples(tmp_path / "s", zero=999.0)
    assert [*found.done_s] == [2.0, 2.5, 3.0, 3.5]
    assert [found.labels[number] for number in found.label] == [GOOD, OTHER, BAD, GOOD]
    assert [*found.intended_s] == pytest.approx([1.8, 2.3, 2.8, 3.3])
    assert [*found.start_s] == pytest.approx([1.9, 2.4, 2.9, 3.4])
    assert [*found.response_ms] == [100.0] * 4


def test_a_half_written_block_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "s"
    write(path, BLOCK_ROWS + 3)
    path.write_bytes(path.read_bytes()[:-1])
    assert len(read_samples(path)) == BLOCK_ROWS


@pytest.mark.parametrize("written", [1, 2, 3, 4])
def test_a_block_of_which_hardly_the_length_was_written_is_left_out(tmp_path: Path, written: int) -> None:
    path = tmp_path / "s"
    write(path, BLOCK_ROWS)
    whole = path.read_bytes()
    path.write_bytes(whole + whole[:written])
    assert len(read_samples(path)) == BLOCK_ROWS


def test_full_blocks_are_on_disk_before_the_end(tmp_path: Path) -> None:
    with SampleFile(tmp_path / "s") as file:
        writer = BlockWriter(file.append)
        for number in range(BLOCK_ROWS):
            writer.add(row(GOOD, number))
        assert len(read_samples(tmp_path / "s")) == BLOCK_ROWS


def test_flushing_nothing_writes_nothing(tmp_path: Path) -> None:
    write(tmp_path / "s", 0)
    assert (tmp_path / "s").stat().st_size == 0
    assert len(read_samples(tmp_path / "s")) == 0


def test_samples_that_are_at_hand_can_be_written(tmp_path: Path) -> None:
    rows = [row(GOOD, 1.0), row(BAD, 2.0, first_byte_ms=math.nan), row(GOOD, 3.0)]
    write_samples(tmp_path / "s", Samples.of_rows(rows))
    found = read_samples(tmp_path / "s")
    assert [*found.done_s] == [1.0, 2.0, 3.0]
    assert [*found.start_s] == [0.9, 1.9, 2.9]
    assert [*found.intended_s] == [0.8, 1.8, 2.8]
    assert [*found.size] == [1, 2, 3]
    assert [found.labels[number] for number in found.label] == [GOOD, BAD, GOOD]
    assert [*np.isnan(found.first_byte_ms)] == [False, True, False]
