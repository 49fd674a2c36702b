"""What master and workers say to each other beside Locust's own messages: JSON, samples apart."""

from msgspec import Struct

from loadcheck.model.workload import Workload

HELLO = "loadcheck-hello"
LOAD = "loadcheck-load"
LOADED = "loadcheck-loaded"
ARRIVE = "loadcheck-arrive"
FINISH = "loadcheck-finish"
FACTS = "loadcheck-facts"
SAMPLES = "loadcheck-samples"


class Order(Struct, frozen=True, kw_only=True):
    """A workload that a number of workers share; `echo` is where an echo server listens."""

    workload: Workload
    parts: int
    echo: tuple[str, int] | None = None
