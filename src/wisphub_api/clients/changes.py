"""What may change in the clients between two loads; sent to other processes as it is."""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace

from wisphub_api.clients.directory import Directory
from wisphub_api.clients.models import Client, ProfileUpdate


class ProfileChanged(Struct, frozen=True, tag=True):
    """A client's profile was changed upstream."""

    service_id: int
    update: ProfileUpdate

    def __call__(self, directory: Directory, /) -> Directory:
        """Give the directory with the given fields in place of the client's own."""
        client = directory.by_service_id(self.service_id)
        return directory if client is None else directory.replaced(applied(client, self.update))


class RecordRead(Struct, frozen=True, tag=True):
    """A client's record was read by itself."""

    client: Client

    def __call__(self, directory: Directory, /) -> Directory:
        """Give the directory with this record in place of the one before."""
        return directory.replaced(self.client)


ClientChange = ProfileChanged | RecordRead


def applied(client: Client, update: ProfileUpdate) -> Client:
    """Give the client with the given fields in place of its own."""
    return replace(client, **update.given)
