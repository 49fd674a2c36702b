"""What the judge is shown: head as it is, or slower by so much, everywhere or at one endpoint."""

from collections.abc import Mapping, Sequence
from itertools import product
from typing import Final, Literal

from msgspec import Struct

from benchmarks.campaign.slowed import Kind, Slowdown

BEGINS: Final[Mapping[str, str]] = {
    "/api/v1/clients/": "GET /api/v1/clients/ ",
    "/api/v1/clients/search": "GET /api/v1/clients/search?q=Esperanza ",
    "/api/v1/clients/search (first time)": "GET /api/v1/clients/search?q=",
    "/api/v1/clients/{service_id}/verify": "POST /api/v1/clients/",
    "/api/v1/internet-plans/": "GET /api/v1/internet-plans/ ",
}
"""Each endpoint's requests, by how they begin; the first that fits counts."""
ONE: Final = "/api/v1/clients/search (first time)"
PERCENTS: Final = (2, 5, 10, 20)
Place = Literal["all", "one"]


class Case(Struct, frozen=True):
    """Head is slower by so many percent of each endpoint's P95; 0: not at all."""

    percent: int = 0
    kind: Kind = "cpu"
    where: Place = "all"

    @property
    def name(self) -> str:
        """What it is called in tables."""
        if not self.percent:
            return "identical"
        where = "all endpoints" if self.where == "all" else "first searches alone"
        return f"{self.percent} % {self.kind}, {where}"

    def slowdowns(self, p95_ms: Mapping[str, float]) -> dict[str, Slowdown]:
        """Return what slows each endpoint, given the P95 that it has unslowed.

        Those that are not slowed are named, too: they have the same work to do to find out.
        """
        share = {
            endpoint: self.percent / 100 * (self.where == "all" or endpoint == ONE) for endpoint in BEGINS
        }
        return {
            begin: Slowdown(
                us=1_000 * share[endpoint] * p95_ms[endpoint] if share[endpoint] else 0.0, kind=self.kind
            )
            for endpoint, begin in BEGINS.items()
        }


KINDS: Final[tuple[Kind, ...]] = ("time", "cpu")
PLACES: Final[tuple[Place, ...]] = ("all", "one")
SLOWER: Final[Sequence[Case]] = tuple(
    Case(percent, kind, where) for percent, kind, where in product(PERCENTS, KINDS, PLACES)
)
