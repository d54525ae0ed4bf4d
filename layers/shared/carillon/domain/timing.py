"""When a decided message goes: at once, when its reminder is meant, or when quiet hours let it."""

from dataclasses import replace
from datetime import datetime

from carillon.domain.catalog import REVIEW, ROWS, reminder_template_key
from carillon.domain.channels import Channel, Purpose
from carillon.domain.clients import Client
from carillon.domain.decisions import Decision, Facts
from carillon.domain.messages import AFTERWARDS, reminder_deadline
from carillon.domain.quiet import (
    AS_SET,
    GRACE,
    Window,
    ahead_of,
    last_call,
    moment,
    window_of,
    windows_for,
)
from carillon.domain.record_documents import Appointment, Document
from carillon.domain.reviews import TOO_SOON, too_soon
from carillon.domain.same_day import listed_by, mark_of, waits_for
from carillon.domain.settings import QuietHours, Reminder, Settings
from carillon.domain.times import parse_local_time
from carillon.domain.values import value

QUIET = "quiet_hours"
PUSH: Channel = "push"


@value
class Quiet:
    """The quiet hours of an organization, in the zone of one recipient."""

    hours: QuietHours
    zone: str

    @classmethod
    def of(cls, settings: Settings, client: Client | None, about: Document) -> "Quiet":
        """Read them in the client's zone: its own, else the appointment's, else the organization's."""
        own = client.time_zone if client is not None else None
        place = about.time_zone if isinstance(about, Appointment) else None
        return cls(settings.quiet_hours, own or place or settings.time_zone)


def reminder_windows(
    reminder: Reminder, channel: Channel, quiet: Quiet, meant: datetime, at: datetime
) -> tuple[Window, ...]:
    """Name the windows that hold a reminder, meant for one instant, on a channel at another one.

    One whose own wall time lies in the organization's quiet hours goes as set; marketing is held all the same.
    """
    row = ROWS.get(reminder_template_key(reminder.key))
    windows = windows_for(channel, row.purpose if row is not None else "service", quiet.hours)
    as_set = is_set_into(reminder, quiet.hours) and at < meant + AS_SET
    return tuple(window for window in windows if not (as_set and window == window_of(quiet.hours)))


def is_set_into(reminder: Reminder, hours: QuietHours) -> bool:
    """Whether a reminder's own wall time lies in the quiet hours."""
    window = window_of(hours)
    return window is not None and reminder.when.at is not None and parse_local_time(reminder.when.at) in window


def early_call(reminder: Reminder, at: datetime, start: datetime, quiet: Quiet, now: datetime) -> datetime | None:
    """Say when a reminder meant for `at` has to be looked at before, because quiet hours hold it past the appointment.

    None when no channel of it is held like that, or when the quiet hours have begun.
    """
    if not reminder.when.ahead_of_start:
        return None
    found = []
    for channel in reminder.channels:
        windows = reminder_windows(reminder, channel, quiet, at, at)
        begin = last_call(at, windows, quiet.zone, start)
        if begin is not None and begin > now:
            found.append(ahead_of(begin, windows, quiet.zone))
    return min(found, default=None)


def timed(
    decision: Decision,
    windows: tuple[Window, ...],
    zone: str,
    *,
    meant: datetime,
    now: datetime,
    limit: datetime | None,
) -> Decision:
    """Give a decision its time; one that quiet hours swallow becomes a decision not to send.

    `limit`: the instant past which the message is of no use (the appointment's start), if there is one.
    """
    at = moment(meant, now, windows, zone, limit)
    if at is None:
        return replace(decision, send=False, reason=QUIET, level="organization")
    if at <= now:
        return decision
    if at <= meant:
        return replace(decision, not_before=at, reason=QUIET if at < meant else None)
    until = at + GRACE if limit is None else min(at + GRACE, limit)
    return replace(decision, not_before=at, until=until, reason=QUIET)


def reminder_in_time(decision: Decision, reminder: Reminder, facts: Facts) -> Decision:
    """Give a decision on a client's reminder its time: when it is meant, or when quiet hours let it.

    A review is not asked for too soon after another one. With `collapse_same_day`, the reminder of a later appointment
    of the day gives way to the first one's, and waits while that may still come to list it.
    """
    record, now = facts.record, facts.now
    if not decision.send or now is None or decision.recipient.audience != "client":
        return decision
    refusal = _no_review(reminder.key, facts, now)
    if refusal is not None:
        return replace(decision, send=False, reason=refusal, level="organization")
    meant = next((entry.at for entry in record.plan if entry.name == reminder.key and entry.state == "planned"), now)
    quiet = Quiet.of(facts.settings, facts.client, record.appointment)
    windows = reminder_windows(reminder, decision.channel, quiet, meant, max(meant, now))
    limit = record.appointment.starts(facts.settings.time_zone) if reminder.when.ahead_of_start else None
    found = timed(decision, windows, quiet.zone, meant=meant, now=now, limit=limit)
    return _shared(found, reminder, facts, meant, now) if found.send else found


def _no_review(key: str, facts: Facts, now: datetime) -> str | None:
    """Say why a review is not asked for: there is nowhere to write it, or the client was asked lately."""
    if key != REVIEW:
        return None
    if facts.settings.review.url is None:
        return "reminder_disabled"
    return TOO_SOON if too_soon(facts.review_asked, facts.settings, now) else None


def _shared(decision: Decision, reminder: Reminder, facts: Facts, meant: datetime, now: datetime) -> Decision:
    """Have an earlier appointment's reminder stand for this one's, if it lists it; wait while it still may."""
    if facts.same_day is None or not facts.settings.collapse_same_day or not reminder.when.ahead_of_start:
        return decision
    zone = facts.settings.time_zone
    mark, until, beside = mark_of(facts.record, zone), None, decision.channel == PUSH
    for earlier in facts.same_day.earlier:
        # Push goes beside: only a push message stands for another one.
        told = [each for each in earlier.messages if each.channel and (each.channel == PUSH) == beside]
        if listed_by(mark, told):
            return replace(decision, send=False, reason="duplicate", level="organization", not_before=None, until=None)
        wait = waits_for(earlier, reminder.key, told, now, zone)
        until = max(filter(None, (until, wait)), default=None)
    start = facts.record.appointment.starts(zone)
    if until is None or until >= reminder_deadline(reminder.when, meant, start):
        # It is not to be lost, so at the last moment it goes by itself.
        return decision
    return replace(decision, not_before=max(until, decision.not_before or until))


def event_in_time(decision: Decision, event: str, purpose: Purpose, facts: Facts) -> Decision:
    """Give a decision on an event its time: now, or when quiet hours let it; only clients are spared at night."""
    now, record = facts.now, facts.record
    if not decision.send or now is None or decision.recipient.audience != "client":
        return decision
    quiet = Quiet.of(facts.settings, facts.client, record.document)
    windows = windows_for(decision.channel, purpose, quiet.hours)
    limit = None if event in AFTERWARDS else record.begins(facts.settings.time_zone)
    return timed(decision, windows, quiet.zone, meant=now, now=now, limit=limit)
