"""pytest-benchmark compares what `make bench` keeps, under the pytest settings of this project."""

import subprocess
import sys

from tests.system.conftest import ROOT


def test_the_command_of_pytest_benchmark_runs_in_this_project(tmp_path):
    command = [sys.executable, "-m", "pytest_benchmark", f"--storage={tmp_path}", "compare"]
    subprocess.run(command, cwd=ROOT, capture_output=True, timeout=60, check=True)
