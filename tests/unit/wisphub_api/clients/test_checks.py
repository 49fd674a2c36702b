"""Identities are checked, and to each key no more is told than it may know."""

import asyncio
from typing import Any

import httpx
import msgspec
import pytest

from wisphub_api.api_keys import SCOPES, ApiKey, Caller, digest
from wisphub_api.cache.slot import Reading
from wisphub_api.clients import checks as checks_module
from wisphub_api.clients import identity
from wisphub_api.clients.attempts import FailedAttempts
from wisphub_api.clients.checks import CheckRules, IdentityChecks
from wisphub_api.clients.identity import STAND_IN
from wisphub_api.clients.models import Claim
from wisphub_api.clients.snapshot.directory import Directory
from wisphub_api.clients.upstream import Ref
from wisphub_api.exceptions import AmbiguousMatch, InvalidRequest, NotFound, TooManyAttempts
from wisphub_api.internet_plans.models import InternetPlan, PlanCatalogue

READER, VERIFIER = Caller("reader", SCOPES), Caller("verifier", frozenset({"verify"}))
WRONG = Claim(address="elsewhere", internet_plan_price=40000.0)
UNKNOWN = 999
VERIFY, RESOLVE = "/api/v1/clients/{}/verify", "/api/v1/clients/resolve"
REFERENCE = {"address": "BELLAVISTA", "internet_plan_price": 40000.0}
ITS_OWN = {"x-request-id", "age", "date"}


class Known:
    """Gives a value as a cache does, and counts how often it is asked."""

    def __init__(self, value: Any) -> None:
        self.value = value
        self.reads = 0

    async def read(self, _: Any = None) -> Reading[Any]:
        self.reads += 1
        return Reading(self.value, age_s=3.0, ttl_s=297.0)


@pytest.fixture
def directory(make_row) -> Any:
    """Know two clients at one address; of the second the price is not known."""
    rows = [
        make_row(7, nombre="Esperanza Benitez", direccion="BELLAVISTA", precio_plan="40000.00"),
        make_row(8, nombre="Esperanza Gil", direccion="BELLAVISTA", plan_internet=Ref(id=3, nombre="Hogar")),
    ]
    return Known(Directory(rows))


@pytest.fixture
def plans() -> Any:
    plan = InternetPlan(3, "Hogar", "PPPOE", 50000.0)
    return Known(PlanCatalogue((plan,), {3: plan}))


@pytest.fixture
def outcomes() -> list[str]:
    """Hold how each check ended."""
    return []


@pytest.fixture
def checks(directory, plans, store, outcomes) -> IdentityChecks:
    rules = CheckRules(2, FailedAttempts(store, most=3, most_in_all=5), outcomes.append)
    return IdentityChecks(directory, plans, rules)


async def verified(
    checks: IdentityChecks, claim: Claim, service_id: int = 7, caller: Caller = READER
) -> tuple[bool, tuple[str, ...]]:
    answer = (await checks.verify(service_id, claim, caller)).value
    return answer.is_valid, answer.matched_fields


async def test_who_may_read_is_told_what_matched_and_that_there_is_no_such_client(checks):
    assert await verified(checks, WRONG) == (False, ("internet_plan_price",))
    with pytest.raises(NotFound) as raised:
        await verified(checks, WRONG, UNKNOWN)
    assert raised.value.age_s == 3.0


async def test_who_may_only_verify_is_told_neither(checks):
    assert await verified(checks, WRONG, caller=VERIFIER) == (False, ())
    assert await verified(checks, WRONG, UNKNOWN, VERIFIER) == (False, ())


async def test_who_may_only_verify_is_told_that_all_is_right(checks):
    right = Claim(address="BELLAVISTA", internet_plan_price=40000.0)
    assert await verified(checks, right, caller=VERIFIER) == (True, ("address", "internet_plan_price"))


async def test_the_data_of_who_stands_in_for_an_unknown_client_is_wrong_as_well(checks):
    claim = Claim(
        name=STAND_IN.name, address=STAND_IN.address, internet_plan_price=STAND_IN.internet_plan_price
    )
    assert await verified(checks, claim, UNKNOWN, VERIFIER) == (False, ())


