import pytest

from wisphub_sim.behaviour.faults import ActiveFaults, Fault

CLIENTS = "/api/clientes/"


def strikes(active, requests=1000, path=CLIENTS):
    return [active.strike("GET", path) is not None for _ in range(requests)]


def activated(*faults, seed=1):
    active = ActiveFaults(seed)
    for fault in faults:
        active.add(fault)
    return active


def test_a_share_strikes_about_as_often_and_the_same_under_the_same_seed():
    fault = Fault("status", share=0.3)
    assert sum(strikes(activated(fault))) == pytest.approx(300, abs=50)
    assert strikes(activated(fault)) == strikes(activated(fault))
    assert strikes(activated(fault)) != strikes(activated(fault, seed=2))


def test_a_count_strikes_no_more_than_that():
    assert strikes(activated(Fault("status", count=2)), 4) == [True, True, False, False]


def test_a_spent_fault_gives_way_to_the_next():
    active = activated(Fault("html", count=1), Fault("status"))
    struck = [active.strike("GET", CLIENTS) for _ in range(3)]
    assert [strike.fault.kind for strike in struck if strike] == ["html", "status", "status"]


@pytest.mark.parametrize(
    ("fault", "is_struck"),
    [
        (Fault("status", path="/api/clientes/{id}/perfil/"), True),
        (Fault("status", path="/api/clientes/7/perfil/"), True),
        (Fault("status", path="/api/clientes/*"), True),
        (Fault("status", path="/api/clientes/"), False),
        (Fault("status", method="GET"), True),
        (Fault("status", method="PUT"), False),
        (Fault("shift"), False),
        (Fault("bad_rows"), False),
    ],
)
def test_a_fault_strikes_the_requests_it_covers(fault, is_struck):
    assert strikes(activated(fault), 1, "/api/clientes/7/perfil/") == [is_struck]
