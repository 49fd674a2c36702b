"""The routes of the clients."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import Annotated, Final, cast

import msgspec
from litestar import Controller, Response, get, post, put
from litestar.di import NamedDependency
from litestar.openapi.spec import OpenAPIResponse, Operation, Schema
from litestar.params import FromPath, PathParameter, QueryParameter

from wisphub_api.api_keys import Caller
from wisphub_api.audit import AuditEvent, audited
from wisphub_api.cache.answers import Question
from wisphub_api.cache.representation import Representation, represent
from wisphub_api.cache.wish import Wish
from wisphub_api.clients.checks import IdentityChecks
from wisphub_api.clients.models import Claim, Client, ClientNumber, ProfileUpdate, Verification
from wisphub_api.clients.service import (
    QUERY_MAX_CHARS,
    QUERY_MIN_CHARS,
    SEARCH,
    ClientService,
    page_in_memory,
    search_in_memory,
)
from wisphub_api.clients.snapshot.directory import Directory
from wisphub_api.clients.update import ClientUpdates
from wisphub_api.web.fast_path import Ready, checked, in_memory, whole
from wisphub_api.web.parameters import AnyRequest, ClosedBody, Limit, Offset
from wisphub_api.web.problems import documented
from wisphub_api.web.rules.admission import SCOPE
from wisphub_api.web.rules.cache_control import asked_freshness
from wisphub_api.web.rules.cache_status import (
    cached_response,
    coded_response,
    freshness_headers,
    written_response,
)

VERIFY: Final = MappingProxyType({SCOPE: "verify"})
"""The scope of checks: they change nothing, and are POST requests to keep the data out of the URL."""
CLIENTS: Final = "clients"
"""The name of the cache in which the fast path finds clients."""
_CLAIM: Final = msgspec.json.Decoder(Claim, strict=False)  # as Litestar reads it

ServiceId = Annotated[int, PathParameter(description="WispHub Net's number of the service", ge=0)]


@dataclass
class MatchingAny(Operation):
    """The description of a route whose answer may match both schemas; Litestar declares only one."""

    def __post_init__(self) -> None:
        """Correct Litestar's description."""
        answer = cast("OpenAPIResponse", (self.responses or {})["200"])
        schema = cast("Schema", (answer.content or {})["application/json"].schema)
        schema.any_of, schema.one_of = schema.one_of, None


def _by_document(directory: Directory, asked: Question) -> Representation | None:
    return _one(directory.by_document(asked.text))


def _by_phone(directory: Directory, asked: Question) -> Representation | None:
    return _one(directory.by_phone(asked.text))


def _by_service_id(directory: Directory, asked: Question) -> Representation | None:
    service_id = whole(asked.text)
    return None if service_id is None else _one(directory.by_service_id(service_id))


def _one(client: Client | None) -> Representation | None:
    return None if client is None else represent(client)


def _verify(checks: IdentityChecks, argument: str, body: bytes, caller: Caller, wish: Wish) -> Ready | None:
    """Return the function that checks an identity; None for a body that the router has to refuse."""
    service_id = whole(argument)
    if service_id is None:
        return None
    try:
        claim = _CLAIM.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return checks.verify_in_memory(service_id, claim, caller, wish)


