"""The command refuses what it cannot do."""

import pytest
from click.testing import CliRunner

from wisphub_sim.cli import main
from wisphub_sim.server import bind


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--latency-ms", "fast"), "200-1000"),
        (("--clients", "0"), "1<=x<=500000"),
        (("--retry-after", "-1"), "0<=x<=86400"),
        (("--retry-after", "soon"), "soon"),
    ],
)
def test_a_bad_option_is_refused_with_what_is_allowed(options, message):
    result = CliRunner().invoke(main, options)
    assert result.exit_code == 2
    assert message in result.output


def test_a_port_that_is_taken_is_named():
    with bind("127.0.0.1", 0) as listener:
        port = listener.getsockname()[1]
        result = CliRunner().invoke(main, ["--port", str(port)])
    assert result.exit_code == 1
    assert f"cannot listen on 127.0.0.1:{port}" in result.output
