"""Answers made before."""

import pytest

from wisphub_api.cache.memo import Memo
from wisphub_api.cache.representation import Representation, tagged


def answer(size: int) -> Representation:
    return tagged(b"x" * size)


@pytest.fixture
def memo() -> Memo:
    """One that has room for ten bytes, and two answers of five."""
    memo = Memo(max_bytes=10)
    for key in "ab":
        memo.keep(key, answer(5))
    return memo


def test_what_was_kept_is_given_again(memo):
    kept = answer(4)
    memo.keep("a", kept)
    assert memo.get("a") is kept
    assert memo.get("b") is not None
    assert memo.get("c") is None


def test_what_was_asked_for_least_recently_goes_first(memo):
    first = memo.get("a")
    memo.keep("c", answer(5))
    assert memo.get("a") is first
    assert memo.get("b") is None


def test_an_answer_that_does_not_fit_displaces_none(memo):
    memo.keep("c", answer(11))
    assert [memo.get(key) is None for key in "abc"] == [False, False, True]


def test_what_is_kept_anew_counts_once(memo):
    for _ in range(5):
        memo.keep("a", answer(5))
    assert memo.get("b") is not None
