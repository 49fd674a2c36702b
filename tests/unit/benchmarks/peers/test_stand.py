import os

from benchmarks.peers.stand import two_cores


def test_the_load_generators_core_is_given_back():
    before = os.sched_getaffinity(0)
    with two_cores().taken():
        assert len(os.sched_getaffinity(0)) == 1
    assert os.sched_getaffinity(0) == before
