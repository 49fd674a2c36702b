"""Task ids that only the service can have given."""

import pytest

from wisphub_api.exceptions import NotFound
from wisphub_api.network.task_ids import TaskIds
from wisphub_api.setting_values import Secret

IDS = TaskIds(Secret("the-upstream-key"))
UPSTREAM_ID = "00000001-0000-4000-8000-000000000007"


def test_an_id_is_always_the_same_and_read_by_every_worker():
    task_id = IDS.issue(UPSTREAM_ID)
    assert IDS.issue(UPSTREAM_ID) == task_id
    assert TaskIds(Secret("the-upstream-key")).read(task_id) == UPSTREAM_ID


def test_an_id_needs_no_escaping_in_a_path():
    assert set(IDS.issue(UPSTREAM_ID)) <= set("0123456789abcdef-.")


@pytest.mark.parametrize(
    "task_id",
    [
        *("", ".", "x", UPSTREAM_ID, f"{UPSTREAM_ID}.", f"{UPSTREAM_ID}.ñ", f"{UPSTREAM_ID}.{'0' * 24}"),
        IDS.issue(UPSTREAM_ID)[:-1],
        IDS.issue(UPSTREAM_ID).upper(),
        IDS.issue(UPSTREAM_ID).replace("7", "8", 1),
        "../" + IDS.issue(UPSTREAM_ID),
        TaskIds(Secret("another-key")).issue(UPSTREAM_ID),
        UPSTREAM_ID + "\ud800.x",
    ],
)
def test_an_id_that_was_made_up_is_not_found(task_id):
    with pytest.raises(NotFound):
        IDS.read(task_id)
