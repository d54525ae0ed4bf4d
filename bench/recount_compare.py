"""Holds what the system says of a replay against the recount, message by message and reminder by reminder."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from bench.recount import Expected, Recount, Reminder, StepLike

# Between a step's instant and the moment at which its call was worked off, the clock runs on.
_TOLERANCE = timedelta(minutes=3)
_SENT = frozenset({"sent", "delivered", "read"})


@dataclass(frozen=True)
class Listing:
    """The reminders that the system listed as due in [since, until), asked at `until`."""

    since: datetime
    until: datetime
    items: list[dict[str, Any]]


@dataclass
class Seen:
    """What the system said: each call's events and reminders, all messages by id, reminders, and the outbox."""

    answers: list[tuple[list[str], list[dict[str, Any]]]] = field(default_factory=list)
    messages: dict[str, dict[str, Any]] = field(default_factory=dict)
    listings: list[Listing] = field(default_factory=list)
    outbox: list[dict[str, Any]] = field(default_factory=list)


@dataclass
class Comparison:
    """Both counts by row, and every single difference."""

    system: Counter[str] = field(default_factory=Counter)
    recount: Counter[str] = field(default_factory=Counter)
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    differences: list[str] = field(default_factory=list)

    @property
    def agrees(self) -> bool:
        """Whether both counts are the same, to the single message."""
        return not (self.lost or self.doubled or self.differences) and self.system == self.recount


def compare(steps: Sequence[StepLike], expected: Recount, seen: Seen) -> Comparison:
    """Compare all of it."""
    found = Comparison()
    _answers(steps, expected, seen, found)
    _messages(expected, seen, found)
    _outbox(seen, found)
    _reminders(expected, seen, found)
    return found


def _answers(steps: Sequence[StepLike], expected: Recount, seen: Seen, found: Comparison) -> None:
    ids: set[str] = set()
    starts: set[tuple[str, str, datetime]] = set()
    for step, wanted, (events, reminders) in zip(steps, expected.answers, seen.answers, strict=True):
        at = _text(step.at)
        found.system.update(event.removeprefix("appointment.") for event in events)
        found.recount.update(event.removeprefix("appointment.") for event in wanted[0])
        if sorted(events) != sorted(wanted[0]):
            found.differences.append(f"{at} {step.record}: the answer tells events {events}, not {wanted[0]}")
        planned = [item for item in reminders if item["state"] == "planned"]
        ids.update(item["id"] for item in planned)
        if not _same(planned, wanted[1]):
            found.differences.append(
                f"{at} {step.record}: planned {sorted((i['key'], i['at']) for i in planned)}, "
                f"not {sorted((key, _text(due)) for key, due in wanted[1])}"
            )
    for reminder in expected.reminders:
        if reminder.reason != "too_late":
            starts.add((reminder.record, reminder.key, reminder.start))
    found.system["reminders planned"] = len(ids)
    found.recount["reminders planned"] = len(starts)


def _same(items: list[dict[str, Any]], wanted: frozenset[tuple[str, datetime]]) -> bool:
    mine = sorted(wanted)
    theirs = sorted((item["key"], datetime.fromisoformat(item["at"])) for item in items)
    return len(mine) == len(theirs) and all(
        a[0] == b[0] and abs(a[1] - b[1]) <= _TOLERANCE for a, b in zip(mine, theirs, strict=True)
    )


def _messages(expected: Recount, seen: Seen, found: Comparison) -> None:
    waiting: dict[tuple[Any, ...], list[Expected]] = defaultdict(list)
    for wanted in sorted(expected.messages, key=lambda message: message.at):
        waiting[(wanted.record, wanted.key, wanted.audience)].append(wanted)
        found.recount[_row(wanted)] += 1
    for message in sorted(seen.messages.values(), key=lambda message: str(message["at"])):
        found.system[_row_of(message)] += 1
        candidates = waiting[(message["record"], message["key"], message["audience"])]
        same = [wanted for wanted in candidates if _is_same_occasion(message, wanted)]
        match = next((wanted for wanted in same if wanted.channel == message["channel"]), same[0] if same else None)
        if match is not None:
            candidates.remove(match)
            for difference in _differences(message, match):
                found.differences.append(f"{_name(message)}: {difference}")
        elif message["status"] == "suppressed":
            found.differences.append(f"{_name(message)}: {_row_of(message)}, of which the recount knows nothing")
        else:
            found.doubled.append(f"{_name(message)}: {_row_of(message)}, of which the recount knows nothing")
    for left in waiting.values():
        for wanted in left:
            line = (
                f"{_text(wanted.at)} {wanted.record} {wanted.key} to {wanted.audience}: no message, not {_row(wanted)}"
            )
            (found.lost if wanted.sent else found.differences).append(line)


