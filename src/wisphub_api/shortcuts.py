"""Which answers there is a short way to, and how each is found in its cache."""

from __future__ import annotations

import re
from functools import partial
from typing import Final

import msgspec

from wisphub_api.api_keys import Caller
from wisphub_api.cache.cached import Cached
from wisphub_api.cache.representation import Representation, represent, represent_page
from wisphub_api.cache.slot import Reading
from wisphub_api.clients.checks import IdentityChecks
from wisphub_api.clients.directory import Directory
from wisphub_api.clients.models import Claim, Client
from wisphub_api.clients.service import QUERY_MAX_CHARS, QUERY_MIN_CHARS
from wisphub_api.clients.text import fold
from wisphub_api.exceptions import InvalidRequest
from wisphub_api.internet_plans.models import InternetPlan, PlanCatalogue
from wisphub_api.payment_methods.service import PaymentMethods
from wisphub_api.shared.tasks import at_once
from wisphub_api.web.hot_path import Shortcut, Shortcuts
from wisphub_api.web.hot_post import PostShortcut

_NUMBER: Final = re.compile(r"0|[1-9][0-9]{0,14}")
_CLAIM: Final = msgspec.json.Decoder(Claim)
CLIENTS: Final = "/api/v1/clients"
PLANS: Final = "/api/v1/internet-plans"
PAYMENT_METHODS: Final = "/api/v1/payment-methods"


def shortcuts(
    directory: Cached[Directory],
    plans: Cached[PlanCatalogue],
    payment_methods: Cached[PaymentMethods],
    checks: IdentityChecks,
) -> Shortcuts:
    """Name the routes, as they are declared."""
    return Shortcuts(
        whole={
            f"{CLIENTS}/": Shortcut(CLIENTS, directory, _list),
            f"{PLANS}/": Shortcut(PLANS, plans, lambda value, _: represent_page(value.plans, None, 0)),
            f"{PAYMENT_METHODS}/": Shortcut(
                PAYMENT_METHODS, payment_methods, lambda value, _: represent_page(value, None, 0)
            ),
        },
        by_part={
            f"{CLIENTS}/by-document": Shortcut(
                f"{CLIENTS}/by-document/{{document}}",
                directory,
                lambda value, text: _one(value.by_document(text)),
            ),
            f"{CLIENTS}/by-phone": Shortcut(
                f"{CLIENTS}/by-phone/{{phone}}", directory, lambda value, text: _one(value.by_phone(text))
            ),
            f"{CLIENTS}/by-service-id": Shortcut(
                f"{CLIENTS}/by-service-id/{{service_id}}",
                directory,
                lambda value, text: _one(value.by_service_id(int(text))) if _NUMBER.fullmatch(text) else None,
            ),
            PLANS: Shortcut(
                f"{PLANS}/{{plan_id}}",
                plans,
                lambda value, text: _one(value.by_id.get(int(text))) if _NUMBER.fullmatch(text) else None,
            ),
        },
        by_query={f"{CLIENTS}/search": Shortcut(f"{CLIENTS}/search", directory, _search)},
        told={
            "verify": PostShortcut(
                f"{CLIENTS}/{{service_id}}/verify", CLIENTS, "verify", partial(_verify, checks)
            )
        },
    )


def _list(directory: Directory, _: str) -> Representation | None:
    """Give the whole list where it has been made; after a change it takes a while, off the event loop."""
    return directory.representation if directory.has_list else None


def _one(found: Client | InternetPlan | None) -> Representation | None:
    return None if found is None else represent(found)


def _search(directory: Directory, query: str) -> Representation | None:
    if len(query) > QUERY_MAX_CHARS or len(fold(query)) < QUERY_MIN_CHARS:
        return None
    return directory.search_at_once(query, None, 0)


def _verify(checks: IdentityChecks, service_id: str, body: bytes, caller: Caller) -> Reading[bytes] | None:
    """Check what can be checked without waiting for anything, and is neither refused nor bad."""
    if not _NUMBER.fullmatch(service_id) or not checks.is_ready(int(service_id), caller):
        return None
    try:
        claim = _CLAIM.decode(body)
        reading = at_once(checks.verify(int(service_id), claim, caller))
    except (msgspec.ValidationError, msgspec.DecodeError, UnicodeDecodeError, RecursionError, InvalidRequest):
        return None
    return reading.map(msgspec.json.encode)
