from wisphub_sim.settings import Settings
from wisphub_sim.simulation import Simulation


async def test_a_bug_of_its_own_is_logged_and_called_one(in_process, monkeypatch, caplog):
    monkeypatch.setattr("wisphub_sim.routes.api.plan_rows", lambda: 1 / 0)

    async with in_process() as client:
        response = await client.get("/api/plan-internet/")
    assert response.status_code == 500
    assert "the simulator itself" in response.json()["detail"]
    assert "ZeroDivisionError" in caplog.text


def test_two_simulators_share_nothing():
    one, other = Simulation(Settings(clients=10)), Simulation(Settings(clients=10))
    one.directory.edit(7, {"ciudad": "Cali"})
    assert other.directory.record(7)["ciudad"] == "Popayán"
