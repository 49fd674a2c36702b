"""Several servers side by side: each is asked the same, in no order, and answers are told apart."""

import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import numpy as np
import pytest

from loadcheck.model.sample_file import read_samples
from loadcheck.model.samples import Samples
from loadcheck.model.workload import Workload, arriving, closed
from loadcheck.run.server import Server, asgi, serving
from loadcheck.run.sides import Side, write_sides

HERE = Path(__file__).parent
NAMES = ("base", "head")
Play = Callable[[Workload], dict[str, Samples]]


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


@pytest.fixture(scope="module")
def play(servers: tuple[Server, Server], tmp_path_factory: pytest.TempPathFactory) -> Play:
    def play(workload: Workload) -> dict[str, Samples]:
        out = tmp_path_factory.mktemp("out")
        done = run(workload, servers, out)
        assert done.returncode == 0, done.stderr
        return {name: read_samples(out / name / "samples.bin") for name in NAMES}

    return play


def who(*names: str) -> list[str]:
    return [f"paired_users.py:{name}" for name in names]


@pytest.fixture(scope="module")
def alone(play: Play) -> dict[str, Samples]:
    """One user's requests: each side does one thing at a time."""
    return play(closed(who("Drawing"), users=1, hold_s=1))


@pytest.fixture(scope="module")
def crowd(play: Play) -> dict[str, Samples]:
    """Twenty users' requests."""
    return play(closed(who("Drawing"), users=20, hold_s=1))


@pytest.fixture(scope="module")
def mixed(play: Play) -> dict[str, Samples]:
    """Requests of users who raise, and of users of both clients, over two seconds and a half."""
    return play(closed(who("Turning", "Keeping", "Plain"), users=3, hold_s=2.5))


def asked(samples: Samples, begin: str) -> Counter[str]:
    return Counter(
        {
            name: count
            for name, count in samples.count_by(lambda label: label.endpoint).items()
            if name.startswith(begin)
        }
    )


def draws(samples: Samples) -> Samples:
    return samples.where(lambda label: label.endpoint.startswith("draw"))


def test_both_are_asked_the_very_same_whatever_chance_decides(crowd):
    found = [asked(crowd[name], "draw") for name in NAMES]
    assert found[0] == found[1]
    assert found[0].total() > 40
    assert len(found[0]) == found[0].total()  # each draws anew


def test_each_side_has_a_user_of_its_own_who_comes_and_goes(crowd):
    own = [set(asked(crowd[name], "own")) for name in NAMES]
    assert 10 < len(own[0]) == len(own[1]) <= 20
    assert not own[0] & own[1]
    for name in NAMES:
        assert asked(crowd[name], "come") == {"come": 20}
        assert asked(crowd[name], "gone") == {"gone": 20}


def test_who_is_asked_first_is_drawn_anew(alone):
    is_first = draws(alone["base"]).start_s < draws(alone["head"]).start_s
    assert 0.25 < is_first.mean() < 0.75


def test_what_a_request_cost_its_server_is_known_where_it_was_alone(alone, crowd):
    for name in NAMES:
        cost = draws(alone[name]).cpu_ms
        assert np.isfinite(cost).all()
        assert (cost > 0).all()
    assert np.isnan(draws(crowd["head"]).cpu_ms).any()


def test_of_a_task_with_two_requests_the_first_one_s_cost_is_known(play):
    found = play(closed(who("Twice"), users=1, hold_s=0.5))
    assert np.isfinite(found["head"].of("first").cpu_ms).all()
    assert np.isnan(found["head"].of("second").cpu_ms).all()


def test_what_one_side_raises_is_told_of_that_side_and_the_other_is_asked_all_the_same(mixed):
    failures = [dict(mixed[name].failed().count_by(lambda label: label.failure)) for name in NAMES]
    hoped = [each.pop("not what was hoped for") for each in failures]
    assert hoped[0] == hoped[1] > 0
    assert failures[0] == failures[1]  # both are told, whoever went last
    ((reason, count),) = failures[0].items()
    assert reason.startswith("KeyError in paired_users.py:")
    assert count > 0


def test_connections_are_hung_up_now_and_then_on_all_sides_at_once(mixed):
    """How fast one is may be its own fate for as long as it lives."""
    counts = [asked(mixed[name], "kept") + asked(mixed[name], "fresh") for name in NAMES]
    assert counts[0] == counts[1]
    assert 2 <= counts[0]["fresh"] < counts[0]["kept"]


def test_users_of_another_client_hang_up_too(mixed):
    plain = [mixed[name].of("plain") for name in NAMES]
    assert len(plain[0]) == len(plain[1]) > 10
    assert not len(plain[0].failed())


def test_arrivals_are_paired_too(play):
    found = play(arriving(who("Twice"), rate_per_s=50, hold_s=0.5))
    counts = [len(found[name].of("first")) for name in NAMES]
    assert counts[0] == counts[1] > 10


def test_task_sets_are_refused_in_words(servers, tmp_path):
    done = run(closed(who("Nested"), users=1, hold_s=1), servers, tmp_path)
    assert done.returncode != 0
    assert "Nested has task sets: to be compared, its tasks must be functions" in done.stderr
