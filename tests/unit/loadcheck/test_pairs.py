"""Several servers side by side: each is asked the same, in no order, and answers are told apart."""

import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import numpy as np
import pytest

from loadcheck.sample_file import read_samples
from loadcheck.samples import Samples
from loadcheck.server import Server, asgi, serving
from loadcheck.sides import Side, write_sides
from loadcheck.workload import Workload, arriving, closed

HERE = Path(__file__).parent
NAMES = ("base", "head")
Play = Callable[..., dict[str, Samples]]


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, Server]]:
    logs = tmp_path_factory.mktemp("pair")
    program = asgi("small_server:app", folder=HERE)
    with serving(program, logs=logs) as one, serving(program, logs=logs) as other:
        yield one, other


def run(workload: Workload, servers: tuple[Server, Server], out: Path) -> subprocess.CompletedProcess[str]:
    sides = tuple(
        Side(name=name, url=server.url, pids=(server.pid,))
        for name, server in zip(NAMES, servers, strict=True)
    )
    for name in NAMES:
        (out / name).mkdir(parents=True)
    write_sides(out / "sides.json", sides)
    (out / "workload.json").write_bytes(msgspec.json.encode(workload))
    options = [f"--sides={out / 'sides.json'}", f"--workload={out / 'workload.json'}", f"--out={out}"]
    command = [sys.executable, "-m", "loadcheck.driver", *options]
    return subprocess.run(command, cwd=HERE, capture_output=True, text=True, timeout=60, check=False)


@pytest.fixture
def play(servers: tuple[Server, Server], tmp_path: Path) -> Play:
    def play(
        name: str, *, users: int = 1, hold_s: float = 1.0, rate_per_s: float = 0.0
    ) -> dict[str, Samples]:
        who = f"paired_users.py:{name}"
        workload = (
            arriving(who, rate_per_s=rate_per_s, hold_s=hold_s, network_timeout_s=1)
            if rate_per_s
            else closed(who, users=users, hold_s=hold_s, network_timeout_s=1)
        )
        done = run(workload, servers, tmp_path)
        assert done.returncode == 0, done.stderr
        return {name: read_samples(tmp_path / name / "samples.bin") for name in NAMES}

    return play


def asked(samples: Samples, begin: str) -> Counter[str]:
    return Counter(
        {
            name: count
            for name, count in samples.count_by(lambda label: label.endpoint).items()
            if name.startswith(begin)
        }
    )


def test_both_are_asked_the_very_same_whatever_chance_decides(play):
    found = play("Drawing", users=4)
    draws = [asked(found[name], "draw") for name in NAMES]
    assert draws[0] == draws[1]
    assert draws[0].total() > 40
    assert len(draws[0]) == draws[0].total()  # each draws anew


def test_each_side_has_a_user_of_its_own_who_comes_and_goes(play):
    found = play("Drawing", users=3)
    own = [set(asked(found[name], "own")) for name in NAMES]
    assert len(own[0]) == len(own[1]) == 3
    assert not own[0] & own[1]
    for name in NAMES:
        assert asked(found[name], "come") == {"come": 3}
        assert asked(found[name], "gone") == {"gone": 3}


def test_who_is_asked_first_is_drawn_anew(play):
    found = play("Drawing")
    base, head = (found[name].where(lambda label: label.endpoint.startswith("draw")) for name in NAMES)
    is_first = base.start_s < head.start_s
    assert 0.25 < is_first.mean() < 0.75
    assert (np.abs(base.start_s - head.start_s) < 0.5).all()  # back to back


def test_what_a_request_cost_its_server_is_known_where_it_was_alone(play):
    found = play("Drawing")
    for name in NAMES:
        cost = found[name].where(lambda label: label.endpoint.startswith("draw")).cpu_ms
        assert np.isfinite(cost).all()
        assert (cost > 0).all()
        assert np.median(cost) < 10


def test_of_a_task_with_two_requests_the_first_one_s_cost_is_known(play):
    found = play("Twice")
    assert np.isfinite(found["head"].of("first").cpu_ms).all()
    assert np.isnan(found["head"].of("second").cpu_ms).all()


def test_where_several_ask_at_once_what_each_cost_is_not_known(play):
    costs = play("Drawing", users=30)["head"].where(lambda label: label.endpoint.startswith("draw")).cpu_ms
    assert np.isnan(costs).any()


def test_what_one_side_raises_is_told_of_that_side_and_the_other_is_asked_all_the_same(play):
    found = play("Turning")
    failures = [dict(found[name].failed().count_by(lambda label: label.failure)) for name in NAMES]
    hoped = [each.pop("not what was hoped for") for each in failures]
    assert hoped[0] == hoped[1] > 0
    assert failures[0] == failures[1]  # both are told, whoever went last
    ((reason, count),) = failures[0].items()
    assert reason.startswith("KeyError in paired_users.py:")
    assert count > 0


def test_connections_are_hung_up_now_and_then_on_all_sides_at_once(play):
    """How fast one is may be its own fate for as long as it lives."""
    found = play("Keeping", hold_s=2.5)
    counts = [found[name].count_by(lambda label: label.endpoint) for name in NAMES]
    assert counts[0] == counts[1]
    assert 2 <= counts[0]["fresh"] < counts[0]["kept"]


def test_users_of_another_client_hang_up_too(play):
    found = play("Plain", hold_s=2.5)
    assert len(found["base"].of("plain")) == len(found["head"].of("plain")) > 10
    assert not len(found["base"].failed())


def test_arrivals_are_paired_too(play):
    found = play("Twice", rate_per_s=50)
    counts = [len(found[name].of("first")) for name in NAMES]
    assert counts[0] == counts[1]
    assert 20 <= counts[0] <= 90


def test_task_sets_are_refused_in_words(servers, tmp_path):
    workload = closed("paired_users.py:Nested", users=1, hold_s=1)
    done = run(workload, servers, tmp_path)
    assert done.returncode != 0
    assert "Nested has task sets: to be compared, its tasks must be functions" in done.stderr
