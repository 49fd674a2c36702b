"""What every answer says to a browser: nothing is to be guessed, run, framed or passed on."""

from __future__ import annotations

import base64
import hashlib
import re
from typing import Final

from litestar.types import HTTPResponseStartEvent

ALWAYS: Final = ((b"x-content-type-options", b"nosniff"), (b"referrer-policy", b"no-referrer"))
DATA_POLICY: Final = (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'")
DATA_HEADERS: Final = (*ALWAYS, DATA_POLICY)
_PAGE: Final = (
    "default-src 'none'; script-src 'self'{scripts}; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_SCRIPT: Final = re.compile(rb"<script\b[^>]*>(.*?)</script>", re.DOTALL)


def is_page(message: HTTPResponseStartEvent) -> bool:
    """Return whether an answer is HTML."""
    return any(
        name == b"content-type" and value.startswith(b"text/html") for name, value in message["headers"]
    )


def page_policy(html: bytes) -> bytes:
    """Return the policy of a page: it runs what comes from here and its own scripts, nothing else."""
    scripts = filter(None, _SCRIPT.findall(html))  # one that has a `src` is empty
    digests = (base64.b64encode(hashlib.sha256(script).digest()).decode() for script in scripts)
    return _PAGE.format(scripts="".join(f" 'sha256-{digest}'" for digest in digests)).encode()
