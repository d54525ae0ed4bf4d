"""Spans of time as reports are asked for: instants, or days of the organization's own zone."""

import re
from datetime import date, datetime, timedelta
from typing import Annotated

from carillon.domain.constraints import Check, Text
from carillon.domain.errors import Fault, Invalid, InvalidValue
from carillon.domain.times import YEARS, parse_instant, wall_on
from carillon.domain.values import value

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


def _day(text: str) -> date | None:
    """Read a day; None for what has another form."""
    if _DAY.fullmatch(text) is None:
        return None
    try:
        day = date.fromisoformat(text)
    except ValueError as error:
        raise InvalidValue("is not a day that exists") from error
    if day.year not in YEARS:
        raise InvalidValue("must lie between the years 1971 and 2199")
    return day


def check_moment(text: str) -> None:
    """Check a day (2026-12-01) or an instant (2026-12-01T13:30:00Z); raises InvalidValue."""
    if _day(text) is None:
        parse_instant(text)


Moment = Annotated[str, Text(max=40, min=10), Check(check_moment)]
"""A day such as 2026-12-01, or an instant such as 2026-12-01T13:30:00Z."""


@value
class Span:
    """From an instant (included) until another (excluded); None: no bound."""

    since: datetime | None
    until: datetime | None


def span_of(begin: str | None, end: str | None, zone: str) -> Span:
    """Read a span: a day begins at its midnight in the zone, and one that ends it is still part of it.

    Raises Invalid when it does not end after it begins.
    """
    since = _instant(begin, zone, 0) if begin is not None else None
    until = _instant(end, zone, 1) if end is not None else None
    if since is not None and until is not None and until <= since:
        raise Invalid([Fault("/to", "invalid_value", "must be after `from`")])
    return Span(since, until)


def _instant(text: str, zone: str, days: int) -> datetime:
    day = _day(text)
    return parse_instant(text) if day is None else wall_on(day + timedelta(days=days), "00:00", zone)
