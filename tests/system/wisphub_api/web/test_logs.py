"""Every line is JSON, or readable on a terminal, and none holds what an exception says."""

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

SECRET = "Esperanza 34567890"
WRITE = """
import asyncio, logging, structlog, sys
from wisphub_api.web.telemetry.logs import configure_logs
configure_logs(sys.argv[2])
secret = sys.argv[1]
logging.getLogger("wisphub_api.some").info("read %d", 7, extra={"pages": 3})
logging.getLogger("uvicorn.error").info("Started", extra={"color_message": "Started"})
logging.getLogger("uvicorn.access").info(secret)
logging.getLogger("httpx").info("GET " + secret)
logging.getLogger("stamina").warning(secret)
structlog.get_logger("stamina").warning(secret, args=(secret,))
structlog.get_logger("another").warning("by structlog", size=1)
logging.getLogger("wisphub_api").debug(secret)
try:
    raise ValueError(secret)
except ValueError:
    logging.getLogger("uvicorn.error").exception("it failed")
async def main():
    async def fail(): raise ValueError(secret)
    task = asyncio.create_task(fail())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    del task
asyncio.run(main())
"""


@pytest.fixture(scope="module")
def written() -> str:
    done = subprocess.run(
        [sys.executable, "-c", WRITE, SECRET, "info"], capture_output=True, text=True, check=True
    )
    assert done.stdout == ""
    return done.stderr


@pytest.mark.smoke
def test_every_line_is_an_object_that_tells_when_how_bad_and_where_from(written):
    lines = [json.loads(line) for line in written.splitlines()]
    assert all({"event", "level", "logger", "timestamp"} <= set(line) for line in lines)
    events = [(line["logger"], line["event"]) for line in lines]
    assert events == [
        ("wisphub_api.some", "read 7"),
        ("uvicorn.error", "Started"),
        ("another", "by structlog"),
        ("uvicorn.error", "it failed"),
        ("asyncio", "Task exception was never retrieved"),
    ]
    assert lines[0]["pages"] == 3
    assert "color_message" not in lines[1]
    assert lines[2]["size"] == 1


def test_an_exception_is_told_by_its_place_and_type_without_its_message(written):
    exceptions = [json.loads(line).get("exception", "") for line in written.splitlines()]
    assert [text.endswith("\nValueError") for text in exceptions if text] == [True, True]
    assert 'File "<string>", line ' in exceptions[-1]
    assert SECRET not in written


def test_less_severe_lines_can_be_left_out():
    done = subprocess.run(
        [sys.executable, "-c", WRITE, SECRET, "error"], capture_output=True, text=True, check=True
    )
    assert {json.loads(line)["level"] for line in done.stderr.splitlines()} == {"error"}


def test_a_terminal_gets_lines_for_people(tmp_path: Path):
    ours, theirs = pty.openpty()
    program = tmp_path / "write.py"
    program.write_text(WRITE)
    subprocess.run([sys.executable, program, SECRET, "info"], stderr=theirs, check=True)
    os.close(theirs)
    shown = os.read(ours, 65_536).decode()
    os.close(ours)
    assert "read 7" in shown
    assert '{"' not in shown
    assert SECRET not in shown
