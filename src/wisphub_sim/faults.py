"""The faults in force: which requests they strike, and how often."""

import itertools
import random

import msgspec

from wisphub_sim.behaviour.faults import Fault, Strike


class _Posted:
    """A fault in force, with the randomness that is its own: other faults do not disturb it."""

    def __init__(self, fault: Fault, rng: random.Random) -> None:
        self.fault = fault
        self.struck = 0
        self._rng = rng

    @property
    def is_spent(self) -> bool:
        return self.fault.count is not None and self.struck >= self.fault.count

    def strikes(self) -> bool:
        return not self.is_spent and self._rng.random() < self.fault.share


class FaultBoard:
    """The faults in force; the same seed, faults and requests give the same strikes."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self.clear()
        self._ids = itertools.count(1)

    def clear(self) -> None:
        """Remove every fault."""
        self._posted: dict[int, _Posted] = {}

    def reset(self) -> None:
        """Remove every fault and number the next ones from 1 again."""
        self.clear()
        self._ids = itertools.count(1)

    def post(self, fault: Fault) -> int:
        """Put a fault in force and return its id.

        Raises:
            InvalidFault: A value is out of its range.
        """
        fault.check()
        fault_id = next(self._ids)
        self._posted[fault_id] = _Posted(fault, random.Random(f"{self._seed}/{fault_id}"))  # noqa: S311 - repeatable on purpose
        return fault_id

    def remove(self, fault_id: int) -> bool:
        """Remove a fault; False if there is none with this id."""
        return self._posted.pop(fault_id, None) is not None

    def listing(self) -> list[dict[str, object]]:
        """Return every fault with its id and how often it struck; those spent too."""
        return [self.describe(fault_id) for fault_id in self._posted]

    def describe(self, fault_id: int) -> dict[str, object]:
        """Return one fault as the control shows it."""
        posted = self._posted[fault_id]
        return {"id": fault_id, "struck": posted.struck, **msgspec.structs.asdict(posted.fault)}

    def strike(self, method: str, path: str) -> Strike | None:
        """Return the first fault, in the order they were posted, that strikes this request."""
        for posted in self._posted.values():
            if posted.fault.covers(method, path) and posted.strikes():
                posted.struck += 1
                return Strike(posted.fault, posted.struck - 1)
        return None
