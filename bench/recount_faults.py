"""Judges what a system made of its work under faults: every expected message once, or an honest account of why not.

`Expected` comes from the recount, which knows of no faults. So this knows what a fault may change, and nothing else:
a message may come later (then its deadline, or a newer change of the appointment, may have ended it), a provider may
have refused it, and nobody may know whether it arrived. It may not be gone without a word, and it may not be with a
provider twice.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from bench.recount import Expected, StepLike

SENT = frozenset({"sent", "delivered", "read"})
# The clock runs on while a step is worked off.
_TOLERANCE = timedelta(minutes=3)
# How long a message of any kind is of use to anybody: the longest deadline of what a replay makes.
_LONGEST_LIFE = timedelta(hours=24)
ADDRESS_REFUSED = frozenset({"invalid_address", "address_bounced", "address_complained", "opted_out"})
"""Why an address that a provider refused is left out from then on."""


@dataclass(frozen=True)
class Told:
    """A message as the system tells it at the end, and how often a provider took it.

    An event's message has the record's `version` in which it was derived, a reminder's the `start` it is for.
    `undelivered`: the provider took it, could not deliver it, and its report of that never came.
    """

    id: str
    record: str
    key: str
    audience: str
    recipient: str | None
    channel: str | None
    status: str
    reason: str | None
    at: datetime
    deadline: datetime
    ended: datetime
    version: int | None = None
    start: datetime | None = None
    tried: tuple[tuple[str, str], ...] = ()
    calls: int = 0
    undelivered: bool = False


@dataclass
class Judgement:
    """How many of the expected messages came to what, by row, and every one that should not be so."""

    expected: int = 0
    rows: Counter[tuple[str, str]] = field(default_factory=Counter)
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    @property
    def clean(self) -> bool:
        """Whether nothing was lost, doubled, or other than it should be."""
        return not (self.lost or self.doubled or self.wrong)

    @property
    def accounted(self) -> int:
        """How many of the expected messages have a row."""
        return sum(self.rows.values())


Occasion = tuple[Any, ...]


def judge(
    steps: Sequence[StepLike],
    expected: Sequence[Expected],
    told: Sequence[Told],
    reminders: Sequence[Mapping[str, Any]],
) -> Judgement:
    """Hold what the system tells against what is expected; `reminders` are the settings' own."""
    found = Judgement()
    world = _World(steps, told, {f"reminder.{r['key']}": r for r in reminders})
    for wanted, messages in _pairs(expected, told, world):
        if wanted is None:
            _unexpected(messages, found)
            continue
        found.expected += 1
        row, complaint = _verdict(wanted, messages, world)
        found.rows[row] += 1
        if complaint is not None:
            text = f"{wanted.at:%Y-%m-%dT%H:%MZ} {wanted.record} {wanted.key} to {wanted.audience}: {complaint}"
            {"lost": found.lost, "doubled": found.doubled}.get(row[0], found.wrong).append(text)
    return found


