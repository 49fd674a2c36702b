"""What of a program is exchanged, that a version runs its own code."""

import os
import sys
from pathlib import Path

from loadcheck.compare.base import Checkout
from loadcheck.run.server import Program


def test_a_program_runs_a_version_s_own_code():
    base = Checkout(name="base", commit="b" * 40, folder=Path("/base"), python="/environment/python")
    program = Program(
        name="service",
        command=(sys.executable, "-m", "server", "/project/settings"),
        env={"FOLDER": "/project/data", "KEY": "secret"},
    )
    own = base.program(program, Path("/project"))
    assert own.command == ("/environment/python", "-m", "server", "/base/settings")
    assert own.env["FOLDER"] == "/base/data"
    assert own.env["KEY"] == "secret"
    assert own.env["PYTHONPATH"].split(os.pathsep)[:2] == ["/base/src", "/base"]
    assert own.env["PYTHONHASHSEED"] == "0"
    assert own.folder == Path("/base")
    assert own.name == "service-base"
