"""Does this data match that record?"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wisphub_api.clients.identity import best_matches, price_matches, text_matches, verify
from wisphub_api.clients.models import Claim
from wisphub_api.clients.text import fold_place

REFERENCE = {"name": "Esperanza Benitez", "address": "BELLAVISTA", "internet_plan_price": 40000.0}
LEADS = ["", "V/", "vda/ ", "Vereda ", "BARRIO  ", "b/ "]
PLACES = st.text(alphabet="abcdefñé ABC 123#-", min_size=1).filter(lambda text: text.strip())


def test_the_reference_record_verifies(make_client):
    claim = Claim(address="BELLAVISTA", internet_plan_price=40000.0)
    answer = verify(claim, make_client(**REFERENCE), plan_price=None)
    assert answer.is_valid
    assert answer.matched_fields == ("address", "internet_plan_price")


@given(text=st.text(), recorded=st.text())
def test_text_matches_exactly_when_it_is_contained_normalised(text, recorded):
    expected = fold_place(text) != "" and fold_place(text) in fold_place(recorded)
    assert text_matches(text, recorded) == expected


@given(place=PLACES, lead=st.sampled_from(LEADS), other=st.sampled_from(LEADS))
def test_the_kind_of_place_case_and_spaces_do_not_count(place, lead, other):
    assert text_matches(lead + place, f" {other}{place.upper()}  ") or fold_place(lead + place) == ""


@given(st.data())
def test_any_part_of_the_recorded_text_matches(data):
    recorded = data.draw(PLACES)
    folded = fold_place(recorded)
    start = data.draw(st.integers(0, max(len(folded) - 1, 0)))
    part = folded[start : data.draw(st.integers(start, len(folded)))]
    assert text_matches(part, recorded) == (fold_place(part) != "")


@pytest.mark.parametrize("empty", ["", "  ", "barrio", "V/"])
def test_an_empty_value_never_matches(empty):
    assert not text_matches(empty, "BARRIO BELLAVISTA")
    assert not text_matches(empty, "")


def test_nothing_matches_what_the_record_lacks():
    assert not text_matches("x", None)
    assert not price_matches(40000, None)


@given(recorded=st.floats(0, 1e7), off=st.floats(-3, 3))
def test_a_price_matches_within_one(recorded, off):
    given_price = recorded + off
    assert price_matches(given_price, recorded) == (abs(given_price - recorded) <= 1.0)


def test_the_plan_price_stands_in_only_where_the_record_has_none(make_client):
    claim = Claim(address="bella", internet_plan_price=50000.0)
    assert verify(
        claim, make_client(**(REFERENCE | {"internet_plan_price": None})), plan_price=50000.0
    ).is_valid
    assert not verify(claim, make_client(**REFERENCE), plan_price=50000.0).is_valid


def test_one_wrong_field_spoils_it_and_the_right_ones_are_named(make_client):
    claim = Claim(name="esperanza", address="elsewhere", internet_plan_price=40000.5)
    answer = verify(claim, make_client(**REFERENCE), plan_price=None)
    assert not answer.is_valid
    assert answer.matched_fields == ("name", "internet_plan_price")


@given(st.builds(Claim, name=st.none() | st.text(), address=st.none() | st.text()))
def test_valid_means_that_every_given_field_matched(claim):
    recorded = Claim(name="José Peña", address="Vereda El Carmen")
    answer = verify(claim, recorded, plan_price=None)  # type: ignore[arg-type]  # it has the fields that count
    assert answer.is_valid == (set(answer.matched_fields) == set(claim.given) != set())


def test_the_client_with_the_most_matches_is_the_best(make_client):
    claim = Claim(name="Ana", address="Centro", internet_plan_name="Hogar", internet_plan_price=10.0)
    three = make_client(service_id=1, name="Ana", address="Centro", internet_plan_name="Hogar")
    four = make_client(
        service_id=2, name="Ana", address="Centro", internet_plan_name="Hogar", internet_plan_price=10.0
    )
    assert best_matches(claim, [(three, None), (four, None)]) == [four]


def test_clients_that_match_equally_well_are_all_given(make_client):
    claim = Claim(name="Ana", address="Centro", internet_plan_name="Hogar")
    twins = [
        make_client(service_id=i, name="Ana", address="Centro", internet_plan_name="Hogar") for i in (1, 2)
    ]
    assert best_matches(claim, [(twin, None) for twin in twins]) == twins


def test_two_matches_are_too_few(make_client):
    claim = Claim(name="Ana", address="Centro", internet_plan_name="Hogar")
    assert best_matches(claim, [(make_client(name="Ana", address="Centro"), None)]) == []
