"""Answers made before."""

from wisphub_api.cache.memo import Memo
from wisphub_api.cache.representation import Representation, tagged


def answer(size: int) -> Representation:
    return tagged(b"x" * size)


def test_an_answer_is_made_once():
    memo = Memo(max_bytes=10)
    first = memo.get("a", lambda: answer(4))
    assert memo.get("a", lambda: answer(4)) is first
    assert memo.get("b", lambda: answer(4)) is not first


def test_what_was_asked_for_least_recently_goes_first():
    memo = Memo(max_bytes=10)
    first, second = (memo.get(key, lambda: answer(5)) for key in "ab")
    assert memo.get("a", lambda: answer(5)) is first
    memo.get("c", lambda: answer(5))
    assert memo.get("a", lambda: answer(5)) is first
    assert memo.get("b", lambda: answer(5)) is not second


def test_an_answer_that_does_not_fit_displaces_none():
    memo = Memo(max_bytes=10)
    first = memo.get("a", lambda: answer(10))
    memo.get("b", lambda: answer(11))
    assert memo.get("a", lambda: answer(10)) is first
