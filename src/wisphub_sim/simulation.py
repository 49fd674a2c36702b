"""The parts of one running simulator, put together."""

from wisphub_sim.behaviour.traffic import Traffic
from wisphub_sim.data.diagnostics import PingTasks
from wisphub_sim.data.directory import Directory
from wisphub_sim.data.tickets import TicketDesk
from wisphub_sim.faults import FaultBoard
from wisphub_sim.settings import Settings


class Simulation:
    """One provider's WispHub Net."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.directory = Directory(settings.seed, settings.clients)
        self.desk = TicketDesk(settings.seed, self.directory)
        self.tasks = PingTasks(settings.seed)
        self.board = FaultBoard(settings.seed)
        self.traffic = Traffic(settings.seed, settings.conduct)

    def reset(self) -> None:
        """Return every part to its start."""
        self.directory.reset()
        self.desk.reset()
        self.tasks.reset()
        self.board.reset()
        self.traffic.reset()
