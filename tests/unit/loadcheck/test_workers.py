"""Several processes generate one load."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest

from loadcheck.generator import Generator, Run, Watched
from loadcheck.process import ChildProcess, ProcessFailed
from loadcheck.sample_file import Block
from loadcheck.server import Server, free_port
from loadcheck.workload import Workload, arriving

HERE = Path(__file__).parent
Asking = Callable[..., Workload]


@pytest.fixture
def play(generator: Generator, tmp_path: Path, small_server: Server) -> Callable[[Workload], Run]:
    return lambda workload: generator.play(workload, small_server, tmp_path / "out", Watched())


def sources(path: Path) -> dict[int, int]:
    """How many samples each process wrote into a sample file."""
    counts: dict[int, int] = {}
    content = path.read_bytes()
    while content:
        end = 4 + int.from_bytes(content[:4], "big")
        block = msgspec.msgpack.decode(content[4:end], type=Block)
        counts[block.source] = counts.get(block.source, 0) + len(block.label) // 4
        content = content[end:]
    return counts


def test_workers_share_the_users_and_their_samples_are_one_run(
    play: Callable[[Workload], Run], asking: Asking, tmp_path: Path
) -> None:
    run = play(asking("Good", users=6, workers=2))
    found = sources(tmp_path / "out" / "samples.bin")
    assert set(found) == {0, 1}
    assert min(found.values()) >= 3
    assert sum(found.values()) == len(run.samples)
    assert run.facts.has_spawned
    assert run.facts.judged.users == 6
    assert run.facts.own_cores > run.facts.cpu_share
    assert run.facts.mean_wait_s == pytest.approx(0.05)
    assert len(run.samples.failed()) == 0
    assert (run.samples.start_s >= 0).all()
    assert (run.samples.done_s < run.facts.ended_s + 2).all()
    assert (tmp_path / "out" / "locust.html").exists()


def test_workers_share_the_arrivals(play: Callable[[Workload], Run], tmp_path: Path) -> None:
    run = play(
        arriving(
            "small_users.py:Good", rate_per_s=100, hold_s=1, spread="constant", workers=2, network_timeout_s=1
        )
    )
    found = sources(tmp_path / "out" / "samples.bin")
    assert run.facts.arrivals
    assert 90 <= run.facts.arrivals.due <= 110
    assert len(run.samples) == run.facts.arrivals.due
    assert abs(found[0] - found[1]) <= 4


def test_a_worker_that_dies_fails_the_run_at_once(play: Callable[[Workload], Run], asking: Asking) -> None:
    with pytest.raises(ProcessFailed, match=r"--worker=\S+ ended with code -9"):
        play(asking("Good", "Crashing", hold_s=600, workers=2))


def test_a_worker_that_leaves_as_if_all_were_well_is_missed_in_the_end(
    play: Callable[[Workload], Run], asking: Asking
) -> None:
    with pytest.raises(ProcessFailed, match="WorkersLost: 1 of 2 workers finished within 12 s"):
        play(asking("Good", "Quitting", hold_s=0.1, workers=2))


@pytest.fixture
def start_remote(tmp_path: Path) -> Iterator[Callable[[Path, str], ChildProcess]]:
    """Starts a worker by hand, as on another machine."""
    started: list[ChildProcess] = []

    def start(folder: Path, address: str) -> ChildProcess:
        command = [sys.executable, "-m", "loadcheck.driver", "--worker", address]
        started.append(ChildProcess(command, log=tmp_path / "remote.log", folder=folder))
        return started[-1]

    yield start
    for process in started:
        process.stop()


def far(generator: Generator) -> Generator:
    return msgspec.structs.replace(generator, bind=f"127.0.0.1:{free_port()}", remote_workers=1)


def test_a_worker_started_by_hand_serves_run_after_run(
    generator: Generator,
    asking: Asking,
    small_server: Server,
    tmp_path: Path,
    start_remote: Callable[[Path, str], ChildProcess],
) -> None:
    generator = far(generator)
    start_remote(HERE, generator.bind)
    for name in ("first", "second"):
        run = generator.play(asking("Good", users=6, hold_s=0.3), small_server, tmp_path / name, Watched())
        assert set(sources(tmp_path / name / "samples.bin")) == {0, 1}
        assert run.facts.judged.users == 6


def test_a_worker_whose_locustfile_is_missing_says_so(
    generator: Generator,
    asking: Asking,
    small_server: Server,
    tmp_path: Path,
    start_remote: Callable[[Path, str], ChildProcess],
) -> None:
    generator = far(generator)
    start_remote(tmp_path, generator.bind)
    told = "a worker could not begin: FileNotFoundError: .*'small_users.py'"
    with pytest.raises(ProcessFailed, match=told):
        generator.play(asking("Good"), small_server, tmp_path / "out", Watched())
