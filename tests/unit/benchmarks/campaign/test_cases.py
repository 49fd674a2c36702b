"""What the judge is shown."""

import pytest

from benchmarks.campaign.cases import BEGINS, ONE, SLOWER, Case
from benchmarks.campaign.slowed import Slowdown

P95_MS = dict.fromkeys(BEGINS, 2.0)


def test_nothing_is_slowed_where_nothing_is_to_be():
    assert Case().name == "identical"
    assert set(Case().slowdowns({}).values()) == {Slowdown(us=0.0, kind="cpu")}


def test_each_endpoint_is_slowed_by_its_share_of_its_p95():
    case = Case(5, "time", "all")
    assert case.name == "5 % time, all endpoints"
    found = case.slowdowns({**P95_MS, ONE: 4.0})
    assert found.pop(BEGINS[ONE]) == Slowdown(us=200.0, kind="time")
    assert set(found) == set(BEGINS.values()) - {BEGINS[ONE]}
    assert set(found.values()) == {Slowdown(us=100.0, kind="time")}


def test_one_endpoint_may_be_slowed_alone():
    case = Case(20, "cpu", "one")
    assert case.name == "20 % cpu, first searches alone"
    found = case.slowdowns(P95_MS)
    assert found.pop(BEGINS[ONE]) == Slowdown(us=400.0, kind="cpu")
    assert set(found.values()) == {Slowdown(us=0.0, kind="cpu")}


def test_all_kinds_of_slowdown_are_shown():
    assert len(set(SLOWER)) == len(SLOWER) == 4 * 2 * 2


@pytest.mark.parametrize(
    ("request_line", "endpoint"),
    [
        (b"GET /api/v1/clients/ HTTP/1.1", "/api/v1/clients/"),
        (b"GET /api/v1/clients/search?q=Esperanza HTTP/1.1", "/api/v1/clients/search"),
        (b"GET /api/v1/clients/search?q=eSPer HTTP/1.1", ONE),
        (b"POST /api/v1/clients/7/verify HTTP/1.1", "/api/v1/clients/{service_id}/verify"),
        (b"GET /health HTTP/1.1", None),
    ],
)
def test_an_endpoint_is_known_by_how_its_requests_begin(request_line, endpoint):
    fitting = (name for name, begin in BEGINS.items() if request_line.startswith(begin.encode()))
    assert next(fitting, None) == endpoint
