import os
from contextlib import nullcontext

import psutil
import pytest

from benchmarks.peers.answers import fetch_all
from benchmarks.peers.cases import LIST
from benchmarks.peers.life import LAG
from benchmarks.peers.servers.collector import collecting
from benchmarks.peers.stand import Cores, Stand


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
        monkeypatch.setattr("benchmarks.peers.stand.collecting", lambda: nullcontext(collector))
        with Stand(50, tmp_path, Cores()) as stand:
            answers = fetch_all(stand.start_service().url, [LIST] * 2_000, stand.headers)
            assert {answer.status for answer in answers} == {200}
        assert 0 < collector.dropped_bytes < 100_000
