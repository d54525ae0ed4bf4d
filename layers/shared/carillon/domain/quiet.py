"""Quiet hours: windows of wall time in which some messages wait, as instants.

A window's ends are wall times, which become instants by the one rule of `domain/times.py`; what lies between the two
instants is quiet. So a change of the clocks makes a night longer or shorter and never opens a hole in it.
"""

from collections.abc import Sequence
from datetime import datetime, time, timedelta

from carillon.domain.channels import CHANNELS, Channel, Purpose
from carillon.domain.settings import QuietHours
from carillon.domain.times import parse_local_time, to_instant, to_wall
from carillon.domain.values import value

LEAD = timedelta(minutes=15)
"""How long before quiet hours begin that goes which could only go after the appointment: room for another try."""
AS_SET = timedelta(hours=1)
"""How long a reminder set into the quiet hours may go in spite of them: later than that it is no longer as set."""
GRACE = timedelta(hours=2)
"""How long what was held may still go after the end of the quiet hours."""
HORIZON = timedelta(hours=50)
"""Windows that leave no gap within two days, over any change of the clocks, leave none at all."""
INSTANT = timedelta(microseconds=1)


@value
class Window:
    """Wall times from `start` up to `end`, over midnight where `end` is the earlier one; none where they are equal."""

    start: time
    end: time

    def __contains__(self, at: time) -> bool:
        """Whether a wall time lies in the window."""
        if self.start < self.end:
            return self.start <= at < self.end
        return self.start != self.end and (at >= self.start or at < self.end)

    def around(self, instant: datetime, zone: str) -> tuple[datetime, datetime] | None:
        """Give begin and end of the window, in a zone, that an instant lies in; None when it lies in none."""
        if self.start == self.end:
            return None
        today = to_wall(instant, zone).date()
        # Two days back: a zone that crosses the date line skips a day, which moves that day's wall times into the next.
        for day in (today + timedelta(days=ago) for ago in (0, -1, -2)):
            last = day if self.start < self.end else day + timedelta(days=1)
            begin = to_instant(datetime.combine(day, self.start), zone)
            end = to_instant(datetime.combine(last, self.end), zone)
            if begin <= instant < end:
                return begin, end
        return None


MARKETING = Window(time(21), time(8))
"""Held for marketing on every channel, whatever an organization sets."""


def window_of(hours: QuietHours) -> Window | None:
    """Read an organization's quiet hours; None while they are off."""
    return Window(parse_local_time(hours.start), parse_local_time(hours.end)) if hours.enabled else None


def windows_for(channel: Channel, purpose: Purpose, hours: QuietHours) -> tuple[Window, ...]:
    """Name the windows that hold messages to clients on a channel, for a purpose."""
    own = window_of(hours) if CHANNELS[channel].quiet else None
    return tuple(window for window in (own, MARKETING if purpose == "marketing" else None) if window is not None)


def open_from(instant: datetime, windows: Sequence[Window], zone: str) -> datetime | None:
    """Give the first instant, from this one on, that lies in no window; None when the windows never open."""
    at = instant
    while at <= instant + HORIZON:
        ends = [found[1] for window in windows if (found := window.around(at, zone)) is not None]
        if not ends:
            return at
        at = max(ends)
    return None


def closed_since(instant: datetime, windows: Sequence[Window], zone: str) -> datetime | None:
    """Give the instant at which began the quiet that an instant lies in; None when there is no such beginning."""
    begin, inside = None, instant
    while inside >= instant - HORIZON:
        begins = [found[0] for window in windows if (found := window.around(inside, zone)) is not None]
        if not begins:
            return begin
        # The instant may be the beginning itself; what comes before it is looked at all the same.
        begin = min(begins)
        inside = begin - INSTANT
    return None


def last_call(meant: datetime, windows: Sequence[Window], zone: str, limit: datetime | None) -> datetime | None:
    """Give the begin of the quiet that something meant for an instant has to go before; None where it need not.

    It need not when it is not held, or when the quiet ends before `limit`, the instant past which it is of no use.
    """
    opens = open_from(meant, windows, zone)
    if limit is None or opens == meant or (opens is not None and opens < limit):
        return None
    return closed_since(meant, windows, zone)


def ahead_of(begin: datetime, windows: Sequence[Window], zone: str, now: datetime | None = None) -> datetime:
    """Choose when to send what has to go before quiet hours begin: a little before, and not in other quiet hours."""
    earliest = max(begin - LEAD, now) if now is not None else begin - LEAD
    opens = open_from(earliest, windows, zone)
    # Just before its beginning the quiet had not begun, by what a beginning is, so one of the two is in the open.
    return opens if opens is not None and opens < begin else begin - INSTANT


def moment(
    meant: datetime, now: datetime, windows: Sequence[Window], zone: str, limit: datetime | None
) -> datetime | None:
    """Say when a message meant for an instant goes, seen from `now`; None: no more, the quiet hours swallow it.

    It goes when it is meant, or when the quiet hours end; if that is not before `limit`, then before they begin, if
    that is still ahead.
    """
    at = max(meant, now)
    opens = open_from(at, windows, zone)
    if opens is not None and (opens == at or limit is None or opens < limit):
        return opens
    begin = last_call(at, windows, zone, limit)
    if begin is None or now >= begin:
        return None
    return ahead_of(begin, windows, zone, now)
