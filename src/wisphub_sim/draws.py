"""Repeatable randomness: the numbers of a record depend on its seed and number alone."""

import struct
from collections.abc import Sequence
from hashlib import blake2b
from typing import TypeVar

T = TypeVar("T")
_UNPACK = struct.Struct("<32H").unpack


def draws(seed: int, kind: str, number: int) -> tuple[int, ...]:
    """Return 32 values, each uniform in 0 to 65,535, for the thing of this kind and number.

    One hash gives them all (about a microsecond), so any record is made without those before it.
    """
    return _UNPACK(blake2b(f"{seed}/{kind}/{number}".encode()).digest())


def pick(options: Sequence[T], draw: int) -> T:
    """Return the option that a draw points at."""
    return options[draw % len(options)]
