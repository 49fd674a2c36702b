import os

import pytest

from benchmarks.peers.cases import Case
from benchmarks.peers.figures import (
    FASTAPI,
    FLOOR,
    GRANIAN,
    LIMIT,
    LITESTAR,
    NGINX,
    TWO_WORKERS,
    US,
    VARNISH,
    WITH_REDIS,
)
from benchmarks.peers.servers.stand import FASTAPI_GZIP, missing_programs, takers, two_cores, wanted
from benchmarks.peers.wrk import Ask

EVERYWHERE = {US, LIMIT, GRANIAN, FLOOR, FASTAPI}
LIST = Case(name="list", asks=(Ask("/"),))
GZIP = Case(name="list, gzip", asks=(Ask("/"),), coding="gzip")
BY_ID = Case(name="by service id", asks=(Ask("/"),))
VERIFY = Case(name="verify", asks=(Ask("/", "POST"),))


def test_the_load_generators_core_is_given_back():
    before = os.sched_getaffinity(0)
    with two_cores().taken():
        assert len(os.sched_getaffinity(0)) == 1
    assert os.sched_getaffinity(0) == before


@pytest.mark.parametrize(
    ("case", "others"),
    [
        (LIST, {TWO_WORKERS, NGINX, VARNISH}),
        (GZIP, {NGINX, VARNISH}),
        (BY_ID, {TWO_WORKERS, WITH_REDIS, NGINX, VARNISH}),
        (VERIFY, {TWO_WORKERS, WITH_REDIS, LITESTAR}),
    ],
)
def test_each_case_has_its_servers(case, others):
    assert set(takers(case)) == EVERYWHERE | others


def test_only_what_takes_part_in_a_case_is_started():
    assert wanted([VERIFY]) == set(takers(VERIFY))
    assert wanted([LIST, GZIP]) == {*takers(LIST), FASTAPI_GZIP}


def test_what_is_not_installed_is_named_with_its_package(monkeypatch):
    monkeypatch.setattr("benchmarks.peers.servers.stand.find_proxy", lambda _: None)
    assert set(missing_programs()) == {
        (NGINX, "nginx-light"),
        (VARNISH, "varnish"),
        (FLOOR, "gcc"),
        (WITH_REDIS, "redis-server"),
    }
