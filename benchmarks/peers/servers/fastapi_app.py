"""What people build: FastAPI, pydantic and async_lru over an httpx client that crawls WispHub Net.

Fair to it: the crawl, the lookup tables and the folded texts are made once and cached; the models are built
once. Per request it serialises, as FastAPI does.
"""

import os
import re
import secrets
import unicodedata
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date
from typing import Annotated, Any

import httpx
from async_lru import alru_cache
from fastapi import Depends, FastAPI, HTTPException, Query, Security
from fastapi.middleware.gzip import GZipMiddleware
from fastapi.security import APIKeyHeader
from pydantic import AliasPath, BaseModel, BeforeValidator, ConfigDict, Field

TTL_S = float(os.environ.get("PEERS_TTL", "300"))
PAGE = 300
PLACE = re.compile(r"(?:(?:v|vda|b)/|(?:vereda|barrio)(?= |$)) ?")


def clean(value: Any) -> str | None:
    """Trim; blank means unknown."""
    return None if value is None else str(value).strip() or None


def price_or_none(value: Any) -> float | None:
    """Blank and zero mean unknown."""
    return float(value or 0) or None


def day_or_none(value: str | None) -> date | None:
    """Read D/MM/YYYY."""
    try:
        day, month, year = map(int, (value or "").split("/"))
        return date(year, month, day)
    except ValueError:
        return None


Text = Annotated[str | None, BeforeValidator(clean)]
Price = Annotated[float | None, BeforeValidator(price_or_none)]
Day = Annotated[date | None, BeforeValidator(day_or_none)]
Limit = Annotated[int | None, Query(ge=1)]
Offset = Annotated[int, Query(ge=0)]


class Client(BaseModel):
    """A subscriber, read by WispHub Net's names and sent by ours."""

    model_config = ConfigDict(populate_by_name=True)

    service_id: int = Field(validation_alias="id_servicio")
    name: Text = Field(None, validation_alias="nombre")
    document: Text = Field(None, validation_alias="cedula")
    phone: Text = Field(None, validation_alias="telefono")
    address: Text = Field(None, validation_alias="direccion")
    city: Text = Field(None, validation_alias="ciudad")
    locality: Text = Field(None, validation_alias="localidad")
    payment_status: Text = Field(None, validation_alias="estado")
    zone_id: int | None = Field(None, validation_alias=AliasPath("zona", "id"))
    antenna_ip: Text = Field(None, validation_alias="ip")
    cut_off_date: Day = Field(None, validation_alias="fecha_corte")
    outstanding_balance: float | None = Field(None, validation_alias="saldo")
    lan_interface: Text = Field(None, validation_alias="interfaz_lan")
    internet_plan_name: Text = Field(None, validation_alias=AliasPath("plan_internet", "nombre"))
    internet_plan_price: Price = Field(None, validation_alias="precio_plan")
    technician_id: int | None = Field(None, validation_alias=AliasPath("tecnico", "id"))


class InternetPlan(BaseModel):
    """A plan with its detail."""

    plan_id: int
    name: Text
    type: Text
    price: Price = None
    download_speed: Text = None
    upload_speed: Text = None


class Claim(BaseModel):
    """What a person says of themselves."""

    model_config = ConfigDict(extra="forbid")

    name: str | None = None
    address: str | None = None
    internet_plan_name: str | None = None
    internet_plan_price: float | None = None


class Verification(BaseModel):
    """Whether that is so."""

    is_valid: bool
    matched_fields: list[str]


def fold(text: str) -> str:
    """Drop case, accents and stray spaces."""
    plain = "".join(char for char in unicodedata.normalize("NFKD", text) if not unicodedata.combining(char))
    return " ".join(plain.casefold().split())


def fold_place(text: str) -> str:
    """Fold, and drop a leading `vereda`, `barrio` or their short forms."""
    return PLACE.sub("", fold(text), count=1) if PLACE.match(fold(text)) else fold(text)


def phone_numbers(phone: str | None) -> list[str]:
    """Return the digits of each number, without the country code."""
    parts = re.split(r"[/,;]|(?<=\d{10})\s*-\s*", phone or "")
    digits = (re.sub(r"\D", "", part) for part in parts)
    return [number[2:] if len(number) == 12 and number.startswith("57") else number for number in digits]  # noqa: PLR2004  # 57 and ten digits


def letters_and_digits(text: str | None) -> str:
    """Return a document without dots and dashes."""
    return "".join(char for char in fold(text or "") if char.isalnum())


class Snapshot:
    """All clients, with tables to find them by; the first of several with one document or phone counts."""

    def __init__(self, clients: list[Client]) -> None:
        self.clients = sorted(clients, key=lambda client: client.service_id)
        self.texts = [_searchable(client) for client in self.clients]
        self.by_service_id = {client.service_id: client for client in self.clients}
        self.by_document: dict[str, Client] = {}
        self.by_phone: dict[str, Client] = {}
        for client in self.clients:
            self.by_document.setdefault(letters_and_digits(client.document), client)
            for number in phone_numbers(client.phone):
                self.by_phone.setdefault(number, client)

    def search(self, query: str) -> list[Client]:
        """Return the clients of whom a text holds the query."""
        needle = fold(query)
        return [client for client, text in zip(self.clients, self.texts, strict=True) if needle in text]


