import json
import os
import shutil
import signal
import subprocess
import sys

import psutil
import pytest
from tests.system.conftest import ROOT

from benchmarks.peers.figures import FASTAPI, LIMIT, LITESTAR, NGINX, US
from benchmarks.peers.nginx import find_nginx

QUICK = (sys.executable, "-m", "benchmarks.peers", "--quick", "--no-pin")
needs_wrk = pytest.mark.skipif(shutil.which("wrk") is None, reason="wrk is not installed")


@needs_wrk
def test_all_servers_answer_alike_and_are_measured(tmp_path):
    words = ("--case", "plans", "--case", "verify", "--out", str(tmp_path))
    done = subprocess.run(
        [*QUICK, *words], cwd=ROOT, capture_output=True, text=True, timeout=110, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    result = json.loads((tmp_path / "peers.json").read_text())
    front = {NGINX} if find_nginx() else set()
    measured = {(one["case"], one["server"]) for one in result["measures"]}
    expected = {"plans": {US, LIMIT, FASTAPI} | front, "verify": {US, LIMIT, FASTAPI, LITESTAR}}
    assert measured == {(case, server) for case, servers in expected.items() for server in servers}
    assert result["missing"] == []
    assert "verify: 0.6 of bare ASGI" in done.stdout
    assert (tmp_path / "2000-clients.svg").exists()


@needs_wrk
@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGKILL])
def test_everything_that_was_started_is_stopped(tmp_path, sign):
    process = subprocess.Popen(
        [*QUICK, "--out", str(tmp_path)],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "TMPDIR": str(tmp_path)},
        start_new_session=True,
    )
    try:
        while len(started := psutil.Process(process.pid).children(recursive=True)) < 5:
            with pytest.raises(subprocess.TimeoutExpired):
                process.wait(0.1)
        process.send_signal(sign)
        process.wait(60)
        assert psutil.wait_procs(started, timeout=60)[1] == []
    finally:
        process.kill()
        process.wait()


def test_without_wrk_it_says_what_to_install(tmp_path):
    done = subprocess.run(
        QUICK, cwd=ROOT, env={"PATH": str(tmp_path)}, capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, "wrk is not installed" in done.stderr) == (1, True)
