"""Business days in Colombia."""

import datetime as dt

import pytest

from wisphub_api.tickets.due_date import COLOMBIA, colombian_days_off, due_at, is_business_day

DAYS_OFF = colombian_days_off()


def at(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=COLOMBIA)


@pytest.mark.parametrize(
    ("now", "days", "due"),
    [
        ("2026-11-23 10:15", 1, "2026-11-24 10:15"),  # a Monday
        ("2026-11-23 10:15", 3, "2026-11-26 10:15"),
        ("2026-11-26 10:15", 3, "2026-12-01 10:15"),  # over a weekend
        ("2026-11-28 10:15", 3, "2026-12-02 10:15"),  # from a Saturday
        ("2026-11-29 10:15", 1, "2026-11-30 10:15"),  # from a Sunday
        ("2026-12-04 10:15", 3, "2026-12-10 10:15"),  # the 8th is the Immaculate Conception
        ("2026-12-30 10:15", 3, "2027-01-05 10:15"),  # New Year, then a weekend
        ("2026-04-01 10:15", 1, "2026-04-06 10:15"),  # Maundy Thursday, Good Friday, a weekend
        ("2026-11-13 10:15", 1, "2026-11-17 10:15"),  # 11 November is kept on the Monday after
    ],
)
def test_a_ticket_is_due_so_many_business_days_on_at_the_same_time_of_day(now, days, due):
    assert due_at(at(now), days, DAYS_OFF) == at(due)


def test_extra_days_off_are_skipped_too():
    extra = colombian_days_off([dt.date(2026, 11, 24), dt.date(2026, 11, 25)])
    assert due_at(at("2026-11-23 10:15"), 3, extra) == at("2026-11-30 10:15")


def test_an_extra_day_off_does_not_push_the_public_ones_out():
    extra = colombian_days_off([dt.date(2026, 12, 7)])
    assert not is_business_day(dt.date(2026, 12, 8), extra)


def test_the_day_is_colombias_whatever_zone_the_clock_has():
    late = dt.datetime(2026, 11, 24, 3, 30, tzinfo=dt.UTC)  # still Monday evening in Bogotá
    due = due_at(late, 1, DAYS_OFF)
    assert (due, due.utcoffset()) == (at("2026-11-24 22:30"), dt.timedelta(hours=-5))