class ClientController(Controller):
    """The clients: list, lookups, search and identity checks from memory, and changes of profiles."""

    path = "/api/v1/clients"
    tags = ("Clients",)

    @get(
        "/",
        summary="All clients",
        responses=documented(401, 422, 503, 504),
        opt=in_memory(CLIENTS, "clients", page_in_memory),
    )
    async def all(
        self,
        clients: NamedDependency[ClientService],
        request: AnyRequest,
        limit: Limit = None,
        offset: Offset = 0,
    ) -> Response[list[Client]]:
        """Return all clients, or a page of them, by service_id; X-Total-Count is the number of all."""
        return await coded_response(await clients.page(limit, offset, asked_freshness(request)), request)

    @get(
        "/search",
        summary="Search clients",
        responses=documented(401, 422, 503, 504),
        opt=in_memory(CLIENTS, SEARCH, search_in_memory),
    )
    async def search(
        self,
        clients: NamedDependency[ClientService],
        request: AnyRequest,
        q: Annotated[
            str,
            QueryParameter(
                description=f"at least {QUERY_MIN_CHARS} characters",
                min_length=QUERY_MIN_CHARS,
                max_length=QUERY_MAX_CHARS,
            ),
        ],
        limit: Limit = None,
        offset: Offset = 0,
    ) -> Response[list[Client]]:
        """Find clients by name, address, document or phone; case, accents and word order do not count."""
        return cached_response(await clients.search(q, limit, offset, asked_freshness(request)), request)

    @get(
        "/by-document/{document:str}",
        summary="Find by document",
        responses=documented(401, 404, 503, 504),
        opt=in_memory(CLIENTS, "clients/by-document", _by_document),
    )
    async def by_document(
        self, clients: NamedDependency[ClientService], request: AnyRequest, document: FromPath[str]
    ) -> Response[Client]:
        """Find the client with an identity document; dots, dashes and case do not count."""
        return cached_response(await clients.by_document(document, asked_freshness(request)), request)

    @get(
        "/by-phone/{phone:str}",
        summary="Find by phone",
        responses=documented(401, 404, 503, 504),
        opt=in_memory(CLIENTS, "clients/by-phone", _by_phone),
    )
    async def by_phone(
        self, clients: NamedDependency[ClientService], request: AnyRequest, phone: FromPath[str]
    ) -> Response[Client]:
        """Find the client with a phone number; only digits count, with or without +57."""
        return cached_response(await clients.by_phone(phone, asked_freshness(request)), request)

    @get(
        "/by-service-id/{service_id:str}",
        summary="Find by service id",
        responses=documented(401, 404, 422, 503, 504),
        opt=in_memory(CLIENTS, "clients/by-service-id", _by_service_id),
    )
    async def by_service_id(
        self, clients: NamedDependency[ClientService], request: AnyRequest, service_id: ServiceId
    ) -> Response[Client]:
        """Find the client with WispHub Net's number of the service."""
        return cached_response(await clients.by_service_id(service_id, asked_freshness(request)), request)

    @put(
        "/{service_id:str}",
        summary="Change a profile",
        responses=documented(401, 404, 413, 422, 502, 503, 504),
    )
    async def update(
        self,
        client_updates: NamedDependency[ClientUpdates],
        service_id: ServiceId,
        request: AnyRequest,
        data: ClosedBody[ProfileUpdate],
    ) -> Response[Client]:
        """Change the given fields, in WispHub Net and at once in every answer; return the changed client.

        Repeating the request is safe. 504 `uncertain-outcome` means that it may have been changed.
        """
        with audited(AuditEvent("update client", request.user, service_id, tuple(data.given))):
            return written_response(await client_updates.update(service_id, data))

    @post(
        "/{service_id:str}/verify",
        status_code=200,
        summary="Verify an identity",
        opt={**VERIFY, **checked("checks", _verify)},
        responses=documented(401, 404, 413, 422, 429, 503, 504),
    )
    async def verify(
        self,
        checks: NamedDependency[IdentityChecks],
        request: AnyRequest,
        service_id: ServiceId,
        data: ClosedBody[Claim],
    ) -> Response[Verification]:
        """Return whether the given data, at least two fields, matches this client.

        A key with the scope `verify`, but not `read`, does not learn which clients exist: an unknown client
        has the same answer as wrong data, which does not list the fields that matched.
        """
        reading = await checks.verify(service_id, data, request.auth, asked_freshness(request))
        return Response(reading.value, headers=freshness_headers(reading))

    @post(
        "/resolve",
        status_code=200,
        summary="Find whose data this is",
        operation_class=MatchingAny,
        opt=VERIFY,
        responses=documented(401, 404, 409, 413, 422, 503, 504),
    )
    async def resolve(
        self, checks: NamedDependency[IdentityChecks], request: AnyRequest, data: ClosedBody[Claim]
    ) -> Response[Client | ClientNumber]:
        """Return the one client that matches at least three of the given fields.

        A key with the scope `verify`, but not `read`, gets the client's service_id alone.
        """
        return cached_response(await checks.resolve(data, request.auth, asked_freshness(request)), request)
