import json
import random
from collections import Counter
from typing import Any

import httpx
import pytest

from wisphub_sim.behaviour.disruption import _transport, spoil_rows

CLIENTS = "/api/clientes/"
RNG = random.Random(1)  # noqa: S311 - repeatable on purpose


def post(sim, **fault):
    sim.post("/_sim/faults", json=fault).raise_for_status()


def ids(page):
    return [int(row["id_servicio"]) for row in page["results"]]


def test_status_answers_with_it_and_retry_after(sim):
    post(sim, kind="status", status=503, retry_after_s=3, count=1)
    answer = sim.get(CLIENTS)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "3")
    assert sim.get(CLIENTS).status_code == 200


def test_html_answers_a_proxy_page_with_200(sim):
    post(sim, kind="html")
    answer = sim.get(CLIENTS)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")


def test_truncate_cuts_the_json_and_not_the_connection(sim):
    post(sim, kind="truncate", count=1)
    cut, whole = sim.get(CLIENTS), sim.get(CLIENTS)
    assert cut.status_code == 200
    assert int(cut.headers["content-length"]) == len(cut.content)
    assert whole.content.startswith(cut.content)
    with pytest.raises(json.JSONDecodeError):
        cut.json()


def test_drop_closes_the_connection_before_any_byte(sim):
    post(sim, kind="drop", count=1)
    with pytest.raises(httpx.RemoteProtocolError, match="without sending a response"):
        sim.get(CLIENTS)
    assert sim.get(CLIENTS).status_code == 200


def test_drop_can_close_the_connection_amid_the_body(sim):
    post(sim, kind="drop", mode="mid")
    with pytest.raises(httpx.RemoteProtocolError, match="without sending complete message body"):
        sim.get(CLIENTS, params={"limit": 300})


def test_drop_needs_a_connection_to_close():
    with pytest.raises(RuntimeError, match="own server"):
        _transport({"extensions": None})  # type: ignore[typeddict-item]  # what it reads is enough


def test_hang_lets_the_caller_wait(sim):
    post(sim, kind="hang", count=1)
    with pytest.raises(httpx.ReadTimeout):
        sim.get(CLIENTS, timeout=0.05)
    assert sim.get(CLIENTS).status_code == 200


def test_hang_can_end_in_the_answer(sim):
    post(sim, kind="hang", seconds=0)
    assert sim.put("/api/clientes/7/perfil/", json={"ciudad": "Cali"}).json()["ciudad"] == "Cali"


@pytest.mark.parametrize("path", [CLIENTS, "/api/clientes/8/perfil/"])
def test_slow_body_comes_whole_in_pieces(sim, path):
    whole = sim.get(path).content
    post(sim, kind="slow_body", seconds=0)
    assert sim.get(path).content == whole


def test_slow_body_takes_its_time(sim):
    post(sim, kind="slow_body")
    with sim.stream("GET", CLIENTS, timeout=0.05) as answer:
        assert answer.status_code == 200
        with pytest.raises(httpx.ReadTimeout):
            answer.read()


def pages(sim):
    found: list[dict[str, Any]] = []
    offset = 0
    while offset == 0 or offset < found[-1]["count"]:
        found.append(sim.get(CLIENTS, params={"limit": 300, "offset": offset}).json())
        offset += 300
    return found


@pytest.mark.parametrize(("mode", "counts"), [("insert", [705, 710, 715]), ("delete", [695, 690, 685])])
def test_shift_moves_rows_between_pages_and_counts_what_is_there(sim, mode, counts):
    post(sim, kind="shift", mode=mode, rows=5)
    found = pages(sim)
    assert [page["count"] for page in found] == counts
    seen = Counter(service_id for page in found for service_id in ids(page))
    assert any(count > 1 for count in seen.values()) == (mode == "insert")
    assert (set(range(1, 701)) - set(seen) != set()) == (mode == "delete")


def test_shift_by_turns_repeats_and_skips_rows_and_ends_where_it_began(sim):
    post(sim, kind="shift", rows=5, count=4)
    seen = Counter(service_id for page in pages(sim) for service_id in ids(page))
    assert set(range(1, 701)) - set(seen)
    assert max(seen.values()) > 1
    sim.get(CLIENTS)
    assert ids(sim.get(CLIENTS, params={"limit": 300}).json()) == list(range(1, 301))


def test_inserted_rows_are_services_like_others(sim):
    post(sim, kind="shift", mode="insert", rows=1, count=1)
    row = sim.get(CLIENTS, params={"limit": 1}).json()["results"][0]
    assert int(row["id_servicio"]) == 701
    assert sim.get("/api/clientes/701/perfil/").status_code == 200


def test_bad_rows_spoil_as_many_rows_as_asked_and_never_the_reference_record(sim):
    good = sim.get(CLIENTS, params={"limit": 8}).json()["results"]
    post(sim, kind="bad_rows", rows=100)
    spoilt = sim.get(CLIENTS, params={"limit": 8}).json()["results"]
    assert [place for place in range(8) if good[place] == spoilt[place]] == [6]


def test_bad_rows_are_bad_in_every_way():
    body = json.dumps({"count": 7, "results": [{"id": n, "a": 1, "b": 2} for n in range(7)]}).encode()
    rows = json.loads(spoil_rows(body, 7, RNG))["results"]
    assert Counter(type(row).__name__ for row in rows) == {"dict": 4, "str": 1, "NoneType": 1, "list": 1}
    kinds = [row.get("id", "missing") for row in rows if isinstance(row, dict)]
    assert {"missing", None, "abc"} <= set(kinds)


def test_a_body_that_is_no_page_is_not_spoilt():
    assert spoil_rows(b"[1]", 3, RNG) == b"[1]"