class _World:
    """What a verdict looks at beside the message: when each appointment was stated, and each recipient's messages."""

    def __init__(
        self, steps: Sequence[StepLike], told: Sequence[Told], reminders: Mapping[str, Mapping[str, Any]]
    ) -> None:
        self._stated: dict[str, list[datetime]] = defaultdict(list)
        self._clients: dict[str, Mapping[str, Any]] = {}
        for step in steps:
            self._stated[f"appointments/{step.record}"].append(step.at)
            if step.client is not None:
                self._clients[step.client["id"]] = step.client
        self._of: dict[tuple[str | None, str], list[Told]] = defaultdict(list)
        for message in told:
            self._of[(message.recipient, message.audience)].append(message)
        self.reminders = reminders

    def restated(self, record: str, after: datetime, until: datetime) -> bool:
        """Whether an appointment was stated again in (after, until]."""
        return any(after < at <= until for at in self._stated[record])

    def refused_before(self, message: Told) -> bool:
        """Whether a provider had refused the same recipient on a channel that this message gave up or is for."""
        given_up: set[str | None] = {channel for channel, reason in message.tried if reason in ADDRESS_REFUSED}
        channels = given_up or {message.channel}
        return any(
            other.status == "failed" and other.channel in channels and other.ended <= message.ended
            for other in self._of[(message.recipient, message.audience)]
        )

    def under_way(self, message: Told) -> bool:
        """Whether an earlier message about the same record to the same recipient had yet to go when this was made."""
        return any(
            other.record == message.record
            and other.at <= message.at
            and other.ended >= message.at
            and other is not message
            for other in self._of[(message.recipient, message.audience)]
        )

    def reaches(self, client_id: str | None, channel: str) -> bool:
        """Whether a client may be written to on a channel, and can be."""
        client = self._clients.get(client_id or "", {})
        allowed = client.get("consents", {}).get("service", {}).get(channel, False)
        return bool(allowed and client.get("email" if channel == "email" else "phone"))

    def channels(self, key: str) -> tuple[str, ...]:
        """The channels of a reminder that give each other their turn; none for anything else."""
        reminder = self.reminders.get(key)
        if reminder is None or reminder["strategy"] != "first_reachable":
            return ()
        return tuple(reminder["channels"])


# ---- which messages are about which expectation


def _pairs(
    expected: Sequence[Expected], told: Sequence[Told], world: _World
) -> Iterator[tuple[Expected | None, list[Told]]]:
    reminders, events = _by_reminder(expected, world), _by_event(expected)
    made: dict[Occasion, list[Told]] = defaultdict(list)
    rows: dict[Occasion, dict[int, list[Told]]] = defaultdict(lambda: defaultdict(list))
    for message in told:
        if message.start is not None:
            made[_reminder_of(message, world)].append(message)
        else:
            rows[_event_of(message)][message.version or 0].append(message)
    for occasion in reminders.keys() | made.keys():
        yield reminders.get(occasion), made.get(occasion, [])
    for occasion in events.keys() | rows.keys():
        wanted, versions = events.get(occasion, []), [rows[occasion][n] for n in sorted(rows[occasion])]
        for number in range(max(len(wanted), len(versions))):
            yield (
                wanted[number] if number < len(wanted) else None,
                versions[number] if number < len(versions) else [],
            )


def _by_reminder(expected: Sequence[Expected], world: _World) -> dict[Occasion, Expected]:
    """A reminder is told once for a start, however often the appointment moved away and came back."""
    found: dict[Occasion, Expected] = {}
    for wanted in expected:
        if wanted.start is not None:
            occasion = _reminder_of(wanted, world)
            if occasion not in found or wanted.sent:
                found[occasion] = wanted
    return found


def _reminder_of(message: Expected | Told, world: _World) -> Occasion:
    """Name a reminder's occasion; where all channels are to send, each has its own."""
    alone = message.channel if message.key in world.reminders and not world.channels(message.key) else None
    return (message.record, message.key, message.start, alone)


def _by_event(expected: Sequence[Expected]) -> dict[Occasion, list[Expected]]:
    found: dict[Occasion, list[Expected]] = defaultdict(list)
    for wanted in sorted(expected, key=lambda message: message.at):
        if wanted.start is None:
            found[_event_of(wanted)].append(wanted)
    return found


def _event_of(message: Expected | Told) -> Occasion:
    return (message.record, message.key, message.audience, message.recipient)


# ---- what came of it


Row = tuple[str, str]


