"""Samples on disk: blocks of columns, each as msgpack behind its length; a run needs little memory."""

from array import array
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

import msgspec
import numpy as np
from msgspec import Struct

from loadcheck.model.samples import Label, Row, Samples

BLOCK_ROWS = 256
"""How many samples a writer holds in memory, and a killed run loses at most."""
LENGTH_BYTES = 4


class Block(Struct, frozen=True, array_like=True):
    """A stretch of one process's samples: `source` is its number, `zero` its zero of time (epoch seconds).

    `labels` are those that appear here for the first time, numbered on within their source.
    """

    source: int
    zero: float
    labels: tuple[Label, ...]
    intended_s: bytes
    start_s: bytes
    first_byte_ms: bytes
    response_ms: bytes
    done_s: bytes
    cpu_ms: bytes
    size: bytes
    label: bytes


class Columns:
    """Samples being gathered, a growing array a column."""

    def __init__(self) -> None:
        self.labels: list[Label] = []
        self.intended_s = array("d")
        self.start_s = array("d")
        self.first_byte_ms = array("d")
        self.response_ms = array("d")
        self.done_s = array("d")
        self.cpu_ms = array("d")
        self.size = array("Q")
        self.label = array("I")


class BlockWriter:
    """Gathers samples into blocks and hands each full one on, encoded; for one thread (or one event loop)."""

    def __init__(self, hand_on: Callable[[bytes], None], *, source: int = 0, zero: float = 0.0) -> None:
        self._hand_on = hand_on
        self._source = source
        self._zero = zero
        self._numbers: dict[Label, int] = {}
        self._rows = Columns()

    def add(self, row: Row) -> None:
        """Add one sample."""
        rows = self._rows
        rows.intended_s.append(row.intended_s)
        rows.start_s.append(row.start_s)
        rows.first_byte_ms.append(row.first_byte_ms)
        rows.response_ms.append(row.response_ms)
        rows.done_s.append(row.done_s)
        rows.cpu_ms.append(row.cpu_ms)
        rows.size.append(row.size)
        rows.label.append(self._number(row.label))
        if len(rows.label) >= BLOCK_ROWS:
            self.flush()

    def flush(self) -> None:
        """Hand on what there is; nothing when there is nothing."""
        rows, self._rows = self._rows, Columns()
        if not rows.label:
            return
        self._hand_on(
            msgspec.msgpack.encode(
                Block(
                    source=self._source,
                    zero=self._zero,
                    labels=tuple(rows.labels),
                    intended_s=rows.intended_s.tobytes(),
                    start_s=rows.start_s.tobytes(),
                    first_byte_ms=rows.first_byte_ms.tobytes(),
                    response_ms=rows.response_ms.tobytes(),
                    done_s=rows.done_s.tobytes(),
                    cpu_ms=rows.cpu_ms.tobytes(),
                    size=rows.size.tobytes(),
                    label=rows.label.tobytes(),
                )
            )
        )

    def _number(self, label: Label) -> int:
        number = self._numbers.get(label)
        if number is None:
            number = self._numbers[label] = len(self._numbers)
            self._rows.labels.append(label)
        return number


class SampleFile:
    """A file that takes blocks as they come, from one process or several."""

    def __init__(self, path: Path) -> None:
        self._file: BinaryIO = path.open("wb")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def append(self, block: bytes) -> None:
        """Write one encoded block."""
        self._file.write(len(block).to_bytes(LENGTH_BYTES, "big") + block)
        self._file.flush()


def write_samples(path: Path, samples: Samples) -> None:
    """Write samples that were not taken by the load generator."""
    with SampleFile(path) as file:
        writer = BlockWriter(file.append)
        columns = zip(
            samples.label,
            samples.intended_s.tolist(),
            samples.start_s.tolist(),
            samples.first_byte_ms.tolist(),
            samples.response_ms.tolist(),
            samples.done_s.tolist(),
            samples.cpu_ms.tolist(),
            samples.size.tolist(),
            strict=True,
        )
        for index, intended_s, start_s, first_byte_ms, response_ms, done_s, cpu_ms, size in columns:
            writer.add(
                Row(
                    label=samples.labels[index],
                    intended_s=intended_s,
                    start_s=start_s,
                    first_byte_ms=first_byte_ms,
                    response_ms=response_ms,
                    done_s=done_s,
                    cpu_ms=cpu_ms,
                    size=size,
                )
            )
        writer.flush()


def read_samples(path: Path, zero: float = 0.0) -> Samples:
    """Read a sample file in the order in which requests ended, times counted from `zero` (epoch seconds).

    A last block that a killed run left half written is left out.
    """
    blocks = tuple(_blocks(path))
    if not blocks:
        return Samples()
    numbers: dict[Label, int] = {}
    tables: dict[int, list[int]] = {}
    label = []
    for block in blocks:
        table = tables.setdefault(block.source, [])
        table.extend(numbers.setdefault(each, len(numbers)) for each in block.labels)
        label.append(np.array(table, np.uint32)[np.frombuffer(block.label, np.uint32)])
    shift_s = np.repeat([block.zero - zero for block in blocks], [len(part) for part in label])
    done_s = _column(blocks, "done_s") + shift_s
    samples = Samples(
        labels=tuple(numbers),
        intended_s=_column(blocks, "intended_s") + shift_s,
        start_s=_column(blocks, "start_s") + shift_s,
        first_byte_ms=_column(blocks, "first_byte_ms"),
        response_ms=_column(blocks, "response_ms"),
        done_s=done_s,
        cpu_ms=_column(blocks, "cpu_ms"),
        size=np.frombuffer(b"".join(block.size for block in blocks), np.uint64),
        label=np.concatenate(label),
    )
    return samples.kept(np.argsort(done_s, kind="stable"))


def _column(blocks: tuple[Block, ...], name: str) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return np.frombuffer(b"".join(getattr(block, name) for block in blocks), np.float64)


def _blocks(path: Path) -> Iterator[Block]:
    decoder = msgspec.msgpack.Decoder(Block)
    with path.open("rb") as file:
        while len(head := file.read(LENGTH_BYTES)) == LENGTH_BYTES:
            length = int.from_bytes(head, "big")
            data = file.read(length)
            if len(data) < length:
                return
            yield decoder.decode(data)
