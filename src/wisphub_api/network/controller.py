"""The routes of the ping diagnostics."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import Annotated, Final, cast

from litestar import Controller, Response, get, post
from litestar.di import NamedDependency
from litestar.openapi.spec import Operation, RequestBody
from litestar.params import PathParameter, QueryParameter

from wisphub_api.audit import AuditEvent, audited
from wisphub_api.network.models import Diagnosis, PingOrder
from wisphub_api.network.service import NetworkService
from wisphub_api.web.parameters import AnyRequest, ClosedBody
from wisphub_api.web.problems import documented
from wisphub_api.web.rules.admission import SCOPE
from wisphub_api.web.server.client_disconnect import departure

LONGEST_WAIT_S: Final = 30
NOT_KEPT: Final = {"Cache-Control": "no-store"}
AS_USUAL: Final = PingOrder()

ServiceId = Annotated[int, PathParameter(description="WispHub Net's number of the service", ge=0)]
TaskId = Annotated[str, PathParameter(description="as the start returned it", max_length=200)]
Wait = Annotated[
    float,
    QueryParameter(ge=0, le=LONGEST_WAIT_S, description="how long to wait for the result, in seconds"),
]


@dataclass
class OptionalBody(Operation):
    """The description of a route with an optional body; Litestar describes every body as required."""

    def __post_init__(self) -> None:
        """Correct Litestar's description."""
        cast("RequestBody", self.request_body).required = False


class NetworkController(Controller):
    """Ping diagnostics of a subscriber's equipment."""

    path = "/api/v1/network"
    tags = ("Network",)
    opt = MappingProxyType({SCOPE: "diagnostics"})

    @post(
        "/{service_id:str}/ping",
        status_code=202,
        summary="Start a ping diagnostic",
        operation_class=OptionalBody,
        responses=documented(401, 404, 413, 422, 502, 503, 504),
    )
    async def start(
        self,
        network: NamedDependency[NetworkService],
        request: AnyRequest,
        service_id: ServiceId,
        data: ClosedBody[PingOrder] = AS_USUAL,
    ) -> Response[Diagnosis]:
        """Start a diagnostic, or return the one that is running or has just ended."""
        with audited(AuditEvent("start ping", request.user, service_id, data.__struct_fields__)):
            diagnosis = await network.start(service_id, data.pings)
        location = f"{self.path}/ping/{diagnosis.task_id}/"
        return Response(diagnosis, headers={"Location": location, **NOT_KEPT})

    @get(
        "/ping/{task_id:str}",
        summary="Result of a ping diagnostic",
        responses=documented(401, 404, 422, 503),
    )
    async def result(
        self,
        network: NamedDependency[NetworkService],
        request: AnyRequest,
        task_id: TaskId,
        wait: Wait = 0,
    ) -> Response[Diagnosis]:
        """Return the state of a diagnostic: as soon as it has ended, or after `wait` seconds."""
        async with departure(request) as gone:
            return Response(await network.result(task_id, wait, gone), headers=NOT_KEPT)
