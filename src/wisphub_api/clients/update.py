"""Changes of a client's profile: upstream first, then in memory; an uncertain outcome is looked up.

The events that change clients between two loads are declared here; they are broadcast to other processes.
"""

from __future__ import annotations

import asyncio
import re
from http import HTTPStatus
from typing import Final
from weakref import WeakValueDictionary

import msgspec
from msgspec import Struct

from wisphub_api.cache.cached import Cached
from wisphub_api.cache.representation import Representation, represent
from wisphub_api.cache.slot import Reading
from wisphub_api.clients.models import Client, ProfileUpdate
from wisphub_api.clients.snapshot.directory import Directory
from wisphub_api.clients.upstream import find_client, write_profile
from wisphub_api.exceptions import (
    InvalidRequest,
    NotFound,
    UpdateNotMade,
    UpstreamError,
    UpstreamFailed,
    UpstreamUncertain,
)
from wisphub_api.upstream.client import WispHubNet

_MARKUP: Final = re.compile(r"[<>{}\\`]")
_NOT_SHOWN: Final = "The change was sent to WispHub Net, but the client's record does not show it"
_FORMS: Final = {
    "document": (re.compile(r"(?=.*[^\W_])[\w .-]+"), "letters, digits, spaces, dots and dashes"),
    "phone": (
        re.compile(r"(?=(?:\D*\d){7})[\d +().,;/|-]+", re.ASCII),
        "at least 7 digits, and ` +-().,;/|`",
    ),
}


class ProfileChanged(Struct, frozen=True, tag=True):
    """Event: a client's profile was changed upstream."""

    service_id: int
    update: ProfileUpdate

    def __call__(self, directory: Directory, /) -> Directory:
        """Return the directory with the changed fields of the client."""
        client = directory.by_service_id(self.service_id)
        return directory if client is None else directory.replaced(applied(client, self.update))


class RecordRead(Struct, frozen=True, tag=True):
    """Event: one client's record was read upstream."""

    client: Client

    def __call__(self, directory: Directory, /) -> Directory:
        """Return the directory with this record of the client."""
        return directory.replaced(self.client)


ClientChange = ProfileChanged | RecordRead


def applied(client: Client, update: ProfileUpdate) -> Client:
    """Return the client with the changed fields."""
    return msgspec.structs.replace(client, **update.given)


class ClientUpdates:
    """Changes of clients' profiles; those of one client are made one after the other.

    Args:
        directory: The clients.
        net: WispHub Net.
        lookup_s: How long an uncertain outcome is looked up, in seconds.
    """

    def __init__(self, directory: Cached[Directory], net: WispHubNet, lookup_s: float) -> None:
        self._directory = directory
        self._net = net
        self._lookup_s = lookup_s
        self._locks: WeakValueDictionary[int, asyncio.Lock] = WeakValueDictionary()

    async def update(self, service_id: int, update: ProfileUpdate) -> Reading[Representation]:
        """Change the given fields and return the changed client; from then on every answer shows it.

        Raises:
            InvalidRequest: No field is given, or a value is not allowed, here or upstream.
            NotFound: There is no such client.
            UpdateNotMade: A lookup showed that nothing was changed; a repeat is safe.
            UpstreamUncertain: It may have been changed, and could not be looked up.
            UpstreamError: It was not changed.
        """
        wanted = cleaned(update)
        async with self._locks.setdefault(service_id, asyncio.Lock()):
            reading = await self._directory.read()
            client = reading.value.by_service_id(service_id)
            if client is None:
                raise NotFound("No client has this service_id.", age_s=reading.age_s)
            try:
                await self._write(service_id, wanted)
            except UpstreamUncertain as error:
                found = await self._look_up(service_id, wanted, error)
                return _written(0.0, reading.age_s + reading.ttl_s, found)
            await self._directory.amend(ProfileChanged(service_id, wanted))
            return _written(reading.age_s, reading.ttl_s, applied(client, wanted))

    async def _write(self, service_id: int, wanted: ProfileUpdate) -> None:
        """Write the change upstream; raise a refusal as the caller's or the upstream's fault."""
        try:
            await write_profile(self._net, service_id, wanted)
        except UpstreamFailed as error:
            if error.status == HTTPStatus.NOT_FOUND:
                raise NotFound("WispHub Net has no client with this service_id any more.") from error
            if error.status == HTTPStatus.BAD_REQUEST:
                raise InvalidRequest("WispHub Net does not accept these values.", field="body") from error
            raise

    async def _look_up(self, service_id: int, wanted: ProfileUpdate, doubt: UpstreamUncertain) -> Client:
        """Return the client as read upstream, and show it in every answer from then on.

        Raises:
            UpdateNotMade: It does not show the change.
            UpstreamUncertain: It cannot be read.
        """
        try:
            async with asyncio.timeout(self._lookup_s):
                found = await find_client(self._net, service_id)
        except (UpstreamError, TimeoutError):
            raise doubt from None
        if found is None:
            raise doubt
        await self._directory.amend(RecordRead(found))
        if applied(found, wanted) != found:
            raise UpdateNotMade(f"{_NOT_SHOWN}: it can be sent again.") from doubt
        return found


def cleaned(update: ProfileUpdate) -> ProfileUpdate:
    """Return the change with every text trimmed and single-spaced, and the balance rounded to cents.

    Raises:
        InvalidRequest: No field is given, or a text is blank or contains forbidden characters.
    """
    given = update.given
    if not given:
        allowed = ", ".join(update.__struct_fields__)
        raise InvalidRequest(f"Give at least one of {allowed}.", field="body")
    return msgspec.structs.replace(update, **{name: _clean(name, value) for name, value in given.items()})


def _clean(name: str, value: str | float) -> str | float:
    if not isinstance(value, str):
        return round(value, 2) + 0.0  # no -0.0
    text = " ".join(value.split())
    if not text:
        raise InvalidRequest(f"`{name}` is blank.", field=name)
    if not text.isprintable() or _MARKUP.search(text):
        raise InvalidRequest(f"`{name}` holds a control character or one of <>{{}}\\`.", field=name)
    form, allowed = _FORMS.get(name, (None, ""))
    if form and not form.fullmatch(text):
        raise InvalidRequest(f"`{name}` may hold {allowed}.", field=name)
    return text


def _written(age_s: float, ttl_s: float, client: Client) -> Reading[Representation]:
    return Reading(represent(client), age_s, ttl_s, has_waited=True, forwarded="method")
