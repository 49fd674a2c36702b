"""What the service's own description promises, asked of a running service by schemathesis, all checks on."""

import re
import subprocess
import sys
from typing import Final

import pytest
from tests.system.wisphub_api.hostile.conftest import REQUESTS

EXAMPLES: Final = REQUESTS // 500
"""Requests that are drawn for each operation, beside those that its phase of boundary values makes."""

CONFIG: Final = """
# Five operations refuse with 422 what a JSON schema cannot tell: fields of which so many must be given (null
# is none, and how many is a setting), a subject that is compared without case and accents, and texts that
# must hold something beside spaces and marks.
[[operations]]
include-name = [
    "POST /api/v1/clients/resolve",
    "POST /api/v1/clients/{service_id}/verify",
    "POST /api/v1/tickets",
    "PUT /api/v1/clients/{service_id}",
    "GET /api/v1/clients/search",
]
checks.positive_data_acceptance.expected-statuses = ["2xx", "403", "404", "409", "422", "5xx"]
"""


@pytest.mark.timeout(400)
def test_the_service_does_what_its_description_promises(run, environ, tmp_path):
    config = tmp_path / "schemathesis.toml"
    config.write_text(CONFIG)
    with run(environ | {"WISPHUB_API_VERIFY_MAX_FAILURES": "1000"}) as service:
        where = [f"{service.url}/docs/openapi.json", "--header", "X-API-Key: the-consumer-key"]
        how = ["--max-examples", str(EXAMPLES), "--generation-deterministic", "--no-shrink", "--no-color"]
        done = subprocess.run(
            [sys.executable, "-m", "schemathesis.cli", f"--config-file={config}", "run", *where, *how],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
    assert done.returncode == 0, done.stdout
    tested = re.search(r"Selected: (\d+)/\1\s+Tested: \1\b", done.stdout)
    generated = re.search(r"(\d+) generated, \1 passed", done.stdout)
    assert tested
    assert generated
    assert int(generated[1]) > EXAMPLES * int(tested[1])