def _verdict(wanted: Expected, messages: Sequence[Told], world: _World) -> tuple[Row, str | None]:
    """Give the row of an expected message, and what is wrong with it."""
    calls = sum(message.calls for message in messages)
    if calls > 1:
        return ("doubled", ""), f"{calls} times at a provider: {_text(messages)}"
    waiting = [message for message in messages if message.status in ("queued", "sending")]
    if waiting:
        return ("lost", ""), f"still {waiting[0].status}"
    if not messages:
        if world.restated(wanted.record, wanted.at, wanted.at + _LONGEST_LIFE) and wanted.start is not None:
            return ("overtaken", "no longer planned"), None
        return ("lost", ""), "no message, and no word why"
    if calls == 1:
        return _reached(wanted, messages)
    if not wanted.sent:
        return _suppressed(wanted, messages[0], world)
    return _not_reached(wanted, messages, world)


def _reached(wanted: Expected, messages: Sequence[Told]) -> tuple[Row, str | None]:
    one = next(message for message in messages if message.calls)
    if not wanted.sent:
        return ("wrong", ""), f"sent, though {wanted.reason}"
    if one.status == "unknown":
        return ("unknown", f"{one.reason}, and it arrived"), None
    if one.status not in SENT:
        return ("wrong", ""), f"{one.status} {one.reason}, though the provider took it"
    if one.undelivered:
        return ("once", "not delivered, and the report of that lost"), None
    if one.channel == wanted.channel:
        return ("once", ""), None
    gave_up = any(m.channel == wanted.channel and m.status in ("failed", "suppressed") for m in messages)
    if gave_up or any(channel == wanted.channel for channel, _ in one.tried):
        return ("once", "on the next channel"), None
    return ("wrong", ""), f"on {one.channel}, not {wanted.channel}"


def _suppressed(wanted: Expected, one: Told, world: _World) -> tuple[Row, str | None]:
    if one.status == "suppressed" and one.reason == wanted.reason:
        return ("suppressed as expected", str(one.reason)), None
    return _left_out(wanted, one, world)


def _not_reached(wanted: Expected, messages: Sequence[Told], world: _World) -> tuple[Row, str | None]:
    by_status = {message.status: message for message in messages}
    if SENT & by_status.keys():
        return ("lost", ""), f"{_text(messages)}, but never at a provider"
    if "unknown" in by_status:
        return ("unknown", str(by_status["unknown"].reason)), None
    if "failed" in by_status:
        last = max(messages, key=lambda message: (message.at, message.ended))
        known = {channel for message in messages for channel, _ in message.tried} | {m.channel for m in messages}
        untried = [channel for channel in world.channels(wanted.key) if channel not in known]
        left = [channel for channel in untried if world.reaches(wanted.recipient, channel)]
        if left and last.ended < last.deadline:
            return ("lost", ""), f"failed, and {', '.join(left)} did not get a turn: {_text(messages)}"
        return ("failed", str(by_status["failed"].reason)), None
    return _left_out(wanted, messages[0], world)


def _left_out(wanted: Expected, one: Told, world: _World) -> tuple[Row, str | None]:
    """A message that ended unsent: only because it was late, overtaken, or its address had been refused."""
    if one.reason == "too_late" and one.status in ("expired", "suppressed") and one.ended >= one.deadline:
        return ("late", one.status), None
    if one.reason == "superseded" and (
        world.restated(wanted.record, wanted.at, one.ended + _TOLERANCE) or world.under_way(one)
    ):
        return ("overtaken", "superseded"), None
    if one.reason in ADDRESS_REFUSED and world.refused_before(one):
        return ("left out after a refusal", str(one.reason)), None
    return ("wrong", ""), f"{one.status} {one.reason}, not {wanted.reason or 'sent'}"


def _unexpected(messages: Sequence[Told], found: Judgement) -> None:
    for message in messages:
        text = f"{message.at:%Y-%m-%dT%H:%MZ} {message.record} {message.key} to {message.audience}: {_text([message])}"
        if message.calls:
            found.doubled.append(f"{text}, of which the recount knows nothing")
        else:
            found.wrong.append(f"{text}, of which the recount knows nothing")


def _text(messages: Sequence[Told]) -> str:
    return "; ".join(f"{m.channel or '-'} {m.status} {m.reason or ''} ({m.calls} taken)" for m in messages)
