"""A SQLite file, for the processes of one machine; it outlives them. This process's memory stands in for it.

All work is done in one thread, in the order in which it was asked for. Other processes' messages and
snapshots are looked for four times a second, which costs one question (`PRAGMA data_version`) while nothing
is new.

The file may be removed, or its folder: that is noticed as soon as the folder is looked at, and the processes
meet again in a new file. One that is damaged is put aside.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, Self, TypeVar

from wisphub_api.shared.backend import (
    LONGEST_LEASE_S,
    MOST_MESSAGES,
    Lease,
    OnMessage,
    Snapshot,
    Stored,
    new_token,
)
from wisphub_api.shared.memory import MemoryBackend
from wisphub_api.shared.spending import (
    CLOCKS_DIFFER_S,
    Batches,
    Limit,
    Spending,
    Spent,
    Window,
    decide,
)
from wisphub_api.shared.tasks import end, for_ever

T = TypeVar("T")
logger = logging.getLogger(__name__)

FILE: Final = "shared.sqlite"
LOCK_WAIT_S: Final = 3.0
"""How long one process may wait for another's writing: microseconds, unless that one is held up."""
LOOK_EVERY_S: Final = 0.25
REMIND_EVERY_S: Final = 2.0
"""How often all are asked to look for snapshots, and to publish what could not be published."""
UNUSABLE: Final = (sqlite3.Error, OSError)
DAMAGED: Final = {sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT}
CLEAN_EVERY: Final = 1_000
"""After so many writes, what has ended is removed."""

# A commit survives the process's end, not the machine's: what is shared need not wait for the disk.
_TABLES: Final = """
PRAGMA journal_mode = WAL;
PRAGMA synchronous = NORMAL;
CREATE TABLE IF NOT EXISTS windows (key TEXT PRIMARY KEY, used INTEGER, ends REAL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS leases (key TEXT, token TEXT, ends REAL, PRIMARY KEY (key, token)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS records (key TEXT PRIMARY KEY, value BLOB, ends REAL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS heads
  (name TEXT PRIMARY KEY, loaded_at REAL, tag TEXT, head BLOB, content_tag TEXT);
CREATE TABLE IF NOT EXISTS contents (name TEXT PRIMARY KEY, content BLOB);
CREATE TABLE IF NOT EXISTS messages
  (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT, message BLOB, at REAL, sender TEXT);
"""
_EXPIRE: Final = tuple(f"DELETE FROM {table} WHERE ends < ?" for table in ("windows", "leases", "records"))  # noqa: S608  # our own names
_FORGET: Final = "DELETE FROM messages WHERE id <= (SELECT max(id) FROM messages) - ?"
_WINDOW: Final = "SELECT used, ends FROM windows WHERE key = ?"
_SET_WINDOW: Final = "INSERT OR REPLACE INTO windows VALUES (?, ?, ?)"
_LEASE: Final = """
INSERT INTO leases SELECT :key, :token, :now + :ttl
WHERE (SELECT count(*) FROM leases WHERE key = :key AND ends > :now AND ends <= :now + :longest) < :most
"""
_EXTEND: Final = "UPDATE leases SET ends = ? WHERE key = ? AND token = ? AND ends > ?"
_NEWEST: Final = """
SELECT tag, head, content_tag, CASE WHEN content_tag = :known THEN NULL ELSE content END
FROM heads JOIN contents USING (name) WHERE name = :name AND tag != :seen
"""
_NEWS: Final = "SELECT id, name, message, at FROM messages WHERE id > ? AND sender != ? ORDER BY id"


