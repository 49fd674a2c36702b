import pytest

START = {
    "latency_ms": "0",
    "rate_limit_per_s": 0.0,
    "retry_after_s": 1.0,
    "clients": 700,
    "seed": 1,
}


def test_the_configuration_can_be_read_and_changed(sim):
    assert sim.get("/_sim/config").json() == START
    changed = sim.patch("/_sim/config", json={"latency_ms": "0-1", "rate_limit_per_s": 50}).json()
    assert changed == START | {"latency_ms": "0-1", "rate_limit_per_s": 50.0}
    assert sim.get("/_sim/config").json() == changed


def test_latency_may_be_a_number(sim):
    assert sim.patch("/_sim/config", json={"latency_ms": 1}).json()["latency_ms"] == "1"


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"latency_ms": "fast"}, "latency_ms: 'fast' is no latency; allowed: 250"),
        ({"latency_ms": -1}, "latency_ms"),
        ({"rate_limit_per_s": -1}, "rate_limit_per_s: -1 is not between 0 and 1e+06"),
        ({"retry_after_s": -1}, "retry_after_s"),
        ({"retry_after_s": 1e308}, "retry_after_s"),
        ({"latency_ms": "lognormal:1:5000"}, "latency_ms"),
        ({"latency_ms": "lognormal:0:1"}, "latency_ms"),
        ({"latency_ms": 1e12}, "latency_ms"),
        ({"retry_after_s": "soon"}, "retry_after_s"),
        ({"latency": 1}, "latency"),
    ],
)
def test_a_bad_change_is_refused_by_name_and_changes_nothing(sim, change, named):
    answer = sim.patch("/_sim/config", json=change)
    assert answer.status_code == 400
    assert named in answer.json()["detail"]
    assert sim.get("/_sim/config").json() == START


def test_a_body_that_is_no_json_is_refused(sim):
    assert sim.patch("/_sim/config", content=b"{").status_code == 400
    assert sim.post("/_sim/faults", content=b"{").status_code == 400


@pytest.mark.parametrize(
    ("fault", "named"),
    [
        ({"path": "*"}, "kind"),
        ({"kind": "explode"}, "kind: 'explode' is not allowed; it must be one of status, hang"),
        ({"kind": "html", "path": "/api/clients/"}, "path: '/api/clients/' is not allowed"),
        ({"kind": "html", "share": 1.5}, "share: 1.5 is not allowed; it must be between 0 and 1"),
        ({"kind": "html", "share": "all"}, "share"),
        ({"kind": "html", "count": 0}, "count"),
        ({"kind": "status", "status": 200}, "status"),
        ({"kind": "status", "retry_after_s": -1}, "retry_after_s"),
        ({"kind": "hang", "seconds": -1}, "seconds"),
        ({"kind": "hang", "seconds": 1e308}, "seconds"),
        ({"kind": "status", "method": "get"}, "method: 'get' is not allowed; it must be null or one of GET"),
        ({"kind": "status", "path": "/api/clientes"}, "path"),
        ({"kind": "shift", "path": "/api/tickets/"}, "path: '/api/tickets/' is not allowed"),
        ({"kind": "bad_rows", "rows": 0}, "rows"),
        (
            {"kind": "drop", "mode": "insert"},
            "mode: 'insert' is not allowed; it must be null or",
        ),
        ({"kind": "html", "mode": "mid"}, "mode"),
        ({"kind": "html", "shares": 1}, "shares"),
    ],
)
def test_a_bad_fault_is_refused_by_name(sim, fault, named):
    answer = sim.post("/_sim/faults", json=fault)
    assert answer.status_code == 400
    assert named in answer.json()["detail"]


def test_faults_are_listed_with_their_strikes_and_removed_one_or_all(sim):
    first, second = (
        sim.post("/_sim/faults", json={"kind": "status", "path": path}).json()["id"]
        for path in ("/api/tickets/", "/api/clientes/7/*")
    )
    sim.get("/api/tickets/")
    assert [(fault["id"], fault["struck"]) for fault in sim.get("/_sim/faults").json()] == [
        (first, 1),
        (second, 0),
    ]
    assert sim.delete(f"/_sim/faults/{first}").status_code == 204
    assert [fault["id"] for fault in sim.get("/_sim/faults").json()] == [second]
    assert sim.delete("/_sim/faults").status_code == 204
    assert sim.get("/_sim/faults").json() == []


def test_a_fault_that_does_not_exist_cannot_be_removed(sim):
    answer = sim.delete("/_sim/faults/99")
    assert (answer.status_code, answer.json()) == (404, {"detail": "no fault has the id 99"})


def test_reset_returns_to_the_start(sim):
    before = sim.get("/api/clientes/", params={"limit": 300}).json()
    sim.put("/api/clientes/7/perfil/", json={"nombre": "Otra"})
    sim.patch("/_sim/config", json={"rate_limit_per_s": 1000})
    sim.post("/_sim/faults", json={"kind": "shift", "mode": "delete"})
    sim.get("/api/clientes/")
    assert sim.post("/_sim/reset").status_code == 204
    assert sim.get("/_sim/config").json() == START
    assert sim.get("/_sim/faults").json() == []
    assert sim.get("/_sim/stats").json()["total"] == 0
    assert sim.get("/api/clientes/", params={"limit": 300}).json() == before


def test_controls_are_not_counted_nor_struck(sim):
    sim.post("/_sim/faults", json={"kind": "status"})
    assert sim.get("/_sim/stats").json()["total"] == 0
