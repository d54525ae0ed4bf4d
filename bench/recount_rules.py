"""The published rules that a recount needs: wall time, durations, and which event a call makes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

LIVE = frozenset({"booked", "accepted"})
BY_RULE_ONLY = frozenset({"completed", "no_show"})
"""Events of which nobody is told unless a rule is switched on."""
_CHANGING = ("start", "time_zone", "duration_minutes", "service", "location", "staff_ids")
_AGAIN = frozenset({"cancelled", "refused", "no_show", "awaiting_payment"})
_DURATION = re.compile(r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?")


def instant(wall: datetime, zone: ZoneInfo) -> datetime:
    """Put wall time into UTC: in a spring gap forward by the gap, in an autumn overlap the first one."""
    return wall.replace(tzinfo=zone, fold=0).astimezone(UTC)


def duration(text: str) -> timedelta:
    """Read an ISO 8601 duration of days, hours, minutes and seconds."""
    match = _DURATION.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is no duration")
    days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)


def event_of(before: Mapping[str, Any] | None, after: Mapping[str, Any]) -> str | None:
    """Derive the one event of a call, or none: of the statuses that bookings' files know. Status wins over change."""
    if before is None:
        return "booked" if after["status"] in LIVE else None
    if before["status"] in LIVE and after["status"] in LIVE:
        return "changed" if any(before.get(name) != after.get(name) for name in _CHANGING) else None
    if before["status"] in _AGAIN and after["status"] in LIVE:
        return "booked"
    moved = before["status"] != after["status"]
    return str(after["status"]) if moved and after["status"] in {"cancelled", *BY_RULE_ONLY} else None


def staff_events(event: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, str]:
    """Derive what each staff member is told: of a change, one who joins gets booked, one who leaves cancelled."""
    old, new = before.get("staff_ids", ()), after.get("staff_ids", ())
    if event != "changed":
        return dict.fromkeys([*old, *new], event)
    return {
        name: event if name in old and name in new else "booked" if name in new else "cancelled"
        for name in {*old, *new}
    }


def events_of(event: str | None, before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """List a call's events, each once: the client's, and what staff who joined or left are told instead."""
    if event is None:
        return []
    return sorted({f"appointment.{kind}" for kind in (event, *staff_events(event, before, after).values())})