class SqliteBackend:
    """A file `shared.sqlite`, mode 0600, in a folder of this machine.

    Args:
        folder: Where it is, or is made.
        clock: Seconds since the epoch.
    """

    keeps_snapshots = True

    def __init__(self, folder: Path, clock: Callable[[], float] = time.time) -> None:
        self._path = folder / FILE
        self._clock = clock
        self._memory = MemoryBackend()
        self._connection: sqlite3.Connection | None = None
        self._inode = -1
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="sqlite")
        self._batches = Batches(self._spend)
        self._me = new_token()
        self._subscribers: dict[str, OnMessage] = {}
        self._tags: dict[str, str] = {}
        self._position = 0
        self._version = -1
        self._reminded_at = float("-inf")
        self._writes = 0
        self._is_failing = False
        self._watch: asyncio.Task[None] | None = None
        self.losses = 0

    async def __aenter__(self) -> Self:
        """Begin to look for what other processes publish."""
        self._watch = asyncio.create_task(for_ever(self._look_later, "the shared file"), name="shared file")
        return self

    async def __aexit__(self, *_: object) -> None:
        """Look no longer, and close the file."""
        if self._watch is not None:
            await end(self._watch)
        await self._batches.close()
        self._thread.shutdown()
        self._disconnect()

    async def get(self, key: str) -> bytes | None:
        """Return the record under this key."""
        select = "SELECT value FROM records WHERE key = ? AND ends > ?"
        try:
            row = await self._do(lambda db: db.execute(select, (key, self._clock())).fetchone())
        except UNUSABLE:
            return await self._memory.get(key)
        return row[0] if row else None

    async def put(self, key: str, value: bytes, ttl_s: float) -> None:
        """Put a record; in memory, too, so that it is known when the file is not."""
        await self._memory.put(key, value, ttl_s)
        await self._try("INSERT OR REPLACE INTO records VALUES (?, ?, ?)", key, value, self._clock() + ttl_s)

    async def delete(self, key: str) -> None:
        """Delete a record."""
        await self._memory.delete(key)
        await self._try("DELETE FROM records WHERE key = ?", key)

    async def spend(self, limits: Sequence[Limit], amount: int = 1) -> Spent:
        """Count an amount under all these limits, or nothing."""
        return await self._batches.add(Spending(limits, amount))

    def spend_now(self, limits: Sequence[Limit], amount: int = 1) -> None:
        """Return None: what others have counted has to be waited for."""

    async def lease(
        self,
        key: str,
        ttl_s: float,
        most: int = 1,
        *,
        is_urgent: bool = True,  # noqa: ARG002  # never slow
    ) -> Lease | None:
        """Take one of `most` places."""
        lease = Lease(key, new_token())
        values = {"key": key, "token": lease.token, "most": most, "ttl": ttl_s, "longest": LONGEST_LEASE_S}
        try:
            is_taken = await self._do(lambda db: db.execute(_LEASE, values | {"now": self._clock()}).rowcount)
        except UNUSABLE:
            return await self._memory.lease(key, ttl_s, most)
        except asyncio.CancelledError:  # it may have been taken
            with suppress(RuntimeError):  # the process ends
                self._thread.submit(self._release, lease)
            raise
        return lease if is_taken else None

    async def extend(self, lease: Lease, ttl_s: float) -> None:
        """Let a lease that has not ended last for so long from now."""
        now = self._clock()
        await self._memory.extend(lease, ttl_s)
        await self._try(_EXTEND, now + ttl_s, lease.key, lease.token, now)

    async def release(self, lease: Lease) -> None:
        """End a lease."""
        await self._memory.release(lease)
        await self._try("DELETE FROM leases WHERE key = ? AND token = ?", lease.key, lease.token)

    async def newest(self, name: str, seen: str, known_content: str) -> Stored | None:
        """Return the newest snapshot, unless it is the one whose tag was `seen`."""
        values = {"name": name, "seen": seen, "known": known_content}
        try:
            row = await self._do(lambda db: db.execute(_NEWEST, values).fetchone())
        except UNUSABLE:
            return None
        return Stored(*row) if row else None

    async def put_snapshot(self, name: str, snapshot: Snapshot, seen: str) -> str | None:
        """Put a snapshot and return its tag; None where it cannot be put."""
        tag = new_token()
        try:
            outcome = await self._do(lambda db: self._put(db, name, snapshot, seen, tag, None))
            if outcome is None:
                content = await snapshot.content()
                outcome = await self._do(lambda db: self._put(db, name, snapshot, seen, tag, content))
        except UNUSABLE:
            return None
        return tag if outcome else None

    async def publish(self, name: str, message: bytes, at: float) -> bool:
        """Send a message to all other processes."""
        insert = "INSERT INTO messages (name, message, at, sender) VALUES (?, ?, ?, ?)"
        return await self._try(insert, name, message, at, self._me)

    def subscribe(self, name: str, on_message: OnMessage) -> None:
        """Call `on_message` with what other processes publish."""
        self._subscribers[name] = on_message

    async def catch_up(self) -> None:
        """Hear everything that was published up to now."""
        loop = asyncio.get_running_loop()
        with suppress(*UNUSABLE):
            await self._do(lambda db: self._look(db, loop))

    async def _look_later(self) -> None:
        await asyncio.sleep(LOOK_EVERY_S)
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._thread, self._find_loss)
        await self.catch_up()
        if loop.time() - self._reminded_at > REMIND_EVERY_S:
            self._reminded_at = loop.time()
            for name in self._subscribers:
                self._tell(name, None, 0.0)

    def _look(self, db: sqlite3.Connection, loop: asyncio.AbstractEventLoop) -> None:
        """Pass on what is new, before whoever asked for it goes on, and even where nobody does any more."""
        (version,) = db.execute("PRAGMA data_version").fetchone()
        if version == self._version:
            return
        news = db.execute(_NEWS, (self._position, self._me)).fetchall()
        tags = dict(db.execute("SELECT name, tag FROM heads").fetchall())
        changed = [name for name, tag in tags.items() if self._tags.get(name) != tag]
        self._version, self._tags = version, tags
        if news:
            self._position = news[-1][0]
        loop.call_soon_threadsafe(self._pass_on, news, changed)

    def _pass_on(self, news: Iterable[tuple[int, str, bytes, float]], changed: Iterable[str]) -> None:
        for _, name, message, at in news:
            self._tell(name, message, at)
        for name in changed:
            self._tell(name, None, 0.0)

    def _tell(self, name: str, message: bytes | None, at: float) -> None:
        on_message = self._subscribers.get(name)
        try:
            if on_message is not None:
                on_message(message, at)
        except Exception:  # a bug there must not keep the next message from being heard
            logger.exception("%s: a message could not be taken", name)

    def _find_loss(self) -> None:
        """Leave a file that is no longer the one in the folder."""
        if self._connection is None:
            return
        try:
            is_there = self._path.stat().st_ino == self._inode
        except OSError:
            is_there = False
        if not is_there:
            self._disconnect()
            self._position, self._version, self._tags = 0, -1, {}
            self.losses += 1

    def _put(  # noqa: PLR0913, PLR0917  # a snapshot, and where it goes
        self,
        db: sqlite3.Connection,
        name: str,
        snapshot: Snapshot,
        seen: str,
        tag: str,
        content: bytes | None,
    ) -> bool | None:
        """Put it unless a newer one is there; return None where its content is needed."""
        loaded_at = snapshot.loaded_at
        with _transaction(db):
            select = "SELECT loaded_at, tag, content_tag FROM heads WHERE name = ?"
            there = db.execute(select, (name,)).fetchone()
            if there and not _may_replace(there[0], loaded_at, self._clock(), is_seen=there[1] == seen):
                return False
            if content is None and (there is None or there[2] != snapshot.content_tag):
                return None
            values = (name, loaded_at, tag, snapshot.head, snapshot.content_tag)
            db.execute("INSERT OR REPLACE INTO heads VALUES (?, ?, ?, ?, ?)", values)
            if content is not None:
                db.execute("INSERT OR REPLACE INTO contents VALUES (?, ?)", (name, content))
        self._tags[name] = tag
        return True

    async def _spend(self, batch: Sequence[Spending]) -> Iterable[Spent]:
        try:
            return await self._do(lambda db: self._spend_in(db, batch), len(batch))
        except UNUSABLE:
            return [self._memory.spend_now(*spending) for spending in batch]

    def _spend_in(self, db: sqlite3.Connection, batch: Sequence[Spending]) -> list[Spent]:
        """Read each window once, decide in memory, and write what has changed, in one transaction.

        Where nothing may change, no other process's writing is waited for: checks that hold count nothing.
        """
        windows: dict[str, Window | None] = {}
        changed: dict[str, Window] = {}
        with _transaction(db, is_writing=any(spending.amount for spending in batch)):
            now = self._clock()
            for key in {limit.key for limits, _ in batch for limit in limits}:
                row = db.execute(_WINDOW, (key,)).fetchone()
                windows[key] = Window(*row) if row else None
            spent = []
            for spending in batch:
                one, after = decide(spending, windows.get, now)
                spent.append(one)
                for limit, window in zip(spending.limits, after, strict=False):
                    windows[limit.key] = changed[limit.key] = window
            db.executemany(_SET_WINDOW, [(key, *window) for key, window in changed.items()])
        return spent

    def _release(self, lease: Lease) -> None:
        with suppress(*UNUSABLE):
            self._work(lambda db: db.execute("DELETE FROM leases WHERE token = ?", (lease.token,)), 1)

    async def _try(self, statement: str, *values: str | float | bytes) -> bool:
        try:
            await self._do(lambda db: db.execute(statement, values))
        except UNUSABLE:
            return False
        return True

    async def _do(self, work: Callable[[sqlite3.Connection], T], writes: int = 1) -> T:
        """Do it in the file's own thread; say once that it cannot be done, until it can."""
        try:
            done = await asyncio.get_running_loop().run_in_executor(self._thread, self._work, work, writes)
        except UNUSABLE as error:
            if not self._is_failing:
                why = getattr(error, "strerror", None) or error
                logger.error("the snapshot folder cannot be used: %s", why)  # noqa: TRY400  # a trace says no more
            self._is_failing = True
            raise
        self._is_failing = False
        return done

    def _work(self, work: Callable[[sqlite3.Connection], T], writes: int) -> T:
        connection = self._connect()
        self._writes += writes
        if self._writes >= CLEAN_EVERY:
            self._writes = 0
            for statement in _EXPIRE:
                connection.execute(statement, (self._clock(),))
            connection.execute(_FORGET, (MOST_MESSAGES,))
        return work(connection)

    def _connect(self) -> sqlite3.Connection:
        """Open the file when it is first used."""
        if self._connection is None:
            try:
                self._connection = _open(self._path)
            except sqlite3.DatabaseError as error:
                if error.sqlite_errorcode not in DAMAGED:
                    raise
                logger.error("%s is damaged, and is put aside", self._path)  # noqa: TRY400  # a trace says no more
                self._path.replace(self._path.with_suffix(".damaged"))
                self._connection = _open(self._path)
            self._inode = self._path.stat().st_ino
        return self._connection

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _may_replace(there: float, loaded_at: float, now: float, *, is_seen: bool) -> bool:
    """Return whether a snapshot may be put in the place of one that was loaded at another time."""
    is_of_the_future = there >= now + CLOCKS_DIFFER_S  # of a clock that goes wrong, or was set back since
    return there < loaded_at or is_of_the_future or (there == loaded_at and is_seen)


@contextmanager
def _transaction(connection: sqlite3.Connection, *, is_writing: bool = True) -> Iterator[None]:
    """Let no other process write until it ends; what was written is taken back where it fails.

    One that only reads sees what was there when it began.
    """
    connection.execute("BEGIN IMMEDIATE" if is_writing else "BEGIN")
    with connection:
        yield


def _open(path: Path) -> sqlite3.Connection:
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    connection = sqlite3.connect(path, LOCK_WAIT_S, isolation_level=None, check_same_thread=False)
    try:
        _make_tables(connection)
    except sqlite3.Error:
        connection.close()
        raise
    return connection


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
