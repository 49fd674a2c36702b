"""Clients found by digits."""

import pytest

from wisphub_api.clients.search_index.digit_index import DigitIndex, DigitIndexBuilder, is_long_number
from wisphub_api.clients.search_index.inverted_index import EXACT, INSIDE, PREFIX


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["3001234567"], {(4, EXACT)}),
        (["300"], {(4, PREFIX), (7, INSIDE)}),
        (["567", "123"], {(4, INSIDE)}),
        (["9"], set()),
    ],
)
def test_clients_are_found_by_all_that_is_in_one_number_and_ranked(words, expected):
    builder = DigitIndexBuilder()
    for position, number in ((4, "3001234567"), (7, "1230030")):
        builder.add(number, position)
    clients, ranks = DigitIndex(builder).search(words)
    assert set(zip(clients.tolist(), ranks.tolist(), strict=True)) == expected


def test_only_plain_digits_and_many_of_them_are_kept_as_numbers():
    assert is_long_number("123456")
    assert not any(map(is_long_number, ["12345", "12345a", "1234 56", "١٢٣٤٥٦", ""]))
