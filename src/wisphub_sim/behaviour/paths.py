"""The paths of the simulated API as templates, for counts, faults and redirects."""

import re
from fnmatch import fnmatchcase

TEMPLATES = (
    "/api/clientes/",
    "/api/clientes/{id}/perfil/",
    "/api/clientes/{id}/saldo",
    "/api/clientes/{id}/ping/",
    "/api/plan-internet/",
    "/api/plan-internet/pppoe/{id}/",
    "/api/plan-internet/queue/{id}/",
    "/api/tickets/",
    "/api/tickets/{id}/",
    "/api/tasks/{task_id}/",
    "/api/formas-de-pago/",
)
UNKNOWN = "(unknown)"
_PATTERNS = tuple((re.compile(re.sub(r"\{\w+\}", "[^/]+", path)), path) for path in TEMPLATES)


def template_of(path: str) -> str:
    """Return the template of a path, less its last slash if the path lacks it; `UNKNOWN` if there is none."""
    for pattern, template in _PATTERNS:
        if pattern.fullmatch(path):
            return template
        if pattern.fullmatch(f"{path}/"):
            return template.removesuffix("/")
    return UNKNOWN


def lacks_slash(path: str) -> bool:
    """Return whether the path is one of the API but for the last slash."""
    template = template_of(path)
    return template != UNKNOWN and template not in TEMPLATES


def covers(glob: str, path: str) -> bool:
    """Return whether a template, a path or a glob of either matches this path."""
    return fnmatchcase(template_of(path), glob) or fnmatchcase(path, glob)


def is_known(glob: str) -> bool:
    """Return whether a template, a path or a glob can match any path of the API."""
    as_template = re.sub(r"/\d+(?=/|$)", "/{id}", glob)
    return template_of(glob) in TEMPLATES or any(fnmatchcase(path, as_template) for path in TEMPLATES)
