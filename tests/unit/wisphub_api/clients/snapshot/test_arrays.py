"""Many clients at once: items copied out of a JSON array, rows by key."""

from array import array

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from wisphub_api.clients.snapshot.arrays import newest_by_key, select_items
from wisphub_api.clients.snapshot.records import starts_in

ITEMS = st.lists(st.integers(0, 70).map(lambda size: b'"%b"' % (b"x" * size)), min_size=1, max_size=9)


@given(items=ITEMS, data=st.data())
def test_items_of_all_lengths_are_copied_in_the_order_asked_for(items, data):
    items = [b'"%d%b' % (at, item[1:]) for at, item in enumerate(items)]
    body, starts = b"[%b]" % b",".join(items), starts_in(array("I", map(len, items)))
    positions = data.draw(st.lists(st.integers(0, len(items) - 1), min_size=1, max_size=600))
    expected = b"[%b]" % b",".join(items[at] for at in positions)
    assert select_items(body, starts, np.array(positions)) == expected


def test_of_the_rows_of_one_key_the_last_is_taken():
    assert newest_by_key(array("q", [5, 3, 5, 1, 3])) == [3, 4, 2]
    assert newest_by_key(array("q")) == []
