import json
import os
import shutil
import signal
import subprocess
import sys
from contextlib import suppress

import psutil
import pytest
from tests.system.conftest import ROOT

from benchmarks.peers.figures import NGINX, SERVERS, VARNISH
from benchmarks.peers.servers.proxies import find_proxy
from benchmarks.peers.servers.stand import ONLY, missing_programs

QUICK = (sys.executable, "-m", "benchmarks.peers", "--quick", "--no-pin")
needs_wrk = pytest.mark.skipif(shutil.which("wrk") is None, reason="wrk is not installed")


@needs_wrk
@pytest.mark.timeout(300)
def test_all_servers_answer_alike_and_are_measured(tmp_path):
    words = ("--case", "plans", "--case", "verify", "--out", str(tmp_path))
    done = subprocess.run(
        [*QUICK, *words], cwd=ROOT, capture_output=True, text=True, timeout=280, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    result = json.loads((tmp_path / "peers.json").read_text())
    measured = {(one["case"], one["server"]) for one in result["measures"]}
    expected = {("plans", name) for name in SERVERS if "plans" in ONLY.get(name, ["plans"])}
    expected |= {("verify", name) for name in SERVERS if name not in {NGINX, VARNISH}}
    left_out = {name for name, _ in missing_programs()}
    assert measured == {(case, name) for case, name in expected if name not in left_out}
    assert result["missing"] == []
    assert "verify: CPU at most 2 of bare ASGI" in done.stdout
    assert (tmp_path / "2000-clients.svg").exists()


def has_started(processes: list[psutil.Process]) -> bool:
    """Return whether all servers have been started: the last one has, and what it starts itself."""
    last = "varnishd" if find_proxy("varnishd") else "uvicorn"
    return sum(last in command(each) for each in processes) >= 2


def command(process: psutil.Process) -> str:
    """Return a process's command; nothing once it has ended."""
    with suppress(psutil.Error):
        return " ".join(process.cmdline())
    return ""


@needs_wrk
@pytest.mark.timeout(300)
@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGKILL])
def test_everything_that_was_started_is_stopped(tmp_path, sign):
    process = subprocess.Popen(
        [*QUICK, "--case", "plans", "--out", str(tmp_path)],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "TMPDIR": str(tmp_path)},
        start_new_session=True,
    )
    try:
        while not has_started(started := psutil.Process(process.pid).children(recursive=True)):
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