@pytest.mark.parametrize("service_id", [7, 8, UNKNOWN])
async def test_for_who_may_only_verify_the_same_is_done_whoever_it_is(
    checks, plans, directory, monkeypatch, service_id
):
    compared: list[int] = []

    def verify(claim: Any, client: Any, price: Any) -> Any:
        compared.append(client.service_id)
        return real(claim, client, price)

    real = identity.verify
    monkeypatch.setattr(checks_module, "verify", verify)
    await verified(checks, WRONG, service_id, VERIFIER)
    assert (directory.reads, plans.reads, len(compared)) == (1, 1, 1)


async def test_the_plans_are_asked_only_where_a_price_is_given(checks, plans):
    await verified(checks, Claim(name="esperanza", address="elsewhere"), 7)
    assert plans.reads == 0
    assert await verified(checks, Claim(name="esperanza", internet_plan_price=50000.0), 8) == (
        True,
        ("name", "internet_plan_price"),
    )
    assert plans.reads == 1


@pytest.mark.parametrize("service_id", [7, UNKNOWN])
async def test_guesses_at_an_unknown_client_count_like_those_at_another(checks, service_id):
    told = [await verified(checks, WRONG, service_id, VERIFIER) for _ in range(3)]
    assert told == [(False, ())] * 3
    with pytest.raises(TooManyAttempts):
        await verified(checks, WRONG, service_id, VERIFIER)


async def test_that_there_is_no_such_client_is_no_failure_of_who_may_read(checks):
    for _ in range(10):
        with pytest.raises(NotFound):
            await verified(checks, WRONG, UNKNOWN)
    assert await verified(checks, WRONG) == (False, ("internet_plan_price",))


async def resolved(checks: IdentityChecks, caller: Caller = READER, **claim: Any) -> Any:
    return msgspec.json.decode((await checks.resolve(Claim(**claim), caller)).value.body)


ESPERANZA: dict[str, Any] = {
    "name": "Esperanza Benitez",
    "address": "bellavista",
    "internet_plan_price": 40000.0,
}


async def test_of_a_client_who_is_found_the_number_alone_is_told_to_who_may_only_verify(checks):
    assert (await resolved(checks, **ESPERANZA))["name"] == "Esperanza Benitez"
    assert await resolved(checks, VERIFIER, **ESPERANZA) == {"service_id": 7}


@pytest.mark.parametrize(("name", "error"), [("Nadie", NotFound), ("Esperanza", AmbiguousMatch)])
async def test_data_that_is_nobodys_or_several_peoples_counts_as_a_failure(
    checks, directory, make_row, name, error
):
    home = {"direccion": "BELLAVISTA", "plan_internet": Ref(id=3, nombre="Hogar")}
    directory.value = Directory([make_row(number, nombre="Esperanza", **home) for number in (1, 2)])
    guess: dict[str, Any] = {"name": name, "address": "bellavista", "internet_plan_name": "Hogar"}
    for kind in (*[error] * 5, TooManyAttempts):
        with pytest.raises(kind):
            await resolved(checks, VERIFIER, **guess)


@pytest.mark.parametrize(("field", "text"), [("name", "e"), ("name", "És"), ("address", "Barrio el")])
async def test_a_text_that_is_contained_in_many_is_refused_with_its_field(checks, field, text):
    claim = {"name": "Esperanza", "address": "BELLAVISTA", "internet_plan_price": 40000.0} | {field: text}
    for checked in (checks.verify(7, Claim(**claim), READER), checks.resolve(Claim(**claim), READER)):
        with pytest.raises(InvalidRequest, match="at least 3 characters") as raised:
            await checked
        assert raised.value.field == field


@pytest.mark.parametrize("blank", ["", "  ", "Barrio"])
async def test_a_blank_text_is_wrong_and_a_plan_may_have_a_short_name(checks, blank):
    assert await verified(checks, Claim(name="esperanza", address=blank)) == (False, ("name",))
    assert await verified(checks, Claim(name="esperanza", internet_plan_name="Ho"), 8) == (
        True,
        ("name", "internet_plan_name"),
    )


