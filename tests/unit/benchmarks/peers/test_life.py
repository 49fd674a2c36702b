import json
from types import SimpleNamespace
from typing import Any

import pytest

from benchmarks.peers.life import highest_memory_mb, last_load_s


def test_of_a_process_that_is_gone_nothing_is_told():
    assert highest_memory_mb(2**22 + 1) == 0.0


@pytest.mark.parametrize(("told_s", "expected"), [(5.5, 5.5), (None, 0.0)])
def test_a_crawl_takes_what_the_service_says_of_its_clients(told_s, expected):
    states = [
        {"name": "internet-plans", "last_load_s": 1.0},
        {"name": "clients", "last_load_s": told_s, "size": 9},
    ]
    server: Any = SimpleNamespace(get=lambda *_: (200, json.dumps(states).encode()))
    assert last_load_s(server) == expected
