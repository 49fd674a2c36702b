"""No setting switches the fast path off: each combination is answered by it, as by the router."""

import itertools
import json
import re
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from tests.unit.wisphub_api.web.both_ways import ANSWERED, HOST, READER, VERIFIER, Both, key, running

CHOICES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "hosts": ({}, {"allowed_hosts": ("service", "*.isp.example")}),
    "rate": ({}, {"rate_limit": "9000000/day"}),
    "traces": ({}, {"traces_collector": "http://127.0.0.1:9", "traces_sampler": "always_off"}),
    "pages": ({}, {"cors_origins": ("https://page.example",)}),
    "log": ({}, {"log_sample": 1.0}),
    "keys": ({}, {"api_keys": {}}),
    "shared": ({}, {"snapshot_dir": "a folder"}),
}
NONE, ALL = (0,) * len(CHOICES), (1,) * len(CHOICES)
ONE_OFF = [tuple(int(place != off) for place in range(len(CHOICES))) for off in range(len(CHOICES))]
ONE_ON = [tuple(int(place == on) for place in range(len(CHOICES))) for on in range(len(CHOICES))]
COMBINATIONS = [NONE, ALL, *ONE_ON, *ONE_OFF]
"""All pairs of values of any two settings are among these."""
USUAL = [
    [],
    [(b"x-request-id", b"0f7d8c6a5b4e3f2a1b0c9d8e7f6a5b4c"), (b"via", b"1.1 nginx")],
    [(b"cache-control", b"max-age=60"), (b"accept-encoding", b"gzip, br")],
    [(b"if-none-match", b"*"), (b"traceparent", b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00")],
]
CLAIM = json.dumps({"address": "BELLAVISTA", "internet_plan_price": 40000.0}).encode()


def test_all_pairs_are_among_the_combinations():
    for one, other in itertools.combinations(range(len(CHOICES)), 2):
        assert {(combination[one], combination[other]) for combination in COMBINATIONS} == {
            (0, 0),
            (0, 1),
            (1, 0),
            (1, 1),
        }


def named(combination: tuple[int, ...]) -> str:
    return "+".join(name for name, value in zip(CHOICES, combination, strict=True) if value) or "none"


@pytest.fixture(params=COMBINATIONS, ids=named, scope="module")
def combined(request, runner, settings_of_both, tmp_path_factory) -> Iterator[Both]:
    """Give a warm application with a combination of settings."""
    changes: dict[str, Any] = {}
    for choice, value in zip(CHOICES.values(), request.param, strict=True):
        changes |= choice[value]
    if "snapshot_dir" in changes:
        changes["snapshot_dir"] = tmp_path_factory.mktemp("shared")
    settings = msgspec.structs.replace(settings_of_both, **changes)
    with running(runner, settings) as app:
        yield Both(app, settings)


def test_every_usual_request_is_answered_by_the_fast_path(combined, runner):
    for path, fields in itertools.product(ANSWERED, USUAL):
        before = combined.fast_answers
        for method in ("GET", "HEAD"):
            runner.run(combined.compare(method, path.encode(), [key(), HOST, *fields]))
        assert combined.fast_answers == before + 2, (path, fields)


def test_every_usual_check_is_answered_by_the_fast_path(combined, runner):
    for fields in USUAL:
        before = combined.fast_answers
        sized = [key(), HOST, (b"content-length", b"%d" % len(CLAIM)), *fields]
        answer = runner.run(combined.compare("POST", b"/api/v1/clients/7/verify", sized, CLAIM))
        assert (answer.status, combined.fast_answers) == (200, before + 1)


REFUSED = [
    ("/api/v1/clients/by-service-id/7", [key("unknown"), HOST]),
    ("/api/v1/clients/by-service-id/7", [HOST]),
    ("/api/v1/clients/by-service-id/7", [key(VERIFIER), HOST]),
    ("/api/v1/clients/by-service-id/7", [key(), (b"host", b"elsewhere.example")]),
    ("/api/v1/clients/by-service-id/7", [key(), HOST, HOST]),
    ("/api/v1/clients/by-service-id/7", [key()]),
    ("/api/v1/clients/?limit=0", [key(), HOST]),
    ("/api/v1/clients/search?q=an&colour=red", [key(), HOST]),
    ("/api/v1/clients/", [key(), HOST, (b"cache-control", b"only-if-cached, max-age=0")]),
    ("/api/v1/clients/", [key(), HOST, (b"origin", b"https://page.example")]),
    ("/api/v1/clients/", [key(), HOST, (b"x-forwarded-for", b"192.0.2.9")]),
]


def test_what_a_setting_forbids_or_changes_is_answered_alike(combined, runner):
    for path, fields in REFUSED:
        for method in ("GET", "HEAD"):
            runner.run(combined.compare(method, path.encode(), fields))


def test_both_ways_count_towards_one_rate_limit(runner, settings_of_both):
    settings = msgspec.structs.replace(settings_of_both, rate_limit="6/hour")
    fields = [key(READER), HOST]
    path = b"/api/v1/clients/by-service-id/7"
    with running(runner, settings) as app:  # three requests warm it up
        both = Both(app, settings)
        ways = [both.fast, both.router, both.fast, both.fast, both.router]
        answers = [runner.run(way("GET", path, fields)) for way in ways]
        remaining = both.fast_path.get("GET", path, fields, None)
    assert [answer and answer.status for answer in answers] == [200, 200, 200, None, 429]
    assert remaining is None


def test_a_check_counts_towards_the_rate_limit_by_either_way(runner, settings_of_both):
    settings = msgspec.structs.replace(settings_of_both, rate_limit="6/hour")
    fields = [key(READER), HOST, (b"content-length", b"%d" % len(CLAIM))]
    with running(runner, settings) as app:  # three requests warm it up
        both = Both(app, settings)
        ways = [both.fast, both.router, both.fast, both.fast, both.router]
        answers = [runner.run(way("POST", b"/api/v1/clients/7/verify", fields, CLAIM)) for way in ways]
    assert [answer and answer.status for answer in answers] == [200, 200, 200, None, 429]


def test_whether_a_proxys_word_for_an_address_is_taken_is_left_to_the_router(runner, settings_of_both):
    settings = msgspec.structs.replace(settings_of_both, api_keys={}, auth="off")
    check = [HOST, (b"content-length", b"%d" % len(CLAIM))]
    proxied = (b"x-forwarded-for", b"192.0.2.9")
    with running(runner, settings) as app:
        both = Both(app, settings)
        assert runner.run(both.fast("GET", b"/api/v1/clients/", [HOST])) is not None
        assert runner.run(both.fast("POST", b"/api/v1/clients/7/verify", check, CLAIM)) is not None
        assert runner.run(both.fast("GET", b"/api/v1/clients/", [HOST, proxied])) is None
        assert runner.run(both.fast("POST", b"/api/v1/clients/7/verify", [*check, proxied], CLAIM)) is None


def test_an_answer_says_what_is_left_of_the_limit(runner, settings_of_both):
    settings = msgspec.structs.replace(settings_of_both, rate_limit="6/hour")
    with running(runner, settings) as app:
        answer = Both(app, settings).fast_path.get("GET", b"/api/v1/clients/", [key(), HOST], None)
    assert answer is not None
    assert re.search(
        rb'ratelimit-policy: "default";q=6;w=3600\r\nratelimit: "default";r=2;t=3', answer.fields
    )
