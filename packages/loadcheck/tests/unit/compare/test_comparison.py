"""What a comparison comes to."""

from loadcheck.compare.comparison import own_failures

BROKEN = "GET /search: HTTP 500"
BUSY = "GET /search: HTTP 503"


def failures(head: dict[str, int], base: dict[str, int]) -> dict[str, dict[str, int]]:
    return {"base": base, "control": base, "head": head}


def test_what_head_alone_fails_at_is_its_own_the_commonest_first():
    assert own_failures(failures({BUSY: 7, BROKEN: 9}, {}), 0.01) == {BROKEN: 9, BUSY: 7}


def test_what_all_fail_at_alike_is_not():
    assert own_failures(failures({BUSY: 30}, {BUSY: 30}), 0.01) == {}


def test_what_base_knows_but_head_fails_at_far_more_often_is():
    assert own_failures(failures({BUSY: 30}, {BUSY: 1}), 0.01) == {BUSY: 30}


def test_once_may_be_chance():
    assert own_failures(failures({BROKEN: 1}, {}), 0.01) == {}
    assert own_failures({}, 0.01) == {}


def test_the_more_reasons_there_are_the_surer_it_has_to_be():
    many = {f"GET /{number}: HTTP 500": 5 for number in range(10)}
    assert own_failures(failures({BROKEN: 5}, {}), 0.01)
    assert not own_failures(failures(many, {}), 0.01)