async def test_each_outcome_is_observed(checks, outcomes):
    await verified(checks, WRONG)
    await verified(checks, WRONG, UNKNOWN, VERIFIER)
    with pytest.raises(NotFound):
        await verified(checks, WRONG, UNKNOWN)
    await resolved(checks, **ESPERANZA)
    for _ in range(2):
        await verified(checks, WRONG)
    with pytest.raises(TooManyAttempts):
        await verified(checks, WRONG)
    assert outcomes == [
        *("invalid", "no_such_client", "no_such_client", "valid"),
        *("invalid", "invalid", "refused"),
    ]


@pytest.fixture
def strict(settings):
    """Give settings with a key that may only verify, and few failures."""
    keys = settings.api_keys | {"web": ApiKey(digest(b"web-key"), frozenset({"verify"}))}
    return msgspec.structs.replace(settings, api_keys=keys, verify_max_failures=2)


def seen(answer: httpx.Response) -> tuple[int, bytes, list[tuple[str, str]]]:
    """Give all of an answer but what is each one's own."""
    headers = [(name, value) for name, value in answer.headers.multi_items() if name not in ITS_OWN]
    return answer.status_code, answer.content, headers


@pytest.mark.parametrize("rate_limit", ["", "600/minute"])
async def test_an_unknown_client_and_wrong_data_get_the_same_answers_to_the_byte(serve, strict, rate_limit):
    web = {"X-API-Key": "web-key"}
    wrong = REFERENCE | {"address": "elsewhere"}
    async with serve(msgspec.structs.replace(strict, rate_limit=rate_limit)) as api:
        await asyncio.gather(api.get("/api/v1/clients/"), api.get("/api/v1/internet-plans/"))
        answers = {
            number: [await api.post(VERIFY.format(number), json=wrong, headers=web) for _ in range(3)]
            for number in (7, 999_999)
        }
    known, unknown = answers.values()
    assert [answer.status_code for answer in known] == [200, 200, 429]
    for one, other in zip(known, unknown, strict=True):
        for answer in (one, other):
            answer.headers.pop("ratelimit", None)  # counts down with every request
        assert seen(one) == seen(other)


async def test_a_key_that_may_only_verify_sees_no_client(serve, strict):
    web = {"X-API-Key": "web-key"}
    async with serve(strict) as api:
        paths = ("", "search?q=esp", "by-service-id/7", "by-phone/1", "by-document/1")
        lookups = [await api.get(f"/api/v1/clients/{path}", headers=web) for path in paths]
        record = (await api.get("/api/v1/clients/by-service-id/7")).json()
        claim = {name: record[name] for name in ("name", "address", "internet_plan_price")}
        found = await api.post(RESOLVE, json=claim, headers=web)
    assert {answer.status_code for answer in lookups} == {403}
    assert (found.status_code, found.json()) == (200, {"service_id": 7})


async def test_failures_over_all_clients_are_a_setting(serve, settings):
    async with serve(msgspec.structs.replace(settings, verify_max_failures_per_key=2)) as api:
        wrong = REFERENCE | {"address": "elsewhere"}
        answers = [await api.post(VERIFY.format(number), json=wrong) for number in (1, 2, 3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert 0 < int(answers[-1].headers["retry-after"]) <= 900


async def test_checks_are_counted_by_outcome(api):
    await api.post(VERIFY.format(7), json=REFERENCE)
    await api.post(VERIFY.format(999_999), json=REFERENCE)
    figures = (await api.get("/metrics")).text
    for line in ('{outcome="valid"} 1.0', '{outcome="no_such_client"} 1.0', '{outcome="refused"} 0.0'):
        assert f"wisphub_identity_checks_total{line}" in figures


async def test_both_forms_of_a_found_client_are_documented(shared_api):
    operation = (await shared_api.get("/docs/openapi.json")).json()["paths"][RESOLVE]["post"]
    schema = operation["responses"]["200"]["content"]["application/json"]["schema"]
    forms = [form["$ref"].removeprefix("#/components/schemas/") for form in schema["anyOf"]]
    assert (forms, "oneOf" in schema) == (["Client", "ClientNumber"], False)
