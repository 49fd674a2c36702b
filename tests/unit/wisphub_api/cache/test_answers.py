"""What is remembered of answers, and how much it may take."""

import tracemalloc

from wisphub_api.cache.answers import ENTRY_BYTES, Answers, Question
from wisphub_api.cache.representation import tagged


def asked(text: str) -> Question:
    return Question("search", text)


def test_an_answer_is_kept_for_the_version_it_was_made_from():
    answers, answer = Answers(), tagged(b"[]")
    answers.put(asked("a"), 1, answer)
    assert answers.get(asked("a"), 1) is answer
    assert answers.get(asked("a"), 2) is None
    assert answers.get(asked("b"), 1) is None
    assert answers.get(Question("search", "a", limit=1), 1) is None


def test_a_newer_answer_takes_the_place_of_the_one_before():
    answers, newer = Answers(), tagged(b"[1]")
    answers.put(asked("a"), 1, tagged(b"[]"))
    answers.put(asked("a"), 2, newer)
    assert (answers.get(asked("a"), 1), answers.get(asked("a"), 2), len(answers)) == (None, newer, 1)


def test_what_was_used_longest_ago_leaves_first():
    answers = Answers(3 * (ENTRY_BYTES + 100))
    for text in "abc":
        answers.put(asked(text), 1, tagged(b"x" * 50))
    answers.get(asked("a"), 1)
    answers.put(asked("d"), 1, tagged(b"x" * 50))
    assert [text for text in "abcd" if answers.get(asked(text), 1)] == ["a", "c", "d"]


def test_an_answer_that_is_larger_than_all_may_be_is_not_kept_nor_the_one_before_it():
    answers = Answers(ENTRY_BYTES + 100)
    answers.put(asked("a"), 1, tagged(b"[]"))
    answers.put(asked("a"), 2, tagged(b"x" * 200))
    assert len(answers) == 0


def test_keys_and_entries_count_as_well_as_bodies():
    """Searches that find nothing have a body of two bytes; 100,000 of them once took 118 MB."""
    limit = 2_000_000
    answers = Answers(limit)
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    for number in range(20_000):
        answer = tagged(b"[]", total=0)
        answer.encoded["identity"] = (b"f" * 400 + b"%d" % number, b"f" * 300 + b"%d" % number)
        answers.put(asked(f"nobody has this {number}"), 1, answer)
    grown = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    assert len(answers) > limit // ENTRY_BYTES // 2
    assert grown < limit
