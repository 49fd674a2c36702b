"""The simulator as a Litestar application: the place where its parts meet."""

import logging
from typing import Any

from litestar import Litestar, Request, Response
from litestar.di import Provide
from litestar.exceptions import HTTPException, NotFoundException

from wisphub_sim.behaviour.middleware import Middleware
from wisphub_sim.routes.api import (
    ClientsController,
    PlansController,
    TicketsController,
    payment_methods,
    task,
)
from wisphub_sim.routes.controls import ControlsController
from wisphub_sim.settings import Settings
from wisphub_sim.simulation import Simulation

logger = logging.getLogger(__name__)


def create_app(settings: Settings) -> Litestar:
    """Return a simulator with its own state."""
    simulation = Simulation(settings)
    app = Litestar(
        [ControlsController, ClientsController, PlansController, TicketsController, task, payment_methods],
        dependencies={"simulation": Provide(lambda: simulation, sync_to_thread=False)},
        exception_handlers={HTTPException: _error, Exception: _bug},
        openapi_config=None,
        logging_config=None,
    )
    app.asgi_handler = Middleware(app.asgi_handler, simulation)
    return app


def _error(_request: Request[Any, Any, Any], error: HTTPException) -> Response[dict[str, str]]:
    """Return an error in the form of Django REST Framework: a `detail` alone."""
    is_plain_404 = isinstance(error, NotFoundException) and error.detail in {"", "Not Found"}
    detail = "No encontrado." if is_plain_404 else error.detail
    return Response({"detail": detail}, status_code=error.status_code)


def _bug(_request: Request[Any, Any, Any], error: Exception) -> Response[dict[str, str]]:
    logger.error("the simulator itself failed", exc_info=error)
    return Response({"detail": "error in the simulator itself, see its log"}, status_code=500)
