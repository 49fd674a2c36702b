"""How it stands with Redis."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from msgspec import Struct


class LinkState(Struct, frozen=True):
    """How it stands with Redis, for operators.

    Attributes:
        state: "together" while Redis answers, "alone" while the process goes on without it.
        why: What is wrong.
        troubles: How often it went from together to alone.
    """

    state: Literal["together", "alone"]
    why: str | None
    troubles: int


TellLink = Callable[[], LinkState | None]
"""Tells how it stands; None where there is no Redis."""
