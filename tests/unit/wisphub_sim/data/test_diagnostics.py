import pytest


def outcome(sim, service_id):
    started = sim.post(f"/api/clientes/{service_id}/ping/", json={"pings": 4})
    assert started.status_code == 202
    path = f"/api/tasks/{started.json()['task_id']}/"
    return [sim.get(path).json()["task"] for _ in range(4)]


def hosts(task):
    """Return the values of each key but the summary: host, status and received, or an error's text."""
    rows = [row for row in task["result"] if "ping-exitoso" not in row]
    return [
        value if isinstance(value, str) else tuple(value.values()) for row in rows for value in row.values()
    ]


def test_a_task_is_pending_then_in_process_then_done(sim):
    tasks = outcome(sim, 7)
    assert [task["status"] for task in tasks] == ["PENDING", "PROCESS", "SUCCESS", "SUCCESS"]
    assert tasks[0]["result"] is None
    assert tasks[2] == tasks[3]


def test_every_key_of_a_result_starts_with_ping(sim):
    result = outcome(sim, 7)[-1]["result"]
    assert [list(row) for row in result] == [["ping-exitoso"], ["ping-1"], ["ping-2"]]


@pytest.mark.parametrize(
    ("service_id", "device", "antenna"),
    [
        (7, ("10.20.0.7", "", "4"), ("181.52.10.20", "", "4")),
        (8, ("10.20.0.8", "timeout", "0"), ("181.52.10.20", "", "4")),
        (9, ("10.20.0.9", "timeout", "0"), ("181.52.10.20", "timeout", "0")),
        (10, "Error de conexión con el router: timed out", "Error de conexión con el router: timed out"),
        (12, ("24:5A:4C:10:20:30", "", "4"), ("181.52.10.20", "timeout", "0")),
        (13, ("10.20.0.13", "timeout", "0"), ("181.52.10.20", "host unreachable", "0")),
        (14, ("10.20.0.14", "", "4"), ("181.52.10.20", "", "4")),
    ],
)
def test_the_outcome_depends_on_the_service(sim, service_id, device, antenna):
    assert hosts(outcome(sim, service_id)[-1]) == [device, antenna]


def test_a_task_can_fail(sim):
    assert outcome(sim, 11)[-1] == {"status": "FAILURE", "result": "Router no disponible"}


def test_a_task_that_does_not_exist_is_not_found(sim):
    assert sim.get("/api/tasks/unknown/").status_code == 404


@pytest.mark.parametrize("body", [b"", b"{}", b'{"pings": "4"}', b'{"pings": 0}'])
def test_a_ping_without_its_number_is_refused(sim, body):
    answer = sim.post("/api/clientes/7/ping/", content=body)
    assert answer.status_code == 400
    assert list(answer.json()) == ["pings"]
