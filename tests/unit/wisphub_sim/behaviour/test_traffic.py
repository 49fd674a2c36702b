"""What the simulator counts."""

from wisphub_sim.stats import Stats


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def ask(stats: Stats, clock: Clock, *at_s: float) -> None:
    for moment in at_s:
        clock.now_s = moment
        with stats.request("GET", "/api/clientes/"):
            pass


def test_the_most_requests_of_a_second_are_told_wherever_it_begins():
    clock = Clock()
    stats = Stats(clock)
    ask(stats, clock, 100.0, 100.9, 101.0, 101.8, 102.5, 107.0)
    assert stats.as_dict()["peak_per_s"] == 3


def test_a_reset_forgets_the_highest_figures():
    clock = Clock()
    stats = Stats(clock)
    ask(stats, clock, 100.0, 100.1)
    stats.reset()
    assert (stats.as_dict()["peak_per_s"], stats.as_dict()["peak_in_flight"]) == (0, 0)
    ask(stats, clock, 100.2)
    assert stats.as_dict()["peak_per_s"] == 1
