"""What the README says to type is there, and its requests give what it shows."""

import re
import shlex
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"```console\n(.*?)```", README, re.DOTALL)
COMMANDS = re.findall(r"^\$ (.+?)(?: +#.*)?\n((?:[^$\n].*\n)*)", "".join(BLOCKS), re.MULTILINE)
CURLS = [(command, output) for command, output in COMMANDS if command.startswith("curl ")]
MAKES = [command.split() for command, _ in COMMANDS if command.startswith("make ")]
WISPHUB = [shlex.split(command) for command, _ in COMMANDS if command.startswith(".venv/bin/wisphub-api ")]


@pytest.fixture(scope="module")
def demo() -> Iterator[str]:
    """Run the demo on a free port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    words = ["demo", "--port", str(port), "--latency-ms", "1"]
    process = subprocess.Popen(
        [sys.executable, "-m", "wisphub_api.cli", *words],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        with httpx.Client(transport=httpx.HTTPTransport(retries=12)) as client:
            client.get(
                f"http://127.0.0.1:{port}/api/v1/clients/", params={"limit": 1}, timeout=20
            ).raise_for_status()
        yield f"http://127.0.0.1:{port}"
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(15)


@pytest.mark.parametrize(("command", "output"), CURLS)
def test_a_request_gives_what_is_shown(demo, command, output):
    words = shlex.split(command.replace("http://127.0.0.1:8000", demo))
    done = subprocess.run(words, capture_output=True, text=True, timeout=20, check=True)
    assert done.stdout.strip() == output.strip()


@pytest.mark.parametrize("words", MAKES, ids=" ".join)
def test_a_make_target_exists(words):
    subprocess.run([words[0], "--dry-run", *words[1:]], cwd=ROOT, capture_output=True, timeout=20, check=True)


@pytest.mark.parametrize("words", WISPHUB, ids=" ".join)
def test_a_command_and_its_options_exist(words):
    command = [sys.executable, "-m", "wisphub_api.cli", words[1], "--help"]
    told = subprocess.run(command, capture_output=True, text=True, timeout=20, check=True).stdout
    assert [option for option in words if option.startswith("--") and option not in told] == []


def test_commands_were_found():
    assert (len(CURLS), len(MAKES), len(WISPHUB)) == (2, 8, 2)


@pytest.mark.parametrize(
    "page", sorted(ROOT.glob("*.md")) + sorted(ROOT.glob("docs/*.md")), ids=lambda page: page.name
)
def test_every_link_to_a_file_leads_somewhere(page):
    links = re.findall(r"\]\((?!https?://|#)([^)#]+)", page.read_text())
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_the_readme_is_a_page():
    assert len(README.splitlines()) <= 100
