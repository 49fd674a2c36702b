"""What the README says to type is there, and its links lead somewhere."""

import re
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner

from wisphub_api.cli import main

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"```console\n(.*?)```", README, re.DOTALL)
COMMANDS = re.findall(r"^\$ (.+?)(?: +#.*)?\n((?:[^$\n].*\n)*)", "".join(BLOCKS), re.MULTILINE)
CURLS = [(command, output) for command, output in COMMANDS if command.startswith("curl ")]
MAKES = [command.split() for command, _ in COMMANDS if command.startswith("make ")]
WISPHUB = [shlex.split(command) for command, _ in COMMANDS if command.startswith(".venv/bin/wisphub-api ")]


@pytest.mark.parametrize("words", WISPHUB, ids=" ".join)
def test_a_command_and_its_options_exist(words):
    told = CliRunner().invoke(main, [words[1], "--help"])
    assert told.exit_code == 0
    assert [option for option in words if option.startswith("--") and option not in told.output] == []


def test_commands_were_found():
    assert (len(CURLS), len(MAKES), len(WISPHUB)) == (2, 9, 2)


@pytest.mark.parametrize(
    "page",
    [
        page
        for folder in (".", "docs", "packages/*", "packages/*/docs")
        for page in sorted(ROOT.glob(f"{folder}/*.md"))
    ],
    ids=lambda page: str(page.relative_to(ROOT)),
)
def test_every_link_to_a_file_leads_somewhere(page):
    links = re.findall(r"\]\((?!https?://|#)([^)#]+)", page.read_text())
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_the_readme_is_a_page():
    assert len(README.splitlines()) <= 100
