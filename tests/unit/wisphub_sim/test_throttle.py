from wisphub_sim.throttle import Throttle


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
