"""Is the service alive, is it warm, and what is in its caches?"""

from __future__ import annotations

from collections.abc import Sequence
from types import MappingProxyType
from typing import Annotated, Any

from litestar import Controller, Response, delete, get
from litestar.di import NamedDependency
from litestar.params import PathParameter
from msgspec import Struct

from wisphub_api.cache.cached import Cached
from wisphub_api.cache.state import CacheState
from wisphub_api.exceptions import CacheUnavailable, NotFound
from wisphub_api.shared.backend import LinkState, TellLink
from wisphub_api.web.parameters import AnyRequest
from wisphub_api.web.problems import documented
from wisphub_api.web.rules.admission import OPEN
from wisphub_api.web.server.draining import is_draining

Caches = Sequence[Cached[Any]]


class Health(Struct, frozen=True, omit_defaults=True):
    """The service's state in a word, and its caches' where they count."""

    status: str
    caches: dict[str, str] = {}
    redis: str = ""


class HealthController(Controller):
    """For load balancers and orchestrators; needs no key and costs nothing."""

    path = "/health"
    tags = ("Operations",)
    opt = MappingProxyType({OPEN: True})
    security = ({},)

    @get("/", summary="Is the process alive?")
    async def live(self) -> Health:
        """Answer as soon as the port is open, whatever WispHub Net does."""
        return Health("ok")

    @get("/ready", summary="Are the caches warm?", responses=documented(503))
    async def ready(
        self, request: AnyRequest, needed: NamedDependency[Caches], link: NamedDependency[TellLink]
    ) -> Health:
        """Answer 200 once clients and plans can be given, fresh or stale; 503 before, and while it stops.

        Without Redis the process goes on alone: that is told, and no reason to send requests elsewhere.
        """
        if is_draining(request.scope["state"]):
            raise CacheUnavailable("Not ready: the service stops.", retry_after_s=1)
        states = [cache.state() for cache in needed]
        if cold := cold_among(states):
            raise CacheUnavailable(_why_not_ready(cold), retry_after_s=1)
        return Health("ready", {state.name: state.state for state in states}, told(link()))


class CacheController(Controller):
    """For operators."""

    path = "/api/v1/cache"
    tags = ("Operations",)

    @get("/", summary="State of each cache", responses=documented(401))
    async def states(self, caches: NamedDependency[Caches]) -> list[CacheState]:
        """Tell age, size, hits, stale answers, loads, last error and next refresh."""
        return [cache.state() for cache in caches]

    @delete("/{name:str}", status_code=202, summary="Refresh a cache", responses=documented(401, 404))
    async def refresh(
        self,
        caches: NamedDependency[Caches],
        name: Annotated[str, PathParameter(description="as the list of caches gives it")],
    ) -> Response[CacheState]:
        """Load anew at once; what is in memory is given until then, so nobody waits."""
        named = {cache.name: cache for cache in caches}
        if name not in named:
            raise NotFound(f"No cache has this name; there are {', '.join(named)}.")
        named[name].invalidate()
        return Response(named[name].state())


def cold_among(states: Sequence[CacheState]) -> list[CacheState]:
    """Give those of which nothing can be given: neither fresh nor stale."""
    return [state for state in states if state.state in ("cold", "expired")]


def told(state: LinkState | None) -> str:
    """Say how it stands with Redis; nothing where there is none."""
    if state is None:
        return ""
    return state.state if state.why is None else f"{state.state}: {state.why}"


def _why_not_ready(cold: Sequence[CacheState]) -> str:
    return "Not ready: " + "; ".join(f"{state.name}: {state.last_error or 'loading'}" for state in cold) + "."
