"""Identity checks by the fast path: the same answers, counts and lines in the log as by the router."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import httpx
import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.unit.wisphub_api.web.both_ways import READER, VERIFIER, Both, Fields, Told, grown, key, running

from wisphub_api.clients.attempts import FailedAttempts
from wisphub_api.clients.checks import Decision, IdentityChecks
from wisphub_api.web.fast_path import MAX_BODY_BYTES

PATH = "/api/v1/clients/7/verify"
RIGHT = {"address": "BELLAVISTA", "internet_plan_price": 40000.0}
WRONG = {"address": "elsewhere", "internet_plan_price": 40000.0}
JSON = (b"content-type", b"application/json")


def ask(both: Both, runner: Any, body: bytes, *fields: tuple[bytes, bytes], path: str = PATH) -> Told:
    told: Told = runner.run(both.compare("POST", path.encode(), headed(body, *fields), body))
    return told


def headed(body: bytes, *fields: tuple[bytes, bytes]) -> Fields:
    return [*fields, (b"content-length", b"%d" % len(body))]


def in_json(claim: dict[str, Any]) -> bytes:
    return json.dumps(claim).encode()


@pytest.mark.parametrize("name", [READER, VERIFIER])
@pytest.mark.parametrize("claim", [RIGHT, WRONG])
def test_a_check_is_answered_by_the_fast_path(both, runner, name, claim):
    told = ask(both, runner, in_json(claim), key(name), JSON)
    assert both.fast_answers == 1
    matched = (
        [] if claim == WRONG and name == VERIFIER else [name for name in claim if claim[name] == RIGHT[name]]
    )
    assert (told.status, json.loads(told.body)) == (
        200,
        {"is_valid": claim == RIGHT, "matched_fields": matched},
    )


def test_to_a_key_that_may_not_read_an_unknown_client_goes_the_same_way_as_a_known_one(both, runner):
    unknown = ask(both, runner, in_json(RIGHT), key(VERIFIER), path="/api/v1/clients/999999/verify")
    known = ask(both, runner, in_json(WRONG), key(VERIFIER))
    assert unknown == known
    assert both.fast_answers == 2


@pytest.mark.parametrize(
    ("path", "fields", "body", "status"),
    [
        ("/api/v1/clients/999999/verify", [key()], in_json(RIGHT), 404),
        (PATH, [key(), (b"cache-control", b"max-age=60")], in_json(RIGHT), 200),
        (PATH, [key(), (b"origin", b"https://no-page.example")], in_json(RIGHT), 200),
        (PATH, [key(), (b"x-request-id", b"from-nginx-1")], in_json(RIGHT), 200),
        (PATH, [key()], in_json({"address": "BELLAVISTA"}), 422),
        (PATH, [key()], in_json({"address": "BE", "name": "Esperanza"}), 422),
        (PATH, [key()], in_json({**RIGHT, "internet_plan_price": "40000"}), 200),
    ],
)
def test_refusals_and_unusual_fields_are_the_fast_paths_too(  # noqa: PLR0917  # each is a part of a case
    both, runner, path, fields, body, status
):
    answer = ask(both, runner, body, *fields, path=path)
    assert (answer.status, both.fast_answers) == (status, 1)


@pytest.mark.parametrize(
    ("path", "fields", "body"),
    [
        ("/api/v1/clients/007/verify", [key()], in_json(RIGHT)),
        ("/api/v1/clients//verify", [key()], in_json(RIGHT)),
        ("/api/v1/clients/7/8/verify", [key()], in_json(RIGHT)),
        ("/api/v1/internet-plans/7/verify", [key()], in_json(RIGHT)),
        ("/api/v1/clients/resolve", [key()], in_json(RIGHT)),
        (f"{PATH}?a=b", [key()], in_json(RIGHT)),
        (PATH, [], in_json(RIGHT)),
        (PATH, [key("unknown")], in_json(RIGHT)),
        (PATH, [key(), key()], in_json(RIGHT)),
        (PATH, [key(), (b"cache-control", b"only-if-cached, max-age=0")], in_json(RIGHT)),
        (PATH, [key(), (b"expect", b"100-continue")], in_json(RIGHT)),
        (PATH, [key(), (b"content-encoding", b"gzip")], in_json(RIGHT)),
        (PATH, [key(), (b"content-type", b"text/plain")], in_json(RIGHT)),
        (PATH, [key()], b""),
        (PATH, [key()], b"{"),
        (PATH, [key()], b"\xff"),
        (PATH, [key()], b"[" * 2_000),
        (PATH, [key()], in_json({**RIGHT, "document": "34567890"})),
        (PATH, [key()], in_json({**RIGHT, "name": "e" * MAX_BODY_BYTES})),
    ],
)
def test_what_cannot_be_read_or_needs_a_closer_look_is_left_to_the_router(both, runner, path, fields, body):
    ask(both, runner, body, *fields, path=path)
    assert both.fast_answers == 0


VALUE: st.SearchStrategy[Any] = st.one_of(
    st.sampled_from(
        ["Esperanza", "BELLAVISTA", "bella", "Ninguno", "null", "40000", "", "  ", None, True, [], {}]
    ),
    st.sampled_from([40000, 40000.0, 40000.9, 40001.1, 1e400, -0.0, 10**30]),
    st.text(st.characters(codec="utf-8"), max_size=8),
    st.floats(allow_nan=False, allow_infinity=False),
)
NAMES = ["name", "address", "internet_plan_name", "internet_plan_price"]
CLAIM = st.dictionaries(st.sampled_from([*NAMES, *NAMES, "document"]), VALUE, max_size=5).map(in_json)
BODY = st.one_of(CLAIM, CLAIM, CLAIM, st.binary(max_size=20), CLAIM.map(lambda body: body + b" \n"))
KEYS = st.sampled_from([[key()], [key()], [key(VERIFIER)], [key("wrong")], []])
FIELD = st.sampled_from(
    [
        JSON,
        (b"content-type", b"application/json; charset=utf-8"),
        (b"content-type", b"application/problem+json"),
        (b"content-type", b"Application/JSON"),
        (b"content-type", b""),
        (b"accept", b"text/html"),
        (b"accept-encoding", b"gzip"),
        (b"if-none-match", b"*"),
        (b"x-request-id", b"mine-1"),
        (b"x-request-id", b"34567890"),
        (b"cache-control", b"max-stale"),
        (b"content-encoding", b"identity"),
        (b"connection", b"close"),
        (b"cookie", b"a=b"),
    ]
)


@settings(
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    service_id=st.sampled_from(["7", "7", "8", "9", "999999", "0", "-1", "x"]),
    fields=st.tuples(KEYS, st.lists(FIELD, max_size=3)).map(lambda both: [*both[0], *both[1]]),
    body=BODY,
)
def test_whatever_is_told_both_ways_answer_the_same(both, runner, service_id, fields, body):
    ask(both, runner, body, *fields, path=f"/api/v1/clients/{service_id}/verify")


@pytest.mark.parametrize("is_shared", [False, True])
def test_failures_by_either_way_are_counted_together(runner, settings_of_both, tmp_path, is_shared):
    """Shared counts are waited for; of those in memory a refusal is known at once."""
    few = msgspec.structs.replace(
        settings_of_both,
        verify_max_failures=4,
        verify_max_failures_per_key=6,
        snapshot_dir=tmp_path if is_shared else None,
    )
    body = in_json(WRONG)
    fields = headed(body, key())

    def check(both: Both, path: str) -> list[int]:
        """Ask by each way in turn."""
        ways = [both.fast, both.router] * 3
        return [runner.run(way("POST", path.encode(), fields, body)).status for way in ways]

    with running(runner, few) as app:
        both = Both(app, few)
        assert check(both, PATH) == [200] * 4 + [429] * 2
        assert check(both, "/api/v1/clients/8/verify") == [200] * 2 + [429] * 4
        right = in_json(RIGHT)
        assert runner.run(both.fast("POST", PATH.encode(), headed(right, key()), right)).status == 429
        assert both.fast_answers == 7


def test_a_check_leaves_the_same_lines_and_figures_by_either_way(both, runner, lines):
    body = in_json(WRONG)
    fields = headed(body, key(), (b"x-request-id", b"mine-1"))

    def told(way: Any) -> tuple[list[Any], dict[Any, float]]:
        known, before = len(lines()), runner.run(both.counted())
        runner.run(way("POST", PATH.encode(), fields, body))
        written = [{**line, "timestamp": ""} for line in lines()[known:]]
        return written, grown(before, runner.run(both.counted()))

    assert told(both.fast) == told(both.router)
    assert [line["request_id"] for line in lines()] == ["mine-1"] * 2
    assert both.fast_answers == 1


TRACEPARENT = (b"traceparent", b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00")


@pytest.fixture(params=[False, True], ids=["in memory", "shared"], scope="module")
def traced(request, runner, settings_of_both, tmp_path_factory) -> Iterator[Both]:
    """An application with traces, its counts in memory or shared."""
    folder = tmp_path_factory.mktemp("shared") if request.param else None
    changes = {"traces_collector": "http://127.0.0.1:9", "snapshot_dir": folder, "rate_limit": "9000000/day"}
    traced = msgspec.structs.replace(settings_of_both, **changes)
    with running(runner, traced) as app:
        yield Both(app, traced)


def lines_of(runner: Any, lines: Any, way: Any) -> list[dict[str, Any]]:
    """Return what a check by a way has written, but for the time."""
    known, body = len(lines()), in_json(WRONG)
    fields = headed(body, key(), TRACEPARENT, (b"x-request-id", b"mine-1"))
    runner.run(way("POST", PATH.encode(), fields, body))
    return [{**line, "timestamp": "", "duration_ms": 0, "bytes": 0} for line in lines()[known:]]


def test_the_line_of_the_audit_names_the_trace_by_either_way(traced, runner, lines):
    fast, router = (lines_of(runner, lines, way) for way in (traced.fast, traced.router))
    assert fast == router
    assert [line["trace_id"] for line in fast] == ["4bf92f3577b34da6a3ce929d0e0e4736"]


def test_a_bug_after_a_check_was_counted_is_answered_as_by_the_router_and_counts_once(
    traced, runner, monkeypatch
):
    counted: list[str] = []

    def broken(_: IdentityChecks, decision: Decision, __: object) -> None:
        counted.append(decision.outcome)
        raise ZeroDivisionError

    monkeypatch.setattr(IdentityChecks, "_conclude", broken)
    before = traced.fast_answers
    told = ask(traced, runner, in_json(WRONG), key())
    assert (told.status, traced.fast_answers, counted) == (500, before + 1, ["invalid"] * 2)


def test_a_check_that_is_cut_off_leaves_the_same_lines_by_either_way(traced, runner, lines, monkeypatch):
    async def never(*_: object, **__: object) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(FailedAttempts, "spend_now", lambda *_, **__: None)
    monkeypatch.setattr(FailedAttempts, "spend", never)

    def cut_off(way: Any) -> Any:
        async def ask(*request: Any) -> None:
            task = asyncio.create_task(way(*request))
            await asyncio.wait({task}, timeout=0.1)
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

        return ask

    fast, router = (lines_of(runner, lines, cut_off(way)) for way in (traced.fast, traced.router))
    assert [(line["event"], line.get("outcome"), line.get("status")) for line in fast] == [
        ("verify", "abandoned", None),
        ("request", None, 500),
    ]
    assert fast == router


async def test_without_keys_the_caller_is_told_by_the_address(serve, settings):
    open_to_all = msgspec.structs.replace(settings, api_keys={}, verify_max_failures=3)
    async with serve(open_to_all) as api:
        await api.get("/api/v1/clients/")
        statuses = [(await api.post(PATH, json=WRONG)).status_code for _ in range(5)]
    assert statuses == [httpx.codes.OK] * 3 + [httpx.codes.TOO_MANY_REQUESTS] * 2
