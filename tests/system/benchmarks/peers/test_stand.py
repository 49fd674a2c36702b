import os

import psutil

from benchmarks.peers.life import LAG
from benchmarks.peers.stand import Cores, Stand


def test_the_service_runs_with_keys_and_metrics_on_its_core_and_ends_with_the_stand(tmp_path):
    core = max(os.sched_getaffinity(0))
    with Stand(50, tmp_path, Cores(server=core)) as stand:
        service = stand.start_service()
        assert psutil.Process(service.pid).cpu_affinity() == [core]
        assert service.get("/api/v1/clients/")[0] == 401
        assert service.get("/api/v1/clients/", {"X-API-Key": stand.key})[0] == 200
        assert service.metric("/metrics", LAG) is not None
    assert service.exit_code is not None
