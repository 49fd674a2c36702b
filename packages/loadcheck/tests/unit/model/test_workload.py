from collections.abc import Callable

import msgspec
import pytest

from loadcheck.model.workload import (
    MARGIN_S,
    Arrivals,
    UserClass,
    Users,
    Workload,
    arriving,
    closed,
    user_classes,
)

SOMEONE = (UserClass(locustfile="x.py", name="X"),)


def stages(*counts: int) -> tuple[Users, ...]:
    return tuple(Users(users=users, spawn_rate=5, hold_s=1) for users in counts)


def test_stages_must_not_lose_users() -> None:
    with pytest.raises(ValueError, match=r"stages must not lose users: \[5, 10, 2\]"):
        Workload(users=SOMEONE, stages=stages(5, 10, 2))


def test_a_workload_without_stages_is_refused() -> None:
    with pytest.raises(ValueError, match="stages of users or stages of arrivals, at least one"):
        Workload(users=SOMEONE, stages=())


def test_stages_of_both_kinds_are_refused() -> None:
    with pytest.raises(ValueError, match="stages of users or stages of arrivals"):
        Workload(users=SOMEONE, stages=(*stages(5), Arrivals(rate_per_s=1, hold_s=1)))


def test_a_workload_without_workers_is_refused() -> None:
    with pytest.raises(ValueError, match="workers must be 1 or more, not 0"):
        Workload(users=SOMEONE, stages=stages(5), workers=0)


def test_a_closed_workload_is_a_stage_of_users_who_come_at_once() -> None:
    workload = closed("x.py:X", users=5, hold_s=2)
    assert workload.stages == (Users(users=5, spawn_rate=5, hold_s=2),)
    assert workload.users == SOMEONE
    assert not workload.is_open


def test_users_may_come_slowly() -> None:
    assert closed("x.py:X", users=5, hold_s=2, spawn_rate=0.5).stages[0].spawn_s == 10


def test_an_open_workload_is_a_stage_of_arrivals() -> None:
    workload = arriving("x.py:X", rate_per_s=50, hold_s=2, spread="constant")
    assert workload.stages == (Arrivals(rate_per_s=50, hold_s=2),)
    assert workload.spread == "constant"
    assert workload.is_open
    assert workload.planned_s == 2


def test_several_kinds_of_users_are_named_alone_or_described() -> None:
    heavy = UserClass(locustfile="y.py", name="Y", weight=3, wait_s=(1, 2))
    assert user_classes(["x.py:X", heavy]) == (*SOMEONE, heavy)
    assert user_classes(heavy) == (heavy,)
    assert user_classes("some folder/x.py:X")[0].locustfile == "some folder/x.py"


@pytest.mark.parametrize("name", ["x.py", "X", ":X", "x.py:", "x.py:not a name", "x:y.py"])
def test_a_name_that_is_no_user_classs_is_refused_saying_how_one_looks(name: str) -> None:
    with pytest.raises(ValueError, match=r'"path/to/locustfile.py:ClassName", not ') as caught:
        user_classes(name)
    assert repr(name) in str(caught.value)


def test_a_workload_knows_its_length() -> None:
    workload = closed("x.py:X", users=50, spawn_rate=5, hold_s=20, warm_up_s=2, network_timeout_s=10)
    assert workload.planned_s == 32
    assert workload.deadline_s == 32 + 20 + MARGIN_S


def test_a_workload_knows_how_many_users_and_arrivals_it_asks_for() -> None:
    ramp = Workload(users=(), stages=tuple(Users(users=n, spawn_rate=n, hold_s=1) for n in (5, 9)))
    assert (ramp.users_at_end, ramp.judged_arrivals) == (9, 0)
    stages = (Arrivals(rate_per_s=10, hold_s=2), Arrivals(rate_per_s=30, hold_s=1))
    rates = Workload(users=(), stages=stages, warm_up_s=3, max_in_flight=7)
    assert (rates.users_at_end, rates.judged_arrivals) == (7, 50)
    assert msgspec.structs.replace(rates, judge="all").judged_arrivals == 80


@pytest.mark.parametrize(
    ("kind", "numbers"),
    [
        (closed, {"users": 0, "spawn_rate": 1}),
        (closed, {"users": 5, "spawn_rate": -1}),
        (closed, {"users": 5, "network_timeout_s": 0}),
        (closed, {"users": 5, "hold_s": -1}),
        (closed, {"users": 5, "warm_up_s": -1}),
        (arriving, {"rate_per_s": 0}),
        (arriving, {"rate_per_s": 5, "max_in_flight": 0}),
    ],
)
def test_a_load_that_cannot_be_is_refused(kind: Callable[..., Workload], numbers: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="are more than 0, and no time is less"):
        kind("x.py:X", **{"hold_s": 1, **numbers})


def test_every_class_of_an_open_workload_has_a_caller() -> None:
    light, heavy = (
        UserClass(locustfile="a.py", name=name, weight=weight) for name, weight in (("A", 1), ("B", 59))
    )
    arriving([light, heavy], rate_per_s=1, hold_s=1, max_in_flight=60)
    with pytest.raises(ValueError, match="max_in_flight is 59: the lightest class has a caller from 60 on"):
        arriving([light, heavy], rate_per_s=1, hold_s=1, max_in_flight=59)
