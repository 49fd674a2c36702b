"""Samples on disk: blocks of columns, each as msgpack behind its length; a run needs little memory."""

from array import array
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

import msgspec
from msgspec import Struct

from loadcheck.samples import Label, Samples

BLOCK_ROWS = 256
"""How many samples the writer holds in memory, and a killed run loses at most."""
LENGTH_BYTES = 4


class Block(Struct, frozen=True, array_like=True):
    """A stretch of samples; `labels` are those that appear here for the first time, numbered on."""

    labels: tuple[Label, ...]
    start_s: bytes
    done_s: bytes
    response_ms: bytes
    size: bytes
    label: bytes


class Columns:
    """Samples being gathered, a growing array a column."""

    def __init__(self) -> None:
        self.labels: list[Label] = []
        self.start_s = array("d")
        self.done_s = array("d")
        self.response_ms = array("d")
        self.size = array("Q")
        self.label = array("I")


class SampleWriter:
    """Writes samples to a file as they come; for one thread (or one event loop)."""

    def __init__(self, path: Path) -> None:
        self._file: BinaryIO = path.open("wb")
        self._numbers: dict[Label, int] = {}
        self._rows = Columns()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._write_block()
        self._file.close()

    def add(self, label: Label, *, start_s: float, done_s: float, response_ms: float, size: int) -> None:
        """Add one sample; see `Samples` for the meaning of its columns."""
        rows = self._rows
        rows.start_s.append(start_s)
        rows.done_s.append(done_s)
        rows.response_ms.append(response_ms)
        rows.size.append(size)
        rows.label.append(self._number(label))
        if len(rows.label) >= BLOCK_ROWS:
            self._write_block()

    def _number(self, label: Label) -> int:
        number = self._numbers.get(label)
        if number is None:
            number = self._numbers[label] = len(self._numbers)
            self._rows.labels.append(label)
        return number

    def _write_block(self) -> None:
        rows, self._rows = self._rows, Columns()
        data = msgspec.msgpack.encode(
            Block(
                labels=tuple(rows.labels),
                start_s=rows.start_s.tobytes(),
                done_s=rows.done_s.tobytes(),
                response_ms=rows.response_ms.tobytes(),
                size=rows.size.tobytes(),
                label=rows.label.tobytes(),
            )
        )
        self._file.write(len(data).to_bytes(LENGTH_BYTES, "big") + data)
        self._file.flush()


def read_samples(path: Path) -> Samples:
    """Read a sample file; a last block that a killed run left half written is left out."""
    rows = Columns()
    for block in _blocks(path):
        rows.labels.extend(block.labels)
        rows.start_s.frombytes(block.start_s)
        rows.done_s.frombytes(block.done_s)
        rows.response_ms.frombytes(block.response_ms)
        rows.size.frombytes(block.size)
        rows.label.frombytes(block.label)
    return Samples(
        labels=tuple(rows.labels),
        start_s=rows.start_s,
        done_s=rows.done_s,
        response_ms=rows.response_ms,
        size=rows.size,
        label=rows.label,
    )


def _blocks(path: Path) -> Iterator[Block]:
    decoder = msgspec.msgpack.Decoder(Block)
    with path.open("rb") as file:
        while head := file.read(LENGTH_BYTES):
            length = int.from_bytes(head, "big")
            data = file.read(length)
            if len(data) < length:
                return
            yield decoder.decode(data)
