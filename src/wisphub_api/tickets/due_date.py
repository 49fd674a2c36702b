"""When a ticket is due: business days, counted as a pure function of now and of the days off."""

from __future__ import annotations

import datetime as dt
from collections.abc import Container, Iterable
from typing import Final

import holidays

COLOMBIA: Final = dt.timezone(dt.timedelta(hours=-5), "America/Bogota")
"""Without daylight saving time since 1993; as an offset it needs no time-zone database on the machine."""
_SATURDAY: Final = 5


def due_at(now: dt.datetime, days: int, days_off: Container[dt.date]) -> dt.datetime:
    """Return the same time of day, so many business days after today, in Colombia.

    Today does not count, whether or not it is a business day.

    Args:
        now: Any time that knows its zone.
        days: How many business days, at least 1.
        days_off: Dates besides Saturdays and Sundays on which nobody works.
    """
    due = now.astimezone(COLOMBIA)
    while days > 0:
        due += dt.timedelta(days=1)
        days -= is_business_day(due.date(), days_off)
    return due


def is_business_day(day: dt.date, days_off: Container[dt.date]) -> bool:
    """Return whether people work on this day."""
    return day.weekday() < _SATURDAY and day not in days_off


def colombian_days_off(extra: Iterable[dt.date] = ()) -> Container[dt.date]:
    """Return Colombia's public holidays of every year, those moved to a Monday too, and the extra dates."""
    days = holidays.country_holidays("CO")
    days.update(dict.fromkeys(extra, "extra"))
    return days
