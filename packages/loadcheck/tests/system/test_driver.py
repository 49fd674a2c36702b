"""The load generator's own process, into which Locust may be imported."""

import subprocess
import sys

CODE = """
import resource
from loadcheck.driver.__main__ import allow_many_open_files

_, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 256), hard))
allow_many_open_files()
assert resource.getrlimit(resource.RLIMIT_NOFILE) == (hard, hard)
"""


def test_as_many_connections_are_allowed_as_may_be():
    subprocess.run([sys.executable, "-c", CODE], timeout=60, check=True)
