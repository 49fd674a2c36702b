from collections.abc import Callable
from xml.etree import ElementTree as ET

import pytest

from benchmarks.peers.figures import FASTAPI, LIMIT, NGINX, US, Measures
from benchmarks.peers.plot import plot

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture
def drawn(measured) -> Callable[..., ET.Element]:
    """Draw rates by server."""

    def draw(**rates: float) -> ET.Element:
        names = {"us": US, "limit": LIMIT, "fastapi": FASTAPI, "nginx": NGINX}
        found = [measured(names[who], 0, rate, "search <&>") for who, rate in rates.items()]
        return ET.fromstring(plot(2_000, Measures(found)))  # noqa: S314  # written just now

    return draw


def widths(picture: ET.Element) -> list[float]:
    return [float(bar.get("width", "0")) for bar in picture.iter(f"{SVG}rect")][1:]


def test_each_server_has_a_bar_as_long_as_its_rate_beside_the_limit(drawn):
    slow, fast = widths(drawn(us=900, limit=1_000, fastapi=100))[::-1]
    assert slow < fast


def test_bars_are_logarithmic(drawn):
    us, fastapi, nginx = widths(drawn(us=100, limit=1_000, fastapi=10, nginx=1_000))
    assert round(nginx - us, 1) == round(us - fastapi, 1)


def test_names_and_ratios_are_written_beside_the_bars(drawn):
    texts = [text.text for text in drawn(us=900, limit=1_000).iter(f"{SVG}text")]
    assert texts[-3:] == ["search <&>", US, "0.900"]


def test_what_lies_beyond_the_axis_ends_there(drawn):
    inside, beyond = widths(drawn(us=10_000, limit=1_000, fastapi=50_000))
    assert inside == beyond


def test_the_limit_itself_has_no_bar(drawn):
    assert widths(drawn(limit=1_000)) == []
