"""Schedule expressions: at(), rate() and cron() in a time zone, with daylight saving as AWS treats it.

A cron instant in the spring gap is skipped; one in the autumn overlap happens once, before the shift.
rate() counts elapsed time from its start.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, available_timezones

_AT = re.compile(r"at\((\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})\)")
_RATE = re.compile(r"rate\(\s*([1-9]\d*)\s+(minute|minutes|hour|hours|day|days)\s*\)")
_CRON = re.compile(r"cron\(\s*(\S+)\s+(\S+)\s+(\S+)\s+(\S+)\s+(\S+)\s+(\S+)\s*\)")
_UNITS = {"minute": 60, "hour": 3600, "day": 86400}
_MONTHS = {name.upper(): number for number, name in enumerate(calendar.month_abbr) if name}
_WEEKDAYS = {"SUN": 1, "MON": 2, "TUE": 3, "WED": 4, "THU": 5, "FRI": 6, "SAT": 7}
_YEARS = (1970, 2199)
_ZONE_LIMIT = 50
_ZONES: frozenset[str] = frozenset()


class InvalidExpressionError(ValueError):
    """AWS would refuse this schedule expression or time zone."""


@dataclass(frozen=True)
class At:
    """Once, at a wall time."""

    instant: datetime

    def after(self, moment: datetime) -> datetime | None:
        """Answer the first instant later than `moment`, or None."""
        return self.instant if self.instant > moment else None


@dataclass(frozen=True)
class Rate:
    """Every so many seconds from `start` on."""

    seconds: int
    start: datetime

    def after(self, moment: datetime) -> datetime | None:
        """Answer the first instant later than `moment`."""
        if moment < self.start:
            return self.start
        periods = int((moment - self.start).total_seconds() // self.seconds) + 1
        return self.start + timedelta(seconds=periods * self.seconds)


@dataclass(frozen=True)
class Cron:
    """At the wall times that six fields describe: minutes, hours, day of month, month, day of week, year."""

    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: str
    months: tuple[int, ...]
    weekdays: str
    years: tuple[int, ...]
    zone: ZoneInfo

    def after(self, moment: datetime) -> datetime | None:
        """Answer the first instant later than `moment`, or None if the years are over."""
        local = moment.astimezone(self.zone)
        # A day earlier, since the shift of the zone may make wall times go back.
        for day in self._days_from(local.date() - timedelta(days=1)):
            instants = (self._instant(day, hour, minute) for hour in self.hours for minute in self.minutes)
            later = [instant for instant in instants if instant is not None and instant > moment]
            if later:
                return min(later)
        return None

    def _instant(self, day: date, hour: int, minute: int) -> datetime | None:
        wall = datetime.combine(day, time(hour, minute), self.zone)  # fold 0: before the autumn shift
        instant = wall.astimezone(UTC)
        exists = instant.astimezone(self.zone).replace(tzinfo=None) == wall.replace(tzinfo=None)
        return instant if exists else None

    def _days_from(self, start: date) -> Iterator[date]:
        for year in self.years:
            if year < start.year:
                continue
            for month in self.months:
                if (year, month) < (start.year, start.month):
                    continue
                last = calendar.monthrange(year, month)[1]
                for number in range(1, last + 1):
                    day = date(year, month, number)
                    if day >= start and self._day_matches(day, last):
                        yield day

    def _day_matches(self, day: date, last: int) -> bool:
        if self.days != "?":
            return _day_of_month_matches(self.days, day, last)
        return _day_of_week_matches(self.weekdays, day, last)


Expression = At | Rate | Cron


def parse(expression: str, zone_name: str, start: datetime) -> Expression:
    """Read an expression. `start` is where rates begin. Raises InvalidExpressionError."""
    zone = parse_zone(zone_name)
    if match := _AT.fullmatch(expression):
        try:
            wall = datetime.fromisoformat(match.group(1))
        except ValueError:
            raise InvalidExpressionError(f"Invalid Schedule Expression {expression}.") from None
        return At(wall.replace(tzinfo=zone).astimezone(UTC))
    if match := _RATE.fullmatch(expression):
        value, unit = int(match.group(1)), match.group(2)
        if (value == 1) is unit.endswith("s"):
            raise InvalidExpressionError(f"Invalid Schedule Expression {expression}.")
        return Rate(value * _UNITS[unit.rstrip("s")], start)
    if match := _CRON.fullmatch(expression):
        try:
            return _cron(match.groups(), zone)
        except (ValueError, KeyError):
            pass
    raise InvalidExpressionError(f"Invalid Schedule Expression {expression}.")


def parse_zone(name: str) -> ZoneInfo:
    """Look up a time zone by its IANA name. Raises InvalidExpressionError."""
    global _ZONES  # noqa: PLW0603 - read once: the list is made from files
    if not _ZONES:
        _ZONES = frozenset(available_timezones())
    if len(name) > _ZONE_LIMIT or name not in _ZONES:
        raise InvalidExpressionError(f"Invalid ScheduleExpressionTimezone {name}.")
    return ZoneInfo(name)


def _cron(fields: tuple[str, ...], zone: ZoneInfo) -> Cron:
    minutes, hours, days, months, weekdays, years = (field.upper() for field in fields)
    if (days == "?") == (weekdays == "?"):
        raise ValueError("exactly one of day of month and day of week is ?")
    cron = Cron(
        minutes=_numbers(minutes, 0, 59),
        hours=_numbers(hours, 0, 23),
        days=days,
        months=_numbers(months, 1, 12, _MONTHS),
        weekdays=weekdays,
        years=_numbers(years, *_YEARS),
        zone=zone,
    )
    for number in range(1, 29):  # reads both day fields once, so that a fault in them is found now
        cron._day_matches(date(2023, 1, number), 31)  # noqa: SLF001
    return cron


def _numbers(field: str, low: int, high: int, names: dict[str, int] | None = None) -> tuple[int, ...]:
    found: set[int] = set()
    for part in field.split(","):
        span, _, step = part.partition("/")
        if span == "*":
            first, last = low, high
        elif "-" in span:
            first, last = (_number(end, names) for end in span.split("-"))
        else:
            first = _number(span, names)
            last = high if step else first
        if not low <= first <= last <= high:
            raise ValueError(f"{field} is out of range")
        found.update(range(first, last + 1, int(step) if step else 1))
    return tuple(sorted(found))


def _number(text: str, names: dict[str, int] | None) -> int:
    return names[text] if names and text in names else int(text)


def _day_of_month_matches(field: str, day: date, last: int) -> bool:
    if field == "L":
        return day.day == last
    if field == "LW" or field.endswith("W"):
        wanted = last if field == "LW" else int(field[:-1])
        return day == _nearest_weekday(day.year, day.month, min(wanted, last))
    return day.day in _numbers(field, 1, 31)


def _nearest_weekday(year: int, month: int, number: int) -> date:
    day = date(year, month, number)
    last = calendar.monthrange(year, month)[1]
    if day.weekday() == calendar.SATURDAY:
        return day - timedelta(days=1) if number > 1 else day + timedelta(days=2)
    if day.weekday() == calendar.SUNDAY:
        return day + timedelta(days=1) if number < last else day - timedelta(days=2)
    return day


def _day_of_week_matches(field: str, day: date, last: int) -> bool:
    weekday = day.isoweekday() % 7 + 1  # Sunday is 1
    if field == "L":
        return weekday == _WEEKDAYS["SAT"]
    if "#" in field:
        name, _, which = field.partition("#")
        return weekday == _number(name, _WEEKDAYS) and (day.day - 1) // 7 + 1 == int(which)
    if field.endswith("L"):
        return weekday == _number(field[:-1], _WEEKDAYS) and day.day > last - 7
    return weekday in _numbers(field, 1, 7, _WEEKDAYS)
