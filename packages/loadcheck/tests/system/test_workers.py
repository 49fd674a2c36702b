"""Several processes generate one load."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest

from loadcheck.model.sample_file import Block
from loadcheck.model.workload import Workload, arriving
from loadcheck.run.generator import Run
from loadcheck.run.process import ChildProcess, ProcessFailed
from loadcheck.run.server import Server, free_port

HERE = Path(__file__).parent
Asking = Callable[..., Workload]
Play = Callable[..., Run]
StartRemote = Callable[[Path, str], ChildProcess]


def sources(run: Run) -> dict[int, int]:
    """How many samples each process wrote into a run's sample file."""
    counts: dict[int, int] = {}
    content = (run.folder / "samples.bin").read_bytes()
    while content:
        end = 4 + int.from_bytes(content[:4], "big")
        block = msgspec.msgpack.decode(content[4:end], type=Block)
        counts[block.source] = counts.get(block.source, 0) + len(block.label) // 4
        content = content[end:]
    return counts


def test_workers_share_the_arrivals_and_their_samples_are_one_run(play: Play, small_server: Server) -> None:
    plan = arriving("small_users.py:Good", rate_per_s=100, hold_s=1, spread="constant", workers=2)
    run = play(plan, small_server)
    found = sources(run)
    assert run.facts.floor
    assert run.facts.arrivals
    assert run.facts.arrivals.dropped == 0
    assert sum(found.values()) == len(run.samples) == run.facts.arrivals.due
    assert min(found[0], found[1]) > len(run.samples) / 3  # they come by turns


def test_a_worker_that_dies_fails_the_run_at_once(play: Play, asking: Asking, small_server: Server) -> None:
    with pytest.raises(ProcessFailed, match=r"--worker=\S+ ended with code -9"):
        play(asking("Good", "Crashing", hold_s=600, workers=2), small_server)


def test_a_worker_that_leaves_as_if_all_were_well_is_missed_in_the_end(
    play: Play, asking: Asking, small_server: Server
) -> None:
    with pytest.raises(ProcessFailed, match="WorkersLost: 1 of 2 workers finished within 12 s"):
        play(asking("Good", "Quitting", hold_s=0.1, workers=2), small_server)


@pytest.fixture
def start_remote(tmp_path: Path) -> Iterator[StartRemote]:
    """Starts a worker by hand, as on another machine."""
    started: list[ChildProcess] = []

    def start(folder: Path, address: str) -> ChildProcess:
        command = [sys.executable, "-m", "loadcheck.driver", "--worker", address]
        started.append(ChildProcess(command, log=tmp_path / "remote.log", folder=folder))
        return started[-1]

    yield start
    for process in started:
        process.stop()


def test_workers_share_the_users_and_one_started_by_hand_serves_run_after_run(
    play: Play, asking: Asking, small_server: Server, start_remote: StartRemote
) -> None:
    address = f"127.0.0.1:{free_port()}"
    start_remote(HERE, address)
    for out in ("first", "second"):
        run = play(asking("Good", users=6, hold_s=0.5), small_server, out=out, bind=address, remote_workers=1)
        found = sources(run)
        assert set(found) == {0, 1}
        assert min(found.values()) >= 3
        assert sum(found.values()) == len(run.samples)
        assert run.facts.has_spawned
        assert run.facts.judged.users == 6
        assert run.facts.own_cores > run.facts.cpu_share
        assert run.facts.mean_wait_s == pytest.approx(0.05)
        assert len(run.samples.failed()) == 0
        assert (run.samples.start_s >= 0).all()
        assert (run.folder / "locust.html").exists()


def test_a_worker_whose_locustfile_is_missing_says_so(
    play: Play, asking: Asking, small_server: Server, tmp_path: Path, start_remote: StartRemote
) -> None:
    address = f"127.0.0.1:{free_port()}"
    start_remote(tmp_path, address)
    told = "a worker could not begin: FileNotFoundError: .*'small_users.py'"
    with pytest.raises(ProcessFailed, match=told):
        play(asking("Good"), small_server, bind=address, remote_workers=1)
