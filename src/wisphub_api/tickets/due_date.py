"""The due date of a ticket, in business days: a pure function of now and the days off."""

from __future__ import annotations

import datetime as dt
from collections.abc import Container, Iterable
from typing import Final

import holidays

COLOMBIA: Final = dt.timezone(dt.timedelta(hours=-5), "America/Bogota")
"""An offset, which needs no time-zone database: Colombia has had no daylight saving time since 1993."""
_SATURDAY: Final = 5


def due_at(now: dt.datetime, days: int, days_off: Container[dt.date]) -> dt.datetime:
    """Return the same time of day in Colombia, `days` business days after today.

    Today does not count, whether or not it is a business day.

    Args:
        now: The time, with a time zone.
        days: How many business days, at least 1.
        days_off: Dates besides Saturdays and Sundays that are not business days.
    """
    due = now.astimezone(COLOMBIA)
    while days > 0:
        due += dt.timedelta(days=1)
        days -= is_business_day(due.date(), days_off)
    return due


def is_business_day(day: dt.date, days_off: Container[dt.date]) -> bool:
    """Return whether this is a business day."""
    return day.weekday() < _SATURDAY and day not in days_off


def colombian_days_off(extra: Iterable[dt.date] = ()) -> Container[dt.date]:
    """Return Colombia's public holidays, also those moved to a Monday, and the extra dates."""
    days = holidays.country_holidays("CO")
    days.update(dict.fromkeys(extra, "extra"))
    return days
