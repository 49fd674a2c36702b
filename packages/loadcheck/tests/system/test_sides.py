"""The clock of other processes' CPU time."""

import math
import subprocess
import sys
import time
from itertools import pairwise

from loadcheck.run.sides import cpu_s

BUSY = "import time\nwhile True: pass"


def test_the_cpu_time_of_another_process_is_known_to_less_than_a_tick():
    with subprocess.Popen([sys.executable, "-c", BUSY]) as busy:
        try:
            seen: list[float] = []
            until = time.monotonic() + 60
            while len(set(seen)) < 20 and time.monotonic() < until:
                seen.append(cpu_s(busy.pid))
        finally:
            busy.kill()
    assert seen == sorted(seen)
    grown = [later - earlier for earlier, later in pairwise(seen) if later > earlier]
    assert 0 < min(grown) < 0.01  # a tick of the system's accounts is 10 ms


def test_who_is_gone_tells_nothing():
    with subprocess.Popen([sys.executable, "-c", ""]) as gone:
        pass
    assert math.isnan(cpu_s(gone.pid))
