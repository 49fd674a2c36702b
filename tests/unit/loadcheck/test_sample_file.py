from pathlib import Path

from loadcheck.sample_file import BLOCK_ROWS, SampleWriter, read_samples
from loadcheck.samples import Label

GOOD = Label("GET", "/a", 200, cache="hit")
BAD = Label("GET", "/a", 500, "HTTP 500")


def write(path: Path, count: int) -> None:
    with SampleWriter(path) as writer:
        for number in range(count):
            label = BAD if number % 3 == 0 else GOOD
            writer.add(label, start_s=number, done_s=number + 0.5, response_ms=number / 7, size=number)


def test_samples_come_back_as_they_were(tmp_path: Path) -> None:
    write(tmp_path / "s", 2 * BLOCK_ROWS + 3)
    found = read_samples(tmp_path / "s")
    assert [*found.response_ms] == [number / 7 for number in range(2 * BLOCK_ROWS + 3)]
    assert found.labels == (BAD, GOOD)
    assert [*found.label][:4] == [0, 1, 1, 0]
    assert (found.start_s[-1], found.done_s[-1], found.size[-1]) == (514, 514.5, 514)


def test_a_half_written_block_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "s"
    write(path, BLOCK_ROWS + 3)
    path.write_bytes(path.read_bytes()[:-1])
    assert len(read_samples(path)) == BLOCK_ROWS


def test_full_blocks_are_on_disk_before_the_end(tmp_path: Path) -> None:
    with SampleWriter(tmp_path / "s") as writer:
        for _ in range(BLOCK_ROWS):
            writer.add(GOOD, start_s=0, done_s=0, response_ms=1, size=0)
        assert len(read_samples(tmp_path / "s")) == BLOCK_ROWS


def test_nothing_written_is_no_samples(tmp_path: Path) -> None:
    write(tmp_path / "s", 0)
    assert len(read_samples(tmp_path / "s")) == 0
