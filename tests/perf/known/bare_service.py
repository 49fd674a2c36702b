"""A Litestar app that does nothing: what any service of our kind takes to start on this machine."""

from litestar import Litestar, get


@get("/", sync_to_thread=False)
def nothing() -> str:
    """Answer nothing."""
    return ""


app = Litestar([nothing])
