"""What is freed goes back to the system, and nothing holds up the event loop for long."""

from __future__ import annotations

import ctypes
import gc
import sys
from typing import Final

_M_MMAP_THRESHOLD: Final = -3
"""Of glibc's <malloc.h>."""
_LARGE_BYTES: Final = 128 << 10
SWITCH_S: Final = 0.0005


def give_back_what_is_freed() -> None:
    """Let glibc keep large blocks apart from each other, so that each is returned once it is freed.

    Left alone it raises the size of what it calls large to that of the largest block ever freed, up to 32 MB
    (mallopt(3)): the tables of one snapshot after the other then leave holes that stay with the process.
    Elsewhere nothing is done.
    """
    libc = ctypes.CDLL(None) if sys.platform == "linux" else None
    mallopt = getattr(libc, "mallopt", lambda *_: None)  # other C libraries have none
    mallopt(_M_MMAP_THRESHOLD, _LARGE_BYTES)


def put_the_event_loop_first() -> None:
    """Let threads give way sooner, and the garbage collector look at nothing that was there at the start.

    A thread that decodes pages keeps the interpreter for 5 ms by default, and a full collection looks at
    every object of every library: either would be waited for by all requests. To be called once in a process.
    """
    sys.setswitchinterval(SWITCH_S)
    gc.collect()
    gc.freeze()
