"""The state of one simulator."""

from wisphub_sim.behaviour.faults import ActiveFaults
from wisphub_sim.behaviour.traffic import Traffic
from wisphub_sim.data.diagnostics import PingTasks
from wisphub_sim.data.directory import Directory
from wisphub_sim.data.tickets import TicketStore
from wisphub_sim.settings import Settings


class Simulation:
    """One simulator's data and behaviour; the routes receive it as a dependency."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.directory = Directory(settings.seed, settings.clients)
        self.tickets = TicketStore(settings.seed, self.directory)
        self.tasks = PingTasks(settings.seed)
        self.faults = ActiveFaults(settings.seed)
        self.traffic = Traffic(settings.seed, settings.behaviour)

    def reset(self) -> None:
        """Return every part to its state at the start."""
        for part in (self.directory, self.tickets, self.tasks, self.faults, self.traffic):
            part.reset()
