"""The API pages at `/docs`, which work with no internet: Swagger UI comes with the service."""

from __future__ import annotations

from importlib.metadata import version
from importlib.resources import files
from typing import Final

from litestar.exceptions import NotFoundException
from litestar.openapi.config import OpenAPIConfig
from litestar.openapi.plugins import SwaggerRenderPlugin
from litestar.openapi.spec import Components, SecurityScheme
from litestar.router import Router
from litestar.static_files import create_static_files_router

from wisphub_api.web.parameters import AnyRequest
from wisphub_api.web.rules.admission import OPEN

PATH: Final = "/docs"
ASSETS: Final = "/docs-assets"


def openapi_config() -> OpenAPIConfig:
    """Describe the API and where its pages are."""
    swagger = SwaggerRenderPlugin(
        js_url=f"{ASSETS}/swagger-ui-bundle.js",
        css_url=f"{ASSETS}/swagger-ui.css",
        standalone_preset_js_url=f"{ASSETS}/swagger-ui-standalone-preset.js",
        favicon="<link rel='icon' href='data:,'>",
        path="/",
    )
    return OpenAPIConfig(
        title="WispHub API",
        version=version("wisphub-api"),
        description="Clients, plans, tickets and diagnostics of an internet provider, reads from memory. "
        "`Age` and `Cache-Status` tell how old an answer is; `If-None-Match` with its `ETag` saves sending "
        "it again.",
        path=PATH,
        openapi_router=Router(
            PATH, route_handlers=[], before_request=_refuse_unknown, include_in_schema=False
        ),
        render_plugins=[swagger],
        components=Components(
            security_schemes={
                "key": SecurityScheme(
                    type="apiKey", name="X-API-Key", security_scheme_in="header", description=_SCOPES
                )
            }
        ),
        security=[{"key": []}],
    )


_SCOPES: Final = (
    "A key may do what its scopes tell: `read` the clients, `verify` identities only (`read` comprises it), "
    "`write`, start `diagnostics`."
)


async def _refuse_unknown(request: AnyRequest) -> None:
    """Refuse a page that there is not, as elsewhere; only Litestar's own route for those has a parameter."""
    if request.path_params:
        raise NotFoundException


def assets_router() -> Router:
    """Serve the pages' script and style."""
    return create_static_files_router(
        path=ASSETS,
        directories=[str(files("wisphub_api.web") / "swagger_ui")],
        include_in_schema=False,
        opt={OPEN: True},
    )
