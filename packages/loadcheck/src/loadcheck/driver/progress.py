"""The progress of a run while it goes on: one small file, written anew twice a second."""

from collections import deque
from pathlib import Path

import gevent
import msgspec
import numpy as np
from locust.runners import Runner

from loadcheck.driver.clock import Clock
from loadcheck.model.facts import Snapshot
from loadcheck.model.sample_file import Block

TELL_EVERY_S = 0.5
LATELY_S = 5.0


class Progress:
    """Sums up the samples of the last seconds."""

    def __init__(self, path: Path, clock: Clock, planned_s: float) -> None:
        self._path = path
        self._clock = clock
        self._planned_s = planned_s
        self._is_failure: dict[int, list[bool]] = {}
        self._failures = 0
        self._recent: deque[tuple[float, np.ndarray[tuple[int], np.dtype[np.float64]]]] = deque()
        self._greenlet: gevent.Greenlet[..., None] | None = None

    def on_block(self, data: bytes) -> None:
        """Take note of a block of samples."""
        block = msgspec.msgpack.decode(data, type=Block)
        known = self._is_failure.setdefault(block.source, [])
        known.extend(bool(label.failure) for label in block.labels)
        has_failed = np.array(known, np.bool_)[np.frombuffer(block.label, np.uint32)]
        self._failures += int(np.count_nonzero(has_failed))
        start_s, intended_s = np.frombuffer(block.start_s), np.frombuffer(block.intended_s)
        latency_ms = (start_s - intended_s) * 1_000 + np.frombuffer(block.response_ms)
        self._recent.append((self._clock.elapsed_s(), latency_ms))

    def start(self, runner: Runner) -> None:
        """Begin to write the progress."""
        self._greenlet = gevent.spawn(self._tell_often, runner)

    def stop(self) -> None:
        """Stop writing the progress."""
        if self._greenlet:
            self._greenlet.kill()

    def snapshot(self, users: int) -> Snapshot:
        """Sum up now."""
        now_s = self._clock.elapsed_s()
        while self._recent and self._recent[0][0] < now_s - LATELY_S:
            self._recent.popleft()
        latency_ms = np.concatenate([values for _, values in self._recent]) if self._recent else np.empty(0)
        return Snapshot(
            elapsed_s=now_s,
            planned_s=self._planned_s,
            users=users,
            rate_per_s=len(latency_ms) / min(LATELY_S, max(now_s, TELL_EVERY_S)),
            p95_ms=float(np.quantile(latency_ms, 0.95)) if len(latency_ms) else None,
            failures=self._failures,
        )

    def _tell_often(self, runner: Runner) -> None:
        while True:
            gevent.sleep(TELL_EVERY_S)
            half = self._path.with_suffix(".part")
            half.write_bytes(msgspec.json.encode(self.snapshot(runner.user_count)))
            half.replace(self._path)
