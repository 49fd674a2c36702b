"""The command as a process of its own."""

import subprocess
import sys

from packages.loadcheck.tests.unit.report.made_up import requests

from loadcheck.model.sample_file import write_samples

COMMAND = (sys.executable, "-c", "from loadcheck.cli import main; main()")


def test_a_reader_that_has_enough_gets_no_traceback(tmp_path):
    write_samples(tmp_path / "samples.bin", requests(150, is_open=True))
    with subprocess.Popen(
        [*COMMAND, "samples", str(tmp_path)], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as running:
        assert running.stdout is not None
        assert running.stderr is not None
        assert running.stdout.readline().startswith(b"intended_s,")
        running.stdout.close()
        assert running.wait(60) == 141
        assert running.stderr.read() == b""


def test_other_commands_do_not_wait_for_otava():
    """It imports all of scipy.stats, which takes a second."""
    code = "import sys; from loadcheck.cli import commands; sys.exit('otava.analysis' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=60).returncode == 0
