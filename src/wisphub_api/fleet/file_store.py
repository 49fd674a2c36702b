"""Counts, holds and notes in a file, for the processes of one machine; in memory while it cannot be used."""

from __future__ import annotations

import asyncio
import logging
import os
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Final, TypeVar

from wisphub_api.fleet.seal import Seal, SealBroken
from wisphub_api.fleet.spending import Batches, Limit, Spending, Spent, Window, decide
from wisphub_api.fleet.store import Hold, MemoryStore, new_token

T = TypeVar("T")
logger = logging.getLogger(__name__)

LOCK_WAIT_S: Final = 3.0
"""How long one process may wait for another's writing: microseconds, unless that one is held up."""
UNUSABLE: Final = (sqlite3.Error, OSError)
CLEAN_EVERY: Final = 1_000
"""After so many writes, what has ended is removed."""

_TABLES: Final = """
PRAGMA journal_mode = WAL;
PRAGMA synchronous = NORMAL;
CREATE TABLE IF NOT EXISTS counts (key TEXT PRIMARY KEY, used INTEGER, ends REAL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS holds (key TEXT, token TEXT, ends REAL, PRIMARY KEY (key, token)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS notes (key TEXT PRIMARY KEY, note BLOB, ends REAL) WITHOUT ROWID;
"""
_WINDOW: Final = "SELECT used, ends FROM counts WHERE key = ?"
_SET_WINDOW: Final = "INSERT OR REPLACE INTO counts VALUES (?, ?, ?)"
_HOLD: Final = """
INSERT INTO holds SELECT :key, :token, :now + :seconds
WHERE (SELECT count(*) FROM holds WHERE key = :key AND ends > :now AND ends <= :now + :longest) < :most
"""
LONGEST_HOLD_S: Final = 3_600.0
"""A place that is held for longer was taken before the clock was set back."""


