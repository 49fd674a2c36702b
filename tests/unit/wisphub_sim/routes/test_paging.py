import json

import pytest

from wisphub_sim.routes.paging import PageRequest, cut_page

URL = "http://host/api/clientes/"


@pytest.mark.parametrize(
    ("asked", "limit"), [("10", 10), ("300", 300), ("301", 300), ("0", 50), ("-3", 50), ("x", 50), (None, 50)]
)
def test_the_limit_is_capped_and_lenient(asked, limit):
    query = {} if asked is None else {"limit": asked}
    assert PageRequest(URL, query).limit == limit


@pytest.mark.parametrize(("asked", "offset"), [("10", 10), ("-1", 0), ("x", 0), ("", 0)])
def test_the_offset_is_lenient(asked, offset):
    assert PageRequest(URL, {"offset": asked}).offset == offset


def page(rows, **query):
    return json.loads(cut_page(PageRequest(URL, query), rows))


def test_links_lead_to_the_pages_beside_and_keep_other_parameters():
    found = page(list(range(10)), limit="3", offset="3", search="x")
    assert found["count"] == 10
    assert found["results"] == [3, 4, 5]
    assert found["next"] == f"{URL}?limit=3&offset=6&search=x"
    assert found["previous"] == f"{URL}?limit=3&search=x"


def test_the_ends_have_no_links():
    assert page([1, 2], limit="2")["next"] is None
    assert page([1, 2], limit="2")["previous"] is None
    assert page([], offset="9")["results"] == []
