from wisphub_sim.behaviour.traffic import Stats, Throttle


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


def test_the_peak_per_second_is_that_of_a_sliding_second():
    clock = Clock()
    stats = Stats(clock)
    ask(stats, clock, 100.0, 100.9, 101.0, 101.8, 102.5, 107.0)
    assert stats.as_dict()["peak_per_s"] == 3


def test_a_reset_forgets_the_peaks():
    clock = Clock()
    stats = Stats(clock)
    ask(stats, clock, 100.0, 100.1)
    stats.reset()
    assert (stats.as_dict()["peak_per_s"], stats.as_dict()["peak_in_flight"]) == (0, 0)
    ask(stats, clock, 100.2)
    assert stats.as_dict()["peak_per_s"] == 1


def admitted(throttle, times):
    return [throttle.admits(now_s) for now_s in times]


def test_it_admits_a_burst_of_one_second_and_then_refuses():
    assert admitted(Throttle(2), [0.0, 0.0, 0.0]) == [True, True, False]


def test_it_admits_again_as_time_goes_by():
    assert admitted(Throttle(2), [0.0, 0.0, 0.4, 0.5]) == [True, True, False, True]


def test_a_long_pause_earns_no_more_than_a_burst():
    assert admitted(Throttle(2), [0.0, 100.0, 100.0, 100.0]) == [True, True, True, False]


def test_less_than_one_a_second_admits_the_first():
    assert admitted(Throttle(0.5), [0.0, 1.0, 2.0]) == [True, False, True]


def test_zero_admits_everything():
    assert all(admitted(Throttle(0), [0.0] * 100))
