"""Local time, instants and durations.

A wall time is what people agree on ("18:00 the day before"); an instant is when something happens. Wall times become
instants here and nowhere else: in a spring gap the time moves forward by the gap, in an autumn overlap the first of
the two counts (PEP 495, fold=0).
"""

import re
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from carillon.domain.errors import InvalidValue

_DURATION = re.compile(
    r"P(?=.)(?:(?P<weeks>\d{1,3})W)?(?:(?P<days>\d{1,4})D)?"
    r"(?:T(?=.)(?:(?P<hours>\d{1,5})H)?(?:(?P<minutes>\d{1,6})M)?(?:(?P<seconds>\d{1,7})S)?)?",
    re.ASCII,
)
_ZONE = re.compile(r"[A-Z][A-Za-z0-9_+\-]*(?:/[A-Za-z0-9_+\-]+){0,2}")
_LOCAL_TIME = re.compile(r"([01]\d|2[0-3]):[0-5]\d", re.ASCII)
_START = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2})?(?:\.\d{1,6})?(?P<offset>Z|[+-]\d{2}:\d{2})?", re.ASCII)
MAX_DURATION = timedelta(days=366)
YEARS = range(1971, 2200)


def parse_duration(text: str) -> timedelta:
    """Read an ISO 8601 duration of weeks, days, hours, minutes and seconds, at most 366 days."""
    match = _DURATION.fullmatch(text)
    if match is None:
        raise InvalidValue("must be an ISO 8601 duration such as PT24H or P1D (no years or months)")
    parts = {unit: int(value) for unit, value in match.groupdict().items() if value is not None}
    result = timedelta(**parts)
    if result > MAX_DURATION:
        raise InvalidValue("must be at most 366 days")
    return result


def parse_local_time(text: str) -> time:
    """Read a wall time such as 18:00."""
    if _LOCAL_TIME.fullmatch(text) is None:
        raise InvalidValue("must be a local time such as 08:00 or 18:30")
    return time.fromisoformat(text)


@lru_cache(maxsize=256)
def zone(name: str) -> ZoneInfo:
    """Find a time zone by its IANA name; raises InvalidValue for a name that is not one."""
    try:
        if _ZONE.fullmatch(name) is None:
            raise InvalidValue("must be an IANA time zone such as Europe/Amsterdam")
        return ZoneInfo(name)
    except (KeyError, OSError, ValueError) as error:
        raise InvalidValue("must be an IANA time zone such as Europe/Amsterdam") from error


def to_instant(wall: datetime, zone_name: str) -> datetime:
    """Turn a wall time in a zone into the UTC instant that is meant (see the module's rule)."""
    return wall.replace(tzinfo=zone(zone_name), fold=0).astimezone(UTC)


def to_wall(instant: datetime, zone_name: str) -> datetime:
    """Show an instant as aware local time in a zone."""
    return instant.astimezone(zone(zone_name))


def wall_on(day: date, at: str, zone_name: str) -> datetime:
    """Give the instant of a wall time such as 18:00 on a local day."""
    return to_instant(datetime.combine(day, parse_local_time(at)), zone_name)


def parse_start(text: str) -> datetime:
    """Read an appointment's start: naive wall time, or an aware datetime when an offset is given."""
    if _START.fullmatch(text) is None:
        raise InvalidValue("must be a date and time such as 2026-12-01T14:30:00, with or without an offset")
    try:
        value = datetime.fromisoformat(text)
    except ValueError as error:
        raise InvalidValue(f"is not a date and time that exists: {error}") from error
    if value.year not in YEARS:
        raise InvalidValue("must lie between the years 1971 and 2199")
    return value


def parse_instant(text: str) -> datetime:
    """Read an RFC 3339 instant; an offset is required."""
    value = parse_start(text)
    if value.tzinfo is None:
        raise InvalidValue("must be an instant with an offset, such as 2026-12-01T13:30:00Z")
    return value.astimezone(UTC)


def start_instant(start: str, zone_name: str) -> datetime:
    """Give the UTC instant of a record's `start`, which is wall time unless it has an offset.

    Fractions of a second are dropped: the start is part of a reminder's identity, which is stored in whole seconds.
    """
    value = parse_start(start).replace(microsecond=0)
    return to_instant(value, zone_name) if value.tzinfo is None else value.astimezone(UTC)


def iso(instant: datetime) -> str:
    """Write an instant as RFC 3339 in UTC, with seconds, and microseconds only when there are any."""
    return instant.astimezone(UTC).isoformat().replace("+00:00", "Z")


def epoch(instant: datetime) -> int:
    """Whole seconds since 1970, rounded down."""
    return int(instant.timestamp())
