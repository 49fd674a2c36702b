"""What a generator makes of the servers that it is given; its runs are real, and in tests/system."""

from typing import Any

from loadcheck.run.generator import named


class Named:
    """As much of a server as counts here."""

    def __init__(self, name: str) -> None:
        self.name = name


def test_the_second_server_of_a_name_is_numbered_and_one_given_twice_counts_once() -> None:
    a: Any = Named("small_server")
    b: Any = Named("small_server")
    assert named((a, b, a)) == {"small_server": a, "small_server-2": b}
