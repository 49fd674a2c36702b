"""What is freed goes back to the system."""

import subprocess
import sys

import pytest

SCRIPT = """
from wisphub_api.memory import give_back_what_is_freed

def resident_kb():
    return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmRSS"))

give_back_what_is_freed()
del_me = bytearray(30 << 20)  # left alone, glibc takes blocks as large as this one for small ones from now on
del del_me
blocks = [bytearray(b"x" * (1 << 20)) for _ in range(100)]
last, before = blocks[-1], resident_kb()
del blocks
print(before - resident_kb())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere nothing is done")
def test_large_blocks_are_given_back_though_larger_ones_were_freed_and_later_ones_are_still_in_use():
    told = subprocess.run([sys.executable, "-c", SCRIPT], check=True, capture_output=True, timeout=100)
    assert int(told.stdout) > 90 << 10
