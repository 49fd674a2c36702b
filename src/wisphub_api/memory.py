"""Process-wide tuning: return freed memory to the system, and keep pauses of the event loop short."""

from __future__ import annotations

import ctypes
import gc
import sys
from typing import Final

_M_MMAP_THRESHOLD: Final = -3
"""The constant of glibc's <malloc.h>."""
_LARGE_BYTES: Final = 128 << 10
SWITCH_S: Final = 0.0005


def give_back_what_is_freed() -> None:
    """Make glibc allocate each large block separately, so that it is returned as soon as it is freed.

    By default glibc raises the threshold of "large" to the largest block ever freed, up to 32 MB
    (mallopt(3)): the tables of successive snapshots would then leave holes that the process keeps. With
    other C libraries this does nothing.
    """
    libc = ctypes.CDLL(None) if sys.platform == "linux" else None
    mallopt = getattr(libc, "mallopt", lambda *_: None)  # other C libraries lack it
    mallopt(_M_MMAP_THRESHOLD, _LARGE_BYTES)


def put_the_event_loop_first() -> None:
    """Switch threads more often, and exclude the objects of the start from garbage collection.

    By default a thread that decodes pages keeps the interpreter for 5 ms, and a full collection visits every
    object of every library; all requests would wait for either. Call it once in a process.
    """
    sys.setswitchinterval(SWITCH_S)
    gc.collect()
    gc.freeze()