def _is_same_occasion(message: dict[str, Any], wanted: Expected) -> bool:
    """Tell whether it is for that instant and recipient."""
    if abs(datetime.fromisoformat(message["at"]) - wanted.at) > _TOLERANCE:
        return False
    return wanted.audience != "collaborator" or message["staff_id"] == wanted.recipient


def _differences(message: dict[str, Any], wanted: Expected) -> Iterator[str]:
    if _row_of(message) != _row(wanted):
        yield f"{_row_of(message)}, not {_row(wanted)}"
    tried = tuple((item["channel"], item["reason"]) for item in message["channels"])
    # Where one channel alone was asked for, a reason that holds for all of them may be told as that channel's.
    if not (wanted.sent or wanted.tried) and tried == ((message["channel"], wanted.reason),):
        return
    # Of a message that goes, the channels after its own may be named as well.
    if (tried[: len(wanted.tried)] if wanted.sent else tried) != wanted.tried:
        yield f"tried {tried}, not {wanted.tried}"
    if message["channel"] != wanted.channel:
        yield f"channel {message['channel']}, not {wanted.channel}"
    if wanted.audience == "client" and message["client_id"] != wanted.recipient:
        yield f"client {message['client_id']}, not {wanted.recipient}"


def _outbox(seen: Seen, found: Comparison) -> None:
    """Every sent message reached a provider exactly once, and nothing else did."""
    reached = Counter(item["message_id"] for item in seen.outbox)
    for message in seen.messages.values():
        times = reached.pop(message["id"], 0)
        if message["status"] in _SENT and times == 0:
            found.lost.append(f"{_name(message)}: {message['status']}, but never in the outbox")
        elif message["status"] not in _SENT and times:
            found.differences.append(f"{_name(message)}: {message['status']}, but in the outbox")
        if times > 1:
            found.doubled.append(f"{_name(message)}: {times} times in the outbox")
    for message_id in reached:
        found.doubled.append(f"message {message_id}: in the outbox, but not in the list of messages")


def _reminders(expected: Recount, seen: Seen, found: Comparison) -> None:
    for listing in seen.listings:
        theirs = {(i["record"], i["key"]): i for i in listing.items if _counts(i["state"], i["reason"])}
        mine = {(r.record, r.key): r for r in expected.reminders if _listed(r, listing)}
        found.system["reminders listed"] += len(theirs)
        found.recount["reminders listed"] += len(mine)
        for name in sorted(theirs.keys() | mine.keys()):
            item, reminder = theirs.get(name), mine.get(name)
            told = f"{item['state']} {item['reason'] or ''}".strip() if item else "not listed"
            wanted = f"{reminder.state} {reminder.reason or ''}".strip() if reminder else "not listed"
            if told != wanted:
                found.differences.append(
                    f"{name[0]} {name[1]}, listed up to {_text(listing.until)}: {told}, not {wanted}"
                )


def _listed(reminder: Reminder, listing: Listing) -> bool:
    gone = reminder.gone_at is not None and reminder.gone_at <= listing.until
    inside = listing.since <= reminder.due < listing.until and reminder.made_at <= listing.until
    return inside and not gone and _counts(reminder.state, reminder.reason)


def _counts(state: str, reason: str | None) -> bool:
    """Leave out what was never due: cancelled before, or too late from the start."""
    return state != "cancelled" and reason != "too_late"


def _row(wanted: Expected) -> str:
    return f"suppressed: {wanted.reason}" if wanted.reason else f"sent: {wanted.channel}"


def _row_of(message: dict[str, Any]) -> str:
    if message["status"] in _SENT:
        return f"sent: {message['channel']}"
    return f"{message['status']}: {message['reason']}"


def _name(message: dict[str, Any]) -> str:
    return f"{message['at']} {message['record']} {message['key']} to {message['audience']}"


def _text(instant: datetime) -> str:
    return instant.isoformat().replace("+00:00", "Z")
