"""The routes of WispHub Net's API."""

import asyncio
import math
from typing import Annotated, Any

import msgspec
from litestar import Controller, Request, Response, get, post, put
from litestar.di import NamedDependency
from litestar.exceptions import NotFoundException
from litestar.params import FromPath

from wisphub_sim.data.catalogue import DETAIL_TYPES, PAYMENT_METHODS, plan_detail, plan_rows
from wisphub_sim.data.directory import PROFILE_FIELDS, exact_filters
from wisphub_sim.data.records import balance
from wisphub_sim.data.tickets import InvalidTicket
from wisphub_sim.routes.paging import PageRequest, cut_page, encode_page
from wisphub_sim.simulation import Simulation

AnyRequest = Request[Any, Any, Any]
Sim = NamedDependency[Simulation]
JSONResponse = Response[bytes]


def _json(body: bytes, status: int = 200) -> JSONResponse:
    return Response(body, status_code=status, media_type="application/json")


def _page_request(request: AnyRequest) -> PageRequest:
    # Always http, also behind TLS: a mistake of WispHub Net that clients have to cope with.
    host = request.headers.get("host", "localhost")
    # `path` has lost its last slash in Litestar; `raw_path` has not.
    return PageRequest(f"http://{host}{request.scope['raw_path'].decode()}", dict(request.query_params))


def _existing(simulation: Simulation, service_id: int) -> int:
    if service_id not in simulation.directory:
        raise NotFoundException
    return service_id


class ClientsController(Controller):
    """Subscribers: list, profile, balance, ping."""

    path = "/api/clientes"

    @get("/")
    async def clients(self, request: AnyRequest, simulation: Sim) -> JSONResponse:
        """Return a page of records; unknown filters are ignored."""
        page, directory = _page_request(request), simulation.directory
        if filters := exact_filters(page.query):
            # In a thread: the first call reads every record.
            rows = await asyncio.to_thread(directory.matching, filters)
            return _json(encode_page(page, len(rows), rows[page.offset : page.offset + page.limit]))
        return _json(encode_page(page, len(directory), directory.rows(page.offset, page.limit)))

    @get("/{service_id:int}/perfil")
    async def profile(self, service_id: FromPath[int], simulation: Sim) -> JSONResponse:
        """Return the profile."""
        return _json(msgspec.json.encode(simulation.directory.profile(_existing(simulation, service_id))))

    @put("/{service_id:int}/perfil")
    async def edit_profile(
        self, service_id: FromPath[int], request: AnyRequest, simulation: Sim
    ) -> JSONResponse:
        """Change the profile; 200 with the profile for odd ids, 204 without a body for even ones."""
        _existing(simulation, service_id)
        fields = _profile_change(await request.body())
        if isinstance(fields, str):
            return _json(msgspec.json.encode({"detail": fields}), 400)
        simulation.directory.edit(service_id, fields)
        if service_id % 2 == 0:
            return Response(b"", status_code=204)
        return _json(msgspec.json.encode(simulation.directory.profile(service_id)))

    @get("/{service_id:int}/saldo")
    async def balance(self, service_id: FromPath[int], simulation: Sim) -> JSONResponse:
        """Return the balance and the invoices."""
        record = simulation.directory.record(_existing(simulation, service_id))
        return _json(msgspec.json.encode(balance(record)))

    @post("/{service_id:int}/ping")
    async def ping(self, service_id: FromPath[int], request: AnyRequest, simulation: Sim) -> JSONResponse:
        """Start a diagnostic; 202 with the id of its task."""
        _existing(simulation, service_id)
        try:
            pings = msgspec.json.decode(await request.body(), type=PingRequest).pings
        except msgspec.DecodeError:
            return _json(msgspec.json.encode({"pings": ["Introduzca un número entero válido."]}), 400)
        return _json(msgspec.json.encode({"task_id": simulation.tasks.start(service_id, pings)}), 202)


class PingRequest(msgspec.Struct, frozen=True):
    """The body of a ping; a number in quotes is refused."""

    pings: Annotated[int, msgspec.Meta(ge=1, le=100)]


def _profile_change(body: bytes) -> dict[str, str] | str:
    """Return the fields that a PUT changes, or an error message."""
    try:
        values = msgspec.json.decode(body, type=dict[str, str | int | float | None])
    except msgspec.DecodeError as error:
        return f"Error de análisis JSON - {error}"
    if not _is_amount(values.get("saldo")):
        return "saldo: Se requiere un número válido."
    return {
        field: "" if values[field] is None else str(values[field])
        for field in PROFILE_FIELDS
        if field in values
    }


def _is_amount(value: str | float | None) -> bool:
    try:
        return value in {None, ""} or math.isfinite(float(value or 0))
    except ValueError:
        return False


class PlansController(Controller):
    """Internet plans; PCQ plans have no detail."""

    path = "/api/plan-internet"

    @get("/")
    async def plans(self, request: AnyRequest) -> JSONResponse:
        """Return a page of plans."""
        return _json(cut_page(_page_request(request), plan_rows()))

    @get(["/pppoe/{plan_id:int}", "/queue/{plan_id:int}"])
    async def detail(self, plan_id: FromPath[int], request: AnyRequest) -> JSONResponse:
        """Return a plan's price and speeds; 404 if it is of the other kind."""
        kind = next(kind for kind in DETAIL_TYPES if f"/{kind}/" in request.scope["path"])
        if detail := plan_detail(kind, plan_id):
            return _json(msgspec.json.encode(detail))
        raise NotFoundException


class TicketsController(Controller):
    """Support tickets."""

    path = "/api/tickets"

    @get("/")
    async def tickets(self, request: AnyRequest, simulation: Sim) -> JSONResponse:
        """Return a page of tickets, optionally of one `estado`."""
        page = _page_request(request)
        return _json(cut_page(page, simulation.tickets.listing(page.query.get("estado"))))

    @post("/")
    async def open_ticket(self, request: AnyRequest, simulation: Sim) -> JSONResponse:
        """Open a ticket from a multipart form."""
        content_type = request.headers.get("content-type", "")
        if not content_type.lower().startswith("multipart/form-data"):
            detail = f'Tipo de medio "{content_type}" incompatible en la solicitud.'
            return _json(msgspec.json.encode({"detail": detail}), 415)
        form = {field: value for field, value in (await request.form()).items() if isinstance(value, str)}
        try:
            return _json(msgspec.json.encode(simulation.tickets.open(form)), 201)
        except InvalidTicket as error:
            return _json(msgspec.json.encode(error.errors), 400)

    @get("/{ticket_id:int}")
    async def ticket(self, ticket_id: FromPath[int], simulation: Sim) -> JSONResponse:
        """Return a ticket with its answers."""
        if ticket := simulation.tickets.find(ticket_id):
            return _json(msgspec.json.encode(ticket))
        raise NotFoundException


@get("/api/tasks/{task_id:str}")
async def task(task_id: FromPath[str], simulation: Sim) -> JSONResponse:
    """Return the state of a diagnostic's task; each poll advances it."""
    if found := simulation.tasks.poll(task_id):
        return _json(msgspec.json.encode(found))
    raise NotFoundException


@get("/api/formas-de-pago")
async def payment_methods(request: AnyRequest) -> JSONResponse:
    """Return a page of payment methods."""
    return _json(cut_page(_page_request(request), PAYMENT_METHODS))
