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
from wisphub_sim.latency import parse_latency
from wisphub_sim.settings import LONGEST_S, MOST_PER_S, Conduct
from wisphub_sim.simulation import Simulation

Sim = NamedDependency[Simulation]


class ConductChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a PATCH of the configuration may hold; what is left out stays as it is."""

    latency_ms: str | float | UnsetType = UNSET
    rate_limit_per_s: float | UnsetType = UNSET
    retry_after_s: float | UnsetType | None = UNSET

    def applied_to(self, conduct: Conduct) -> Conduct:
        """Return the changed conduct.

        Raises:
            ValueError: A value is not allowed; the message names the field and what is.
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
        return replace(conduct, **changes)


def _latency(value: str | float) -> object:
    try:
        return parse_latency(value if isinstance(value, str) else f"{value:.15g}")
    except ValueError as error:
        raise ValueError(f"latency_ms: {error}") from error


def _config(simulation: Simulation) -> dict[str, Any]:
    settings = simulation.settings
    return {**simulation.traffic.conduct.as_dict(), "clients": settings.clients, "seed": settings.seed}


class SimController(Controller):
    """Needs no key; its requests are not counted, delayed or struck."""

    path = "/_sim"

    @get("/stats")
    async def stats(self, simulation: Sim) -> dict[str, Any]:
        """Return what was asked of the simulated API."""
        return simulation.traffic.stats.as_dict()

    @get("/config")
    async def config(self, simulation: Sim) -> dict[str, Any]:
        """Return how it answers, and what it was started with."""
        return _config(simulation)

    @patch("/config")
    async def change_config(self, request: Request[Any, Any, Any], simulation: Sim) -> dict[str, Any]:
        """Change how it answers from the next request on."""
        try:
            change = msgspec.json.decode(await request.body(), type=ConductChange)
            simulation.traffic.adopt(change.applied_to(simulation.traffic.conduct))
        except ValueError as error:  # msgspec's errors are ValueErrors too
            raise ClientException(str(error)) from error
        return _config(simulation)

    @get("/faults")
    async def faults(self, simulation: Sim) -> list[dict[str, object]]:
        """Return the faults in force and those spent."""
        return simulation.board.listing()

    @post("/faults")
    async def add_fault(self, request: Request[Any, Any, Any], simulation: Sim) -> dict[str, object]:
        """Put a fault in force; 201 with its id."""
        try:
            fault_id = simulation.board.post(msgspec.json.decode(await request.body(), type=Fault))
        except (InvalidFault, msgspec.DecodeError) as error:
            raise ClientException(str(error)) from error
        return simulation.board.describe(fault_id)

    @delete("/faults")
    async def clear_faults(self, simulation: Sim) -> None:
        """Remove every fault."""
        simulation.board.clear()

    @delete("/faults/{fault_id:int}")
    async def remove_fault(self, fault_id: FromPath[int], simulation: Sim) -> None:
        """Remove one fault."""
        if not simulation.board.remove(fault_id):
            raise NotFoundException(f"no fault has the id {fault_id}")

    @post("/reset", status_code=204)
    async def reset(self, simulation: Sim) -> None:
        """Return to what it was at the start: counts, faults, edits, tickets, tasks, configuration."""
        simulation.reset()
