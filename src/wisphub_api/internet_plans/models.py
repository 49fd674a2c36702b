"""The responses of the internet plans."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct


class InternetPlan(Struct, frozen=True):
    """A plan. Price and speeds are null if WispHub Net has no detail, as for every PCQ plan."""

    plan_id: int
    name: str | None
    type: Annotated[str | None, Meta(examples=["PPPOE", "SIMPLE QUEUE", "PCQ"])]
    price: Annotated[float | None, Meta(description="in Colombian pesos a month", examples=[40000.0])] = None
    download_speed: Annotated[str | None, Meta(description="as written upstream", examples=["10M"])] = None
    upload_speed: Annotated[str | None, Meta(description="as written upstream", examples=["5M"])] = None


class PlanCatalogue(Struct, frozen=True):
    """All plans at one moment, by `plan_id`."""

    plans: tuple[InternetPlan, ...]
    by_id: dict[int, InternetPlan]

    def __len__(self) -> int:
        return len(self.plans)
