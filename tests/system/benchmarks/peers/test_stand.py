import os
from contextlib import nullcontext

import psutil
import pytest

from benchmarks.peers.answers import fetch_all
from benchmarks.peers.cases import LIST
from benchmarks.peers.figures import FLOOR, GRANIAN
from benchmarks.peers.life import LAG
from benchmarks.peers.servers.collector import collecting
from benchmarks.peers.servers.stand import Cores, Stand
from loadcheck.run.process import ProcessFailed
from loadcheck.run.server import Program


def test_the_service_runs_on_its_core_as_the_documents_advise_and_ends_with_the_stand(tmp_path):
    core = max(os.sched_getaffinity(0))
    with Stand(50, tmp_path, Cores(server=core)) as stand:
        service = stand.start_service()
        assert psutil.Process(service.pid).cpu_affinity() == [core]
        (answer,) = fetch_all(service.url, [LIST], stand.headers)
        assert (answer.status, answer.header("x-request-id")) == (200, stand.headers["X-Request-ID"])
        assert answer.header("ratelimit-policy")
        for name, status in (("X-API-Key", 401), ("Host", 400)):
            (answer,) = fetch_all(service.url, [LIST], {**stand.headers, name: "another"})
            assert answer.status == status
        assert service.metric("/metrics", LAG) is not None
    assert service.exit_code is not None


def test_a_hundredth_of_the_traces_is_sent(tmp_path, monkeypatch: pytest.MonkeyPatch):
    with collecting() as collector:
        monkeypatch.setattr("benchmarks.peers.servers.stand.collecting", lambda: nullcontext(collector))
        with Stand(50, tmp_path, Cores()) as stand:
            answers = fetch_all(stand.start_service().url, [LIST] * 2_000, stand.headers)
            assert {answer.status for answer in answers} == {200}
        assert 0 < collector.dropped_bytes < 100_000


def test_a_peer_that_cannot_be_started_leaves_no_process_behind(tmp_path, monkeypatch: pytest.MonkeyPatch):
    def broken(*_: object) -> Program:
        raise ProcessFailed("gcc failed")

    monkeypatch.setattr("benchmarks.peers.servers.stand.floor", broken)
    before = set(psutil.Process().children(recursive=True))
    with pytest.raises(ProcessFailed), Stand(50, tmp_path, Cores()) as stand:  # noqa: PT012  # one fails
        stand.start_service()
        stand.start_peers({}, {GRANIAN, FLOOR})
    assert running(set(psutil.Process().children(recursive=True)) - before) == []


def running(processes: set[psutil.Process]) -> list[str]:
    """Return the commands of processes other than the one that watches over all."""
    commands = [" ".join(each.cmdline()) for each in processes]
    return [command for command in commands if "guardian" not in command]
