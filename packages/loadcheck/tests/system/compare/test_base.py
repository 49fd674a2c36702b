"""The base beside the project: checked out once, with an environment where its lock differs."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from loadcheck.compare import base
from loadcheck.compare.base import BaseFailed, check_out, head


def printed(python: str, code: str) -> str:
    done = subprocess.run([python, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    return done.stdout.strip()


def test_a_revision_lies_beside_the_project_which_stays_as_it_is(project, commit):
    first = commit("1")
    commit("2")
    (project / "server.py").write_text("not committed")
    found = check_out(project, "HEAD~1")
    assert (found.commit, found.name, found.python) == (first, "base", sys.executable)
    assert (found.folder / "server.py").read_text() == "1"
    assert (project / "server.py").read_text() == "not committed"


def test_what_is_checked_out_already_is_used(project, commit):
    commit()
    found = check_out(project, "main")
    (found.folder / "made").write_text("by a run")  # as caches are
    assert check_out(project, "HEAD").folder == found.folder
    assert (found.folder / "made").exists()


def test_what_somebody_changed_in_it_is_undone(project, commit):
    commit("1")
    found = check_out(project, "HEAD")
    (found.folder / "server.py").write_text("changed")
    assert (check_out(project, "HEAD").folder / "server.py").read_text() == "1"


def test_another_revision_lies_beside_it(project, commit):
    """Who still runs the one is not disturbed by who compares with the other."""
    first, second = commit("1"), commit("2")
    folders = [check_out(project, each).folder for each in (first, second)]
    assert [(folder / "server.py").read_text() for folder in folders] == ["1", "2"]


def test_a_project_that_was_changed_meanwhile_is_another(project, commit):
    commit("1")
    states = [base.state(project)]
    (project / "new.txt").write_text("new")
    states.append(base.state(project))
    os.utime(project / "new.txt", (1, 1))
    states.append(base.state(project))
    (project / "server.py").write_text("2")
    states.append(base.state(project))
    assert len(set(states)) == 4
    assert base.state(project) == states[-1]


def test_a_folder_that_is_no_worktree_any_more_is_replaced(project, commit):
    commit("1")
    folder = check_out(project, "HEAD").folder
    (folder / ".git").write_text("gitdir: nowhere")
    assert check_out(project, "HEAD").folder == folder
    assert (folder / "server.py").exists()


def test_an_unknown_revision_is_told_with_those_that_come_close(project, commit):
    commit()
    with pytest.raises(BaseFailed, match=r"'mian' is no revision of this repository; there are.*: main\."):
        check_out(project, "mian")


def test_where_there_is_no_repository_that_is_told(tmp_path):
    with pytest.raises(BaseFailed, match="not a git repository"):
        head(tmp_path)


WITHOUT_NETWORK = """#!/bin/sh
# Makes an environment in which nothing can be installed: called as `python -m venv FOLDER`.
mkdir -p "$3/bin"
printf '#!/bin/sh\\necho "cannot reach nowhere.example" >&2; exit 1\\n' > "$3/bin/python"
chmod +x "$3/bin/python"
"""


@pytest.mark.timeout(600)  # it makes an environment: some seconds of CPU time
def test_another_lock_has_an_environment_of_its_own_which_is_made_anew_until_it_is_complete(
    project, commit, tmp_path, monkeypatch
):
    (project / "requirements.lock").write_text("# nothing\n")
    commit()
    (project / "requirements.lock").write_text("something==1\n")
    (tmp_path / "python").write_text(WITHOUT_NETWORK)
    (tmp_path / "python").chmod(0o755)
    with monkeypatch.context() as patch:
        patch.setattr(sys, "_base_executable", str(tmp_path / "python"))
        with pytest.raises(BaseFailed, match=r"pip .*failed: cannot reach nowhere\.example"):
            check_out(project, "HEAD")
    found = check_out(project, "HEAD")
    assert found.python != sys.executable
    assert Path(printed(found.python, "import sys; print(sys.prefix)")).is_relative_to(project / ".loadcheck")
    made = Path(found.python).stat().st_ctime_ns
    assert check_out(project, "HEAD").python == found.python
    assert Path(found.python).stat().st_ctime_ns == made


def test_a_lock_that_differs_in_comments_alone_needs_none(project, commit):
    (project / "requirements.lock").write_text("something==1\n    # via one\n")
    commit()
    (project / "requirements.lock").write_text("something==1\n    # via another\n\n# others\n")
    assert check_out(project, "HEAD").python == sys.executable


def test_of_many_bases_those_used_last_are_kept(project, commit):
    commits = [commit(str(number)) for number in range(base.KEPT + 2)]
    for number, each in enumerate(commits[:-1]):
        os.utime(check_out(project, each).folder, (number, number))
    places = check_out(project, commits[-1]).folder.parent
    kept = sorted((folder / "server.py").read_text() for folder in places.iterdir())
    assert kept == ["2", "3", "4"]
