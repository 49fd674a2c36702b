"""A bare Litestar handler that decodes the same body as our verify, and sends the same content."""

from litestar import Litestar, post

from wisphub_api.clients.models import Claim, Verification

ANSWER = Verification(is_valid=True, matched_fields=("address", "internet_plan_price"))


@post("/api/v1/clients/{service_id:int}/verify", status_code=200)
async def verify(service_id: int, data: Claim) -> Verification:  # noqa: ARG001  # parsed, as ours are
    """Say that all is right."""
    return ANSWER


def create_app() -> Litestar:
    """Serve this one handler, without API pages."""
    return Litestar([verify], openapi_config=None)
