"""Places in words at which a text stands."""

from hypothesis import given
from hypothesis import strategies as st

from wisphub_api.clients.search_index.suffix_array import END, SuffixArray, SuffixArrayBuilder

WORDS = st.lists(st.text("abñ1", min_size=1, max_size=12), max_size=8)


def entries(words: list[str]) -> SuffixArray:
    builder = SuffixArrayBuilder()
    assert [builder.add(word) for word in words] == [*range(len(words))]
    return SuffixArray(builder)


@given(words=WORDS, text=st.text("abñ1", min_size=1, max_size=12))
def test_words_are_found_by_what_they_contain_begin_with_and_are(words, text):
    found = entries(words)
    numbered = [*enumerate(words)]
    assert found.containing(text).tolist() == [at for at, word in numbered if text in word]
    assert found.beginning(text).tolist() == [at for at, word in numbered if word.startswith(text)]
    assert found.beginning(text + END).tolist() == [at for at, word in numbered if word == text]


def test_long_words_are_told_apart_by_their_last_letter():
    found = entries(["constantina", "constantino", "constant"])
    assert found.containing("constantino").tolist() == [1]
    assert found.beginning("constant" + END).tolist() == [2]


def test_a_text_may_be_longer_than_all_words_and_hold_what_cannot_be_encoded():
    found = entries(["ana", "luz"])
    assert found.containing("ana" * 1000).tolist() == []
    assert found.containing("\ud800").tolist() == []
    assert entries([]).containing("a").tolist() == []


def test_words_are_given_back():
    found = entries(["ana", "peña"])
    assert (len(found), found.word(1).decode()) == (2, "peña")
