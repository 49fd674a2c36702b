"""Entries that end make room."""

from wisphub_api.shared.memory import Expiring


def test_entries_that_have_ended_make_room_for_more():
    now = 0.0
    entries: Expiring[int] = Expiring(lambda: now, most=3)
    for number in range(3):
        entries.set(str(number), number, ends=1.0)
    now = 1.0
    assert entries.get("0") is None
    assert list(entries) == []
    entries.set("new", 1, ends=2.0)
    assert len(entries) == 1
    assert list(entries) == ["new"]


def test_entries_that_have_not_ended_are_all_kept():
    entries: Expiring[int] = Expiring(lambda: 0.0, most=3)
    for number in range(100):
        entries.set(str(number), number, ends=1.0)
    assert len(list(entries)) == 100
