"""What is freed goes back to the system."""

from __future__ import annotations

import ctypes
import sys
from typing import Final

_M_MMAP_THRESHOLD: Final = -3
"""Of glibc's <malloc.h>."""
_LARGE_BYTES: Final = 128 << 10


def give_back_what_is_freed() -> None:
    """Let glibc keep large blocks apart from each other, so that each is returned once it is freed.

    Left alone it raises the size of what it calls large to that of the largest block ever freed, up to 32 MB
    (mallopt(3)): the tables of one snapshot after the other then leave holes that stay with the process.
    Elsewhere nothing is done.
    """
    libc = ctypes.CDLL(None) if sys.platform == "linux" else None
    mallopt = getattr(libc, "mallopt", lambda *_: None)  # other C libraries have none
    mallopt(_M_MMAP_THRESHOLD, _LARGE_BYTES)
