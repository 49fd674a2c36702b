"""What the README says to type gives what it shows."""

import shlex
import subprocess

import pytest
from tests.system.conftest import ROOT
from tests.unit.test_readme import CURLS, MAKES


@pytest.mark.smoke
@pytest.mark.parametrize(("command", "output"), CURLS)
def test_a_request_gives_what_is_shown(demo, command, output):
    words = shlex.split(command.replace("http://127.0.0.1:8000", demo))
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == output.strip()


@pytest.mark.parametrize("words", MAKES, ids=" ".join)
def test_a_make_target_exists(words):
    subprocess.run([words[0], "--dry-run", *words[1:]], cwd=ROOT, capture_output=True, timeout=60, check=True)
