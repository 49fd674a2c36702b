"""Workloads that cannot be measured are refused."""

import pytest

from loadcheck.workload import Stage, UserClass, Workload


def test_stages_must_not_lose_users() -> None:
    stages = tuple(Stage(users=users, spawn_rate=5, hold_s=1) for users in (5, 10, 2))
    with pytest.raises(ValueError, match="stages must not lose users"):
        Workload(users=(UserClass(locustfile="x.py", name="X"),), stages=stages)
