"""Who has checked or changed what is written down, and none of the data."""

import asyncio
import logging
from collections.abc import Callable
from typing import Any

import httpx
import msgspec
import pytest

from wisphub_api import audit
from wisphub_api import exceptions as faults
from wisphub_api.api_keys import ApiKey, digest
from wisphub_api.audit import AuditEvent, audited

Lines = Callable[[], list[dict[str, Any]]]
FACTS = ("key", "service_id", "fields", "outcome")
EVENT = AuditEvent("open ticket", "bot", 7, ["service_id", "subject"])
V1 = "/api/v1"
REFERENCE: dict[str, Any] = {"address": "BELLAVISTA", "internet_plan_price": 40000.0}
TICKET: dict[str, Any] = {"service_id": 7, "subject": "Internet Lento", "description": "Perro bravo"}


class Kept(logging.Handler):
    """Keeps what is logged."""

    def __init__(self) -> None:
        super().__init__()
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)


@pytest.fixture
def lines(monkeypatch) -> Lines:
    """Give what has been written down since the last time."""
    kept, logger = Kept(), logging.Logger("audit")  # noqa: LOG001  # of this test alone
    logger.addHandler(kept)
    monkeypatch.setattr(audit, "logger", logger)

    def take() -> list[dict[str, Any]]:
        records, kept.records = kept.records, []
        return [{"event": record.msg} | {name: vars(record)[name] for name in FACTS} for record in records]

    return take


def test_what_was_done_is_written_down(lines):
    with audited(EVENT):
        pass
    assert lines() == [
        {
            "event": "open ticket",
            "key": "bot",
            "service_id": 7,
            "fields": ["service_id", "subject"],
            "outcome": "done",
        }
    ]


@pytest.mark.parametrize(
    ("error", "outcome", "service_id"),
    [
        (faults.NotFound("x"), "no_such_client", None),
        (faults.InvalidRequest("x", field="name"), "refused", None),
        (faults.CacheUnavailable("x", retry_after_s=1), "failed", None),
        (faults.ZoneLimitReached("x"), "refused", 7),
        (faults.UpstreamFailed("x", status=400), "failed", 7),
        (faults.UpstreamUncertain("x"), "uncertain", 7),
        (ZeroDivisionError(), "abandoned", 7),
        (asyncio.CancelledError(), "abandoned", 7),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else str(value),
)
def test_what_went_wrong_is_logged_and_a_number_only_where_it_is_a_clients(lines, error, outcome, service_id):
    with pytest.raises(type(error)), audited(EVENT):
        raise error
    (line,) = lines()
    assert (line["outcome"], line["service_id"]) == (outcome, service_id)


def test_the_address_of_who_has_no_key_is_left_out(lines):
    with audited(msgspec.structs.replace(EVENT, caller="anonymous@10.20.30.40")):
        pass
    assert lines()[0]["key"] == "anonymous"


async def ask(
    api: httpx.AsyncClient, lines: Lines, method: str, path: str, key: str = "the-consumer-key", **body: Any
) -> dict[str, Any]:
    """Ask for something that leaves one line, and give that."""
    await api.request(method, f"{V1}{path}", json=body, headers={"X-API-Key": key})
    (line,) = lines()
    return line


@pytest.fixture
def strict(settings):
    """Give settings with a key that may only verify, and few failures."""
    keys = settings.api_keys | {"web": ApiKey(digest(b"web-key"), frozenset({"verify"}))}
    return msgspec.structs.replace(settings, api_keys=keys, verify_max_failures=1)


async def test_identity_checks_are_written_down_as_they_ended(serve, strict, lines):
    async with serve(strict) as api:
        record = (await api.get(f"{V1}/clients/by-service-id/7")).json()
        claim = {name: record[name] for name in ("name", "address", "internet_plan_name")}
        logged = [
            await ask(api, lines, "POST", "/clients/7/verify", **REFERENCE),
            await ask(api, lines, "POST", "/clients/1032456789/verify", "web-key", **REFERENCE),
            await ask(api, lines, "POST", "/clients/7/verify", **REFERENCE | {"address": "zzz"}),
            await ask(api, lines, "POST", "/clients/7/verify", **REFERENCE),
            await ask(api, lines, "POST", "/clients/resolve", "web-key", **claim),
            await ask(api, lines, "POST", "/clients/resolve", **claim | {"name": "zzz"}),
        ]
    given = ["address", "internet_plan_price"]
    three = ["name", "address", "internet_plan_name"]
    assert [tuple(line.values()) for line in logged] == [
        ("verify", "bot", 7, given, "valid"),
        ("verify", "web", None, given, "no_such_client"),
        ("verify", "bot", 7, given, "invalid"),
        ("verify", "bot", 7, given, "refused"),
        ("resolve", "web", 7, three, "valid"),
        ("resolve", "bot", None, three, "invalid"),
    ]


async def test_each_write_is_written_down(api, lines):
    await api.get(f"{V1}/clients/")
    logged = [
        await ask(api, lines, "PUT", "/clients/7", phone="3001234567"),
        await ask(api, lines, "PUT", "/clients/999999", phone="3001234567"),
        await ask(api, lines, "POST", "/tickets", **TICKET),
        await ask(api, lines, "POST", "/network/7/ping", pings=2),
    ]
    assert [tuple(line.values()) for line in logged] == [
        ("update client", "bot", 7, ["phone"], "done"),
        ("update client", "bot", None, ["phone"], "no_such_client"),
        ("open ticket", "bot", 7, ["service_id", "subject", "description"], "done"),
        ("start ping", "bot", 7, ["pings"], "done"),
    ]


async def test_a_line_is_written_at_every_level_and_tells_its_request(capsys, serve, settings):
    headers = {"X-Request-ID": "the-request"}
    async with serve(msgspec.structs.replace(settings, log_level="error")) as api:
        await api.post(f"{V1}/clients/7/verify", json=REFERENCE, headers=headers)
    (line,) = capsys.readouterr().err.splitlines()
    facts = msgspec.json.decode(line)
    assert (facts["logger"], facts["event"], facts["request_id"]) == (
        "wisphub_api.audit",
        "verify",
        "the-request",
    )


async def test_reading_leaves_no_line(api, lines):
    await api.get(f"{V1}/clients/by-service-id/7")
    await api.get(f"{V1}/tickets/subjects")
    assert lines() == []
