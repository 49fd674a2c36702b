"""The live controls under `/_sim/`: counts, configuration, faults, reset."""

from typing import Any

import msgspec
from litestar import Controller, Request, delete, get, patch, post
from litestar.di import NamedDependency
from litestar.exceptions import ClientException, NotFoundException
from litestar.params import FromPath
from msgspec import UNSET, UnsetType
from msgspec.structs import replace

from wisphub_sim.behaviour.faults import Fault, InvalidFault
from wisphub_sim.settings import LONGEST_S, MOST_PER_S, Behaviour, Latency, parse_latency
from wisphub_sim.simulation import Simulation

Sim = NamedDependency[Simulation]


class BehaviourChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of a PATCH of the configuration; what is left out stays as it is."""

    latency_ms: str | float | UnsetType = UNSET
    rate_limit_per_s: float | UnsetType = UNSET
    retry_after_s: float | UnsetType | None = UNSET

    def applied_to(self, behaviour: Behaviour) -> Behaviour:
        """Return the changed behaviour.

        Raises:
            ValueError: A value is not allowed; the message names the field and the allowed values.
        """
        for field, value, most in (
            ("rate_limit_per_s", self.rate_limit_per_s, MOST_PER_S),
            ("retry_after_s", self.retry_after_s, LONGEST_S),
        ):
            if isinstance(value, float) and not 0 <= value <= most:
                raise ValueError(f"{field}: {value:g} is not between 0 and {most:g}")
        changes: dict[str, Any] = {
            field: value for field, value in msgspec.structs.asdict(self).items() if value is not UNSET
        }
        if "latency_ms" in changes:
            changes["latency"] = _latency(changes.pop("latency_ms"))
        return replace(behaviour, **changes)


def _latency(value: str | float) -> Latency:
    try:
        return parse_latency(value if isinstance(value, str) else f"{value:.15g}")
    except ValueError as error:
        raise ValueError(f"latency_ms: {error}") from error


def _config(simulation: Simulation) -> dict[str, Any]:
    settings = simulation.settings
    return {**simulation.traffic.behaviour.as_dict(), "clients": settings.clients, "seed": settings.seed}


class ControlsController(Controller):
    """The controls; they need no key, and their requests are not counted, delayed or struck."""

    path = "/_sim"

    @get("/stats")
    async def stats(self, simulation: Sim) -> dict[str, Any]:
        """Return the counts of the requests to the simulated API."""
        return simulation.traffic.stats.as_dict()

    @get("/config")
    async def config(self, simulation: Sim) -> dict[str, Any]:
        """Return the behaviour in force and the settings of the data."""
        return _config(simulation)

    @patch("/config")
    async def change_config(self, request: Request[Any, Any, Any], simulation: Sim) -> dict[str, Any]:
        """Change the behaviour from the next request on."""
        try:
            change = msgspec.json.decode(await request.body(), type=BehaviourChange)
            simulation.traffic.change(change.applied_to(simulation.traffic.behaviour))
        except ValueError as error:  # msgspec's errors are ValueErrors too
            raise ClientException(str(error)) from error
        return _config(simulation)

    @get("/faults")
    async def faults(self, simulation: Sim) -> list[dict[str, object]]:
        """Return the active faults, also the spent ones."""
        return simulation.faults.listing()

    @post("/faults")
    async def add_fault(self, request: Request[Any, Any, Any], simulation: Sim) -> dict[str, object]:
        """Activate a fault; 201 with its id."""
        try:
            fault_id = simulation.faults.add(msgspec.json.decode(await request.body(), type=Fault))
        except (InvalidFault, msgspec.DecodeError) as error:
            raise ClientException(str(error)) from error
        return simulation.faults.describe(fault_id)

    @delete("/faults")
    async def clear_faults(self, simulation: Sim) -> None:
        """Remove every fault."""
        simulation.faults.clear()

    @delete("/faults/{fault_id:int}")
    async def remove_fault(self, fault_id: FromPath[int], simulation: Sim) -> None:
        """Remove one fault."""
        if not simulation.faults.remove(fault_id):
            raise NotFoundException(f"no fault has the id {fault_id}")

    @post("/reset", status_code=204)
    async def reset(self, simulation: Sim) -> None:
        """Return to the state at the start: counts, faults, edits, tickets, tasks, configuration."""
        simulation.reset()
