"""Fields found by their words."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wisphub_api.clients.search_index.inverted_index import (
    EXACT,
    INSIDE,
    PREFIX,
    InvertedIndex,
    InvertedIndexBuilder,
    groups_of,
    starts_of,
)
from wisphub_api.clients.search_index.suffix_array import Numbers
from wisphub_api.clients.text import fold

FIELDS = ["Ana María", "MARIA ANA", "ana", "Mariana Peña", "ana ana maria"]


@pytest.fixture
def index() -> InvertedIndex:
    builder = InvertedIndexBuilder()
    for field in FIELDS:
        builder.add(field)
    return InvertedIndex(builder)


def fields_with(index: InvertedIndex, words: list[str]) -> Numbers:
    return index.fields_with(index.containing(words))


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["ana"], [0, 1, 2, 3, 4]),
        (["maria", "ana"], [0, 1, 3, 4]),
        (["pe", "mar"], [3]),
        (["maria", "x"], []),
    ],
)
def test_fields_that_hold_all_words_are_found_in_their_order(index, words, expected):
    assert fields_with(index, words).tolist() == expected


def test_a_field_of_many_words_that_hold_a_text_is_looked_at_once():
    """Its words, so many times over, would not fit into memory."""
    builder = InvertedIndexBuilder()
    builder.add(" ".join(f"zq{number}" for number in range(50_000)) + " a1")
    for _ in range(10_000):
        builder.add(" ".join(f"a{number}" for number in range(100)))
    found = fields_with(InvertedIndex(builder), ["zq", "a"])
    assert found.tolist() == [0]


def test_among_many_words_that_hold_a_text_the_right_field_is_found():
    builder = InvertedIndexBuilder()
    for number in range(100):
        builder.add(f"maria{number} ana{number}")
    builder.add("luz zeta")
    builder.add("zeta maria5")
    assert fields_with(InvertedIndex(builder), ["maria", "zeta"]).tolist() == [101]
    assert fields_with(InvertedIndex(builder), ["maria", "luz"]).tolist() == []


@given(
    fields=st.lists(st.lists(st.sampled_from(["ab", "a", "b", "ba", "c"]), max_size=4), max_size=150),
    words=st.lists(st.sampled_from(["a", "b", "c", "ba", "z"]), min_size=1, max_size=3, unique=True),
)
def test_however_often_words_are_held_the_fields_are_those_that_hold_all(fields, words):
    builder = InvertedIndexBuilder()
    for field in fields:
        builder.add(" ".join(field))
    found = fields_with(InvertedIndex(builder), words).tolist()
    holding = [all(any(word in held for held in field) for word in words) for field in fields]
    assert sorted({*found}) == [at for at, holds in enumerate(holding) if holds]
    assert found == sorted(found)


def test_fields_are_ranked_by_how_they_begin(index):
    fields = fields_with(index, ["ana"])
    assert index.ranks(fields, ["ana"]).tolist() == [PREFIX, INSIDE, EXACT, INSIDE, PREFIX]
    assert index.ranks(fields, ["ana", "mari"]).tolist() == [PREFIX, INSIDE, INSIDE, INSIDE, INSIDE]
    assert index.ranks(fields, ["ana", "maria"]).tolist() == [EXACT, INSIDE, INSIDE, INSIDE, INSIDE]


@given(text=st.text() | st.text("a\u0301 \xa8\xa0ñÑ\x85ﬃßİ", max_size=8))
def test_a_text_folded_word_by_word_is_the_text_folded(text):
    assert " ".join(fold(word) for word in text.split()).split() == fold(text).split()


def test_groups_are_taken_one_after_the_other():
    values, starts = np.arange(6, dtype=np.int32), starts_of(np.array([2, 0, 3, 1], np.int32))
    for groups in ([0], [0, 2], [3, 1, 0], []):
        expected = [value for group in groups for value in values[starts[group] : starts[group + 1]]]
        assert groups_of(starts, values, np.array(groups, np.int32)).tolist() == expected


def test_many_groups_are_taken_as_few_are():
    values, starts = np.arange(6, dtype=np.int32), starts_of(np.array([2, 0, 3, 1], np.int32))
    groups = np.array([2, 0, 1] * 300, np.int32)
    assert groups_of(starts, values, groups).tolist() == [2, 3, 4, 0, 1] * 300
