"""Dates and times as people write them, taken only where they can be read in one way."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date, datetime, time
from typing import Literal

Order = Literal["day-first", "month-first"]
_ISO = re.compile(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})")
_LOCAL = re.compile(r"(\d{1,2})([-/.])(\d{1,2})\2(\d{4})")
_TIME = re.compile(r"(\d{1,2})[:.hH](\d{2})(?::(\d{2})(?:\.\d+)?)?\s*([AaPp]\.?[Mm]\.?)?")
_SERIAL = re.compile(r"\d{5}(?:[.,]\d+)?")
_OFFSET = re.compile(r"\s*(Z|[+-]\d{2}:\d{2})$")
_MONTHS = 12


def order_of(texts: Iterable[str]) -> Order | None:
    """Find out whether a file writes 1/12 or 12/1 for the first of December: by dates that only one of them allows.

    None when none tells, or when they contradict each other. With dots the day is first wherever dots are written.
    """
    told: set[Order] = set()
    for text in texts:
        match = _LOCAL.match(text)
        if match is not None and match[2] != ".":
            first, second = int(match[1]), int(match[3])
            if first > _MONTHS >= second:
                told.add("day-first")
            elif second > _MONTHS >= first:
                told.add("month-first")
    return told.pop() if len(told) == 1 else None


def read_date(text: str, order: Order | None) -> date:
    """Read a date; ValueError says why it can't be."""
    iso, local = _ISO.fullmatch(text), _LOCAL.fullmatch(text)
    if iso is not None:
        return _date(int(iso[1]), int(iso[2]), int(iso[3]))
    if local is None:
        if _SERIAL.fullmatch(text):
            raise ValueError("is the number by which a spreadsheet keeps a date; show the column as dates, then save")
        raise ValueError("is no date such as 2026-12-01 or 1.12.2026, with a year of four digits")
    first, second, year = int(local[1]), int(local[3]), int(local[4])
    if local[2] == "." or order == "day-first" or first == second:
        return _date(year, second, first)
    if order == "month-first":
        return _date(year, first, second)
    raise ValueError("may be two dates; say --dates day-first or month-first, or write 2026-12-01")


def read_time(text: str) -> time:
    """Read a time of day; ValueError says why it can't be."""
    match = _TIME.fullmatch(text)
    if match is None:
        raise ValueError("is no time such as 14:30")
    hour, minute, second = int(match[1]), int(match[2]), int(match[3] or 0)
    if match[4]:
        if not 1 <= hour <= _MONTHS:
            raise ValueError("is no time such as 2:30 PM")
        hour = hour % _MONTHS + (_MONTHS if match[4][0] in "Pp" else 0)
    try:
        return time(hour, minute, second)
    except ValueError as error:
        raise ValueError("is no time of day") from error


def read_moment(text: str, order: Order | None) -> str:
    """Read a date with a time, as the API takes a start: with its offset, if it has one; ValueError says why not."""
    offset = _OFFSET.search(text)
    bare = text[: offset.start()] if offset is not None else text
    day, _, rest = bare.replace("T", " ", 1).partition(" ")
    if not rest.strip():
        raise ValueError("has no time of day")
    moment = datetime.combine(read_date(day.rstrip(","), order), read_time(rest.strip()))
    return moment.isoformat() + (offset[1] if offset is not None else "")


def _date(year: int, month: int, day: int) -> date:
    try:
        return date(year, month, day)
    except ValueError as error:
        raise ValueError("is no day that exists") from error
