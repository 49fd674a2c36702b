"""What a right answer looks like: each check returns what is wrong, or "" when all is well.

They run inside the load generator for every response, so they look at the bytes' ends and search them rather
than parse them all: a list of 2,000 clients is 0.77 MB.
"""

import unicodedata

import msgspec
from msgspec import Struct

REFERENCE_CLIENT = b'"service_id":7,'
REFERENCE_SEARCH = "Esperanza"
REFERENCE_VERIFICATION = {"address": "BELLAVISTA", "internet_plan_price": 40000.0}


class Hit(Struct, frozen=True):
    """The fields of a client that a search looks into."""

    name: str | None = None
    document: str | None = None
    phone: str | None = None
    address: str | None = None

    def contains(self, text: str) -> bool:
        """Is the text in any field, whatever its case and accents, and what stands between digits?"""
        fields = [value for value in (self.name, self.document, self.phone, self.address) if value]
        digits = ["".join(filter(str.isdigit, value)) for value in fields]
        return any(folded(text) in folded(value) for value in (*fields, *digits))


class Verification(Struct, frozen=True):
    """The answer to a verification."""

    is_valid: bool


_hits = msgspec.json.Decoder(list[Hit])
_verification = msgspec.json.Decoder(Verification)


def wrong_in_client_list(body: bytes) -> str:
    """Every client, the reference client among them."""
    return wrong_in_list(body) or ("" if REFERENCE_CLIENT in body else "the reference client is missing")


def wrong_in_plan_list(body: bytes) -> str:
    """Every plan."""
    return wrong_in_list(body) or ("" if b'"plan_id":' in body else "not plans")


def wrong_in_list(body: bytes) -> str:
    """A JSON array with at least one object in it."""
    return "" if body.startswith(b"[{") and body.endswith(b"}]") else "not an array of objects"


def wrong_in_search(body: bytes, query: str, *, may_be_empty: bool = False) -> str:
    """Clients that contain the query."""
    try:
        hits = _hits.decode(body)
    except msgspec.DecodeError:
        return "not an array of clients"
    if not hits:
        return "" if may_be_empty else "no hit"
    return "" if hits[0].contains(query) and hits[-1].contains(query) else "a hit without the query"


def wrong_in_verification(body: bytes) -> str:
    """The reference data verifies."""
    try:
        return "" if _verification.decode(body).is_valid else "the reference data was not verified"
    except msgspec.DecodeError:
        return "not a verification"


def folded(text: str) -> str:
    """Lower case without accents."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(character for character in decomposed if not unicodedata.combining(character))
