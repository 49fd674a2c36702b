from collections.abc import Callable
from xml.etree import ElementTree as ET

import pytest

from benchmarks.peers.figures import FASTAPI, LIMIT, NGINX, US, Measures, Missing
from benchmarks.peers.report import measures_table, number, plot, table, targets_table
from benchmarks.peers.targets import Line

SVG = "{http://www.w3.org/2000/svg}"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (0.0123456, "0.0123"),
        (0.9, "0.900"),
        (12.34, "12.3"),
        (123.4, "123"),
        (999.6, "1,000"),
        (30_812.4, "30,812"),
    ],
)
def test_a_number_has_three_digits_that_count(value, text):
    assert number(value) == text


def test_columns_are_as_wide_as_their_widest_cell():
    assert table(["a", "server"], [["wide", "x"], ["", "y"]]).splitlines() == [
        "| a    | server |",
        "|------|--------|",
        "| wide | x      |",
        "|      | y      |",
    ]


def test_each_figure_stands_beside_its_ratio_to_the_limit(measured):
    rates = {US: (10_000, 9_000, 11_000), LIMIT: (20_000, 20_000, 20_000)}
    found = Measures(
        measured(who, at, rate) for who, all_of in rates.items() for at, rate in enumerate(all_of)
    )
    missing = [Missing(clients=2_000, case="plans", server=NGINX, why="not offered", is_failure=False)]
    lines = measures_table(2_000, found, missing).splitlines()
    cells = [[cell.strip() for cell in line.split("|")] for line in lines]
    assert cells[2][1:5] == ["plans", "bare ASGI", "0.0300", "20,000"]
    assert cells[3][1:5] == ["", "wisphub-api", "0.0300 (1.00)", "10,000 (0.500: 0.450 to 0.550)"]
    assert lines[4] == "plans, nginx: not offered"


def test_a_single_round_has_no_spread(measured):
    found = Measures([measured(US, 0, 500), measured(LIMIT, 0, 1_000)])
    assert "| 500 (0.500) " in measures_table(2_000, found, [])


def test_promises_stand_beside_what_was_found():
    assert "| 304: 0.85 of bare ASGI | 0.90  | met |" in targets_table(
        [Line("304: 0.85 of bare ASGI", "0.90", "met")]
    )


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