class FileStore:
    """A store that the processes of one machine share by a SQLite file, mode 0600.

    Args:
        folder: Where it is, or is made.
        seal: Seals the notes, and makes the keys illegible.
        clock: Seconds since the epoch.
    """

    def __init__(self, folder: Path, seal: Seal, clock: Callable[[], float] = time.time) -> None:
        self._path = folder / "store.sqlite"
        self._seal = seal
        self._clock = clock
        self._own = MemoryStore()
        self._connection: sqlite3.Connection | None = None
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="store")
        self._batches = Batches(self._spend)
        self._writes = 0
        self._is_failing = False

    async def spend(self, limits: Sequence[Limit], amount: int = 1) -> Spent:
        """Count an amount under all these limits, or nothing."""
        return await self._batches.add(Spending(limits, amount))

    def spend_now(self, limits: Sequence[Limit], amount: int = 1) -> None:
        """Return None: what others have counted has to be asked for."""

    async def hold(self, key: str, for_s: float, most: int = 1) -> Hold | None:
        """Take one of `most` places."""
        hold = Hold(key, new_token())
        values = {
            "key": self._seal.digest(key),
            "token": hold.token,
            "most": most,
            "now": self._clock(),
            "seconds": for_s,
            "longest": LONGEST_HOLD_S,
        }
        try:
            held = await self._do(lambda db: db.execute(_HOLD, values).rowcount)
        except UNUSABLE:
            return await self._own.hold(key, for_s, most)
        return hold if held else None

    async def release(self, hold: Hold) -> None:
        """Give a place back."""
        await self._own.release(hold)
        key = self._seal.digest(hold.key)
        await self._try("DELETE FROM holds WHERE key = ? AND token = ?", key, hold.token)

    async def read(self, key: str) -> bytes | None:
        """Give the note under this key."""
        name = self._seal.digest(key)
        select = "SELECT note FROM notes WHERE key = ? AND ends > ?"
        try:
            row = await self._do(lambda db: db.execute(select, (name, self._clock())).fetchone())
            return self._seal.open(row[0], name) if row else None
        except SealBroken:
            return None
        except UNUSABLE:
            return await self._own.read(key)

    async def write(self, key: str, note: bytes, keep_s: float) -> None:
        """Leave a note; in memory, too, so that it is known when the file is not."""
        await self._own.write(key, note, keep_s)
        name = self._seal.digest(key)
        sealed = self._seal.close(note, name)
        await self._try("INSERT OR REPLACE INTO notes VALUES (?, ?, ?)", name, sealed, self._clock() + keep_s)

    async def erase(self, key: str) -> None:
        """Take a note away."""
        await self._own.erase(key)
        await self._try("DELETE FROM notes WHERE key = ?", self._seal.digest(key))

    async def close(self) -> None:
        """Let go of the file."""
        await self._batches.close()
        self._thread.shutdown()
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    async def _spend(self, batch: Sequence[Spending]) -> Iterable[Spent]:
        try:
            return await self._do(lambda db: self._spend_in(db, batch), len(batch))
        except UNUSABLE:
            return [self._own.spend_now(*spending) for spending in batch]

    def _spend_in(self, db: sqlite3.Connection, batch: Sequence[Spending]) -> list[Spent]:
        """Read each window once, decide in memory, and write what has changed, in one transaction."""
        names: dict[str, str] = {}
        windows: dict[str, Window | None] = {}
        changed: dict[str, Window] = {}
        with _transaction(db):
            now = self._clock()
            for limit in (limit for limits, _ in batch for limit in limits):
                if limit.key not in names:
                    names[limit.key] = self._seal.digest(limit.key)
                    row = db.execute(_WINDOW, (names[limit.key],)).fetchone()
                    windows[limit.key] = Window(*row) if row else None
            spent = []
            for spending in batch:
                one, after = decide(spending, windows.get, now)
                spent.append(one)
                for limit, window in zip(spending.limits, after, strict=False):
                    windows[limit.key] = changed[limit.key] = window
            db.executemany(_SET_WINDOW, [(names[key], *window) for key, window in changed.items()])
        return spent

    async def _try(self, statement: str, *values: str | float | bytes) -> None:
        try:
            await self._do(lambda db: db.execute(statement, values))
        except UNUSABLE:
            return

    async def _do(self, work: Callable[[sqlite3.Connection], T], writes: int = 1) -> T:
        """Do it in the file's own thread; say once that it cannot be done, until it can."""
        try:
            done = await asyncio.get_running_loop().run_in_executor(self._thread, self._work, work, writes)
        except UNUSABLE as error:
            if not self._is_failing:
                logger.error("the store in the snapshot folder cannot be used: %s", type(error).__name__)  # noqa: TRY400  # a trace tells no more
            self._is_failing = True
            raise
        self._is_failing = False
        return done

    def _work(self, work: Callable[[sqlite3.Connection], T], writes: int) -> T:
        connection = self._connect()
        self._writes += writes
        if self._writes >= CLEAN_EVERY:
            self._writes = 0
            for table in ("counts", "holds", "notes"):
                connection.execute(f"DELETE FROM {table} WHERE ends < ?", (self._clock(),))  # noqa: S608  # our own names
        return work(connection)

    def _connect(self) -> sqlite3.Connection:
        """Open the file when it is first used."""
        if self._connection is None:
            os.close(os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
            connection = sqlite3.connect(
                self._path, LOCK_WAIT_S, isolation_level=None, check_same_thread=False
            )
            try:
                _make_tables(connection)
            except sqlite3.Error:
                connection.close()
                raise
            self._connection = connection
        return self._connection


@contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Let no other process write until it ends; what was written is taken back where it fails."""
    connection.execute("BEGIN IMMEDIATE")
    with connection:
        yield


def _make_tables(connection: sqlite3.Connection) -> None:
    """Make them where they are missing; SQLite does not wait by itself while another process turns WAL on."""
    give_up_at = time.monotonic() + LOCK_WAIT_S
    while True:
        try:
            connection.executescript(_TABLES)
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > give_up_at:
                raise
            time.sleep(0.005)
        else:
            return