def _searchable(client: Client) -> str:
    texts = (client.name, client.address, client.document, client.phone)
    return "\n".join(
        [
            *(fold(text) for text in texts if text),
            letters_and_digits(client.document),
            *phone_numbers(client.phone),
        ]
    )


class WispHubNet:
    """Crawls WispHub Net."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http

    async def rows(self, path: str) -> list[dict[str, Any]]:
        """Read a list page by page, each row once."""
        rows: dict[Any, dict[str, Any]] = {}
        offset, count = 0, 1
        while offset < count:
            page = await self.get(path, limit=PAGE, offset=offset)
            count = page["count"]
            rows |= {str(row.get("id_servicio", row.get("id"))): row for row in page["results"]}
            offset += PAGE
        return list(rows.values())

    async def get(self, path: str, **query: int) -> dict[str, Any]:
        """Read one answer."""
        response = await self._http.get(path, params=query)
        response.raise_for_status()
        answer: dict[str, Any] = response.json()
        return answer


net: WispHubNet


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    """Keep one client for the app's life."""
    global net  # noqa: PLW0603  # the cached functions below take no arguments, as people write them
    headers = {"Authorization": f"Api-Key {os.environ['PEERS_NET_KEY']}"}
    async with httpx.AsyncClient(base_url=os.environ["PEERS_NET"], headers=headers, timeout=30) as http:
        net = WispHubNet(http)
        yield


@alru_cache(ttl=TTL_S)
async def get_snapshot() -> Snapshot:
    """Crawl the clients."""
    return Snapshot([Client.model_validate(_without_nulls(row)) for row in await net.rows("/api/clientes/")])


@alru_cache(ttl=TTL_S)
async def get_plans() -> list[InternetPlan]:
    """Read the plans with their details."""
    kinds = {"PPPOE": "pppoe", "SIMPLE QUEUE": "queue"}
    plans = []
    for row in await net.rows("/api/plan-internet/"):
        kind = kinds.get(row["tipo"])
        detail = await net.get(f"/api/plan-internet/{kind}/{row['id']}/") if kind else {}
        plans.append(
            InternetPlan(
                plan_id=row["id"],
                name=row["nombre"],
                type=row["tipo"],
                price=detail.get("precio"),
                download_speed=detail.get("bajada"),
                upload_speed=detail.get("subida"),
            )
        )
    return sorted(plans, key=lambda plan: plan.plan_id)


def _without_nulls(row: dict[str, Any]) -> dict[str, Any]:
    """Drop nulls: what is not there has its default, also below `zona`, `plan_internet` and `tecnico`."""
    return {name: value for name, value in row.items() if value is not None}


def page(found: list[Client], limit: int | None, offset: int) -> list[Client]:
    """Cut a page out."""
    return found[offset : None if limit is None else offset + limit]


async def known_key(
    key: Annotated[str | None, Security(APIKeyHeader(name="X-API-Key", auto_error=False))],
) -> None:
    """Let those in who have the key."""
    if key is None or not secrets.compare_digest(key, os.environ["PEERS_API_KEY"]):
        raise HTTPException(401, "Send a valid X-API-Key.")


app = FastAPI(lifespan=lifespan, dependencies=[Depends(known_key)])
if os.environ.get("PEERS_GZIP") == "on":
    app.add_middleware(GZipMiddleware, minimum_size=1000)


@app.get("/api/v1/internet-plans/")
async def plans() -> list[InternetPlan]:
    """Return all plans."""
    return await get_plans()


@app.get("/api/v1/clients/")
async def clients(limit: Limit = None, offset: Offset = 0) -> list[Client]:
    """Return all clients, or a page of them."""
    return page((await get_snapshot()).clients, limit, offset)


@app.get("/api/v1/clients/search")
async def search(q: str, limit: Limit = None, offset: Offset = 0) -> list[Client]:
    """Find clients."""
    return page((await get_snapshot()).search(q), limit, offset)


@app.get("/api/v1/clients/by-document/{document}")
async def by_document(document: str) -> Client:
    """Find one by document."""
    return found((await get_snapshot()).by_document.get(letters_and_digits(document)))


@app.get("/api/v1/clients/by-phone/{phone}")
async def by_phone(phone: str) -> Client:
    """Find one by phone."""
    return found((await get_snapshot()).by_phone.get(phone_numbers(phone)[0]))


@app.get("/api/v1/clients/by-service-id/{service_id}")
async def by_service_id(service_id: int) -> Client:
    """Find one by number."""
    return found((await get_snapshot()).by_service_id.get(service_id))


@app.post("/api/v1/clients/{service_id}/verify")
async def verify(service_id: int, claim: Claim) -> Verification:
    """Check a claim against the record."""
    client = found((await get_snapshot()).by_service_id.get(service_id))
    given = claim.model_dump(exclude_none=True)
    matched = [name for name, value in given.items() if matches(value, getattr(client, name))]
    return Verification(is_valid=matched == list(given), matched_fields=matched)


def matches(given: str | float, recorded: str | float | None) -> bool:
    """Compare a text by what it contains, a price within 1."""
    if isinstance(given, str):
        return isinstance(recorded, str) and bool(given) and fold_place(given) in fold_place(recorded)
    return isinstance(recorded, float) and abs(given - recorded) <= 1


def found(client: Client | None) -> Client:
    """Return the client, or 404."""
    if client is None:
        raise HTTPException(404, "No client matches.")
    return client
