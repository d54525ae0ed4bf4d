"""Plays what is due and what is decided on it, in the order of time: each message goes, waits on or is withdrawn.

A message is looked at when its turn comes by the function that its sender asks, and what it would send counts as sent:
the reminder of a later appointment of the day is only silent if the first one's was sent and lists it.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from heapq import heappop, heappush

from carillon.domain.messages import Message, MessageKey
from carillon.domain.recheck import recheck
from carillon.domain.sms import measure
from carillon.domain.times import to_wall
from carillon.ports.delivery import Composer, Connections, RenderingFailed
from carillon.ports.queues import Due
from carillon.ports.reading import Snapshot, Want
from carillon.services.dispatching import Dispatcher
from carillon.services.facts import facts_of
from carillon.services.same_day import SameDay
from carillon.services.simulated import RememberedMessages, SimulatedClock, SimulatedReader, World

Reminder = tuple[str, str, str]
"""The record, which reminder of which start, the recipient."""


@dataclass
class Tally:
    """What went between two instants, by day and channel with the parts of SMS, and which reminders reached nobody."""

    begin: datetime
    end: datetime
    zone: str
    count: Counter[tuple[str, str]] = field(default_factory=Counter)
    parts: Counter[tuple[str, str]] = field(default_factory=Counter)
    _gone: set[MessageKey | Reminder] = field(default_factory=set)
    _silent: dict[MessageKey | Reminder, tuple[datetime, str]] = field(default_factory=dict)

    def goes(self, message: Message, at: datetime, parts: int) -> None:
        """Count a message that goes."""
        if self.begin <= at < self.end:
            place = to_wall(at, self.zone).date().isoformat(), str(message.channel)
            self.count[place] += 1
            self.parts[place] += parts
        self.reaches(message)

    def reaches(self, message: Message) -> None:
        """Note that a reminder reaches somebody, or still may after the end."""
        self._gone.add(_reminder(message))

    def stays(self, message: Message, at: datetime, reason: str | None) -> None:
        """Note a message that doesn't go; push is beside the reminder's channels, and leaves no trace."""
        if message.channel != "push":
            _, first = self._silent.get(_reminder(message), (at, reason or ""))
            self._silent[_reminder(message)] = at, first

    def silent(self) -> list[tuple[str, int]]:
        """Count the reminders that reached nobody: by the first channel's reason, at the time of the last one's."""
        lost = [told for each, told in self._silent.items() if each not in self._gone]
        return sorted(Counter(reason for at, reason in lost if self.begin <= at < self.end).items())


@dataclass
class Play:
    """One simulation being played. `over` says when its time is up; what was stored before it is not counted."""

    org_id: str
    world: World
    clock: SimulatedClock
    dispatcher: Dispatcher
    messages: RememberedMessages
    connections: Connections
    composer: Composer
    tally: Tally
    over: Callable[[], bool]
    same_day: SameDay | None = None
    _turns: list[tuple[datetime, bool, int, Due | MessageKey]] = field(default_factory=list)
    _number: int = 0
    _before: set[MessageKey] = field(default_factory=set)

    def play(self, dues: Iterable[Due]) -> None:
        """Let everything come due, and go, that does so before the end."""
        self._before = set(self.world.messages)
        for message in list(self.world.messages.values()):
            if message.status == "sending":
                self._becomes(message, "sent")
            self._wait(message)
        for due in sorted(dues, key=lambda due: (due.fires, due.record, due.name)):
            self._push(due.fires, due)
        while self._turns and not self.over():
            at, _, _, what = heappop(self._turns)
            if at >= self.tally.end:
                break
            self.clock.at = max(self.clock.at, at)
            if isinstance(what, Due):
                self._fire(what)
            else:
                self._send(self.world.messages[what])
        for message in self.world.messages.values():
            if message.status == "queued":
                self.tally.reaches(message)

    def _push(self, at: datetime, what: Due | MessageKey) -> None:
        self._number += 1
        heappush(self._turns, (at, not isinstance(what, Due), self._number, what))

    def _wait(self, message: Message) -> None:
        if message.status == "queued" and message.channel is not None:
            self._push(max(self.clock.at, message.not_before or self.clock.at), message.key)

    def _fire(self, due: Due) -> None:
        self.dispatcher.dispatch([due])
        for message in self.messages.taken():
            if message.channel is None:
                self.tally.stays(message, self.clock.at, message.reason)
            self._wait(message)

    def _send(self, message: Message) -> None:
        """Give a message its turn, as its sender would: it goes, waits on, or is withdrawn."""
        now, snapshot = self.clock.at, self._read(message)
        record, client = snapshot.record, snapshot.clients.get(message.client_id or "")
        if record is None:
            return
        checked = recheck(message, facts_of(snapshot, record, self.connections, client=client, now=now), now)
        if checked.status == "queued":
            until = checked.until or message.deadline
            waiting = replace(message, reason=checked.reason, not_before=checked.not_before, deadline=until)
            self.world.messages[message.key] = waiting
            self._wait(waiting)
        elif checked.status is not None:
            self._withdraw(message, checked.status, checked.reason)
        else:
            self._go(message, snapshot, now)

    def _go(self, message: Message, snapshot: Snapshot, now: datetime) -> None:
        """Have a message sent; it is written out only where somebody asks what it says."""
        lists = snapshot.same_day is not None and snapshot.same_day.later
        counts = message.channel == "sms" and self.tally.begin <= now and message.key not in self._before
        parts, listed = 0, tuple[str, ...]()
        if lists or counts:
            try:
                rendered = self.composer.compose(message, snapshot)
            except RenderingFailed:
                self._withdraw(message, "failed", "template_error")
                return
            listed = rendered.listed
            parts = measure(rendered.text).parts if counts else 0
        self._becomes(replace(message, listed=listed), "sent")
        if message.key not in self._before:
            self.tally.goes(message, now, parts)

    def _withdraw(self, message: Message, status: str, reason: str | None) -> None:
        self._becomes(replace(message, reason=reason), status)
        if message.key not in self._before:
            self.tally.stays(message, self.clock.at, reason)

    def _becomes(self, message: Message, status: str) -> None:
        self.world.messages[message.key] = replace(message, status=status)  # type: ignore[arg-type]

    def _read(self, message: Message) -> Snapshot:
        record = self.world.records.get(message.occasion.record)
        staff = record.staff_ids if record is not None else ()
        clients = tuple(filter(None, {message.client_id, record.client_id if record is not None else None}))
        want = Want(self.org_id, record=message.occasion.record, clients=clients, staff=staff)
        (snapshot,) = SimulatedReader(self.world).read([want])
        if message.audience != "client" or self.same_day is None:
            return snapshot
        client = snapshot.clients.get(message.client_id or "")
        return self.same_day.with_day(self.org_id, snapshot, client, message.occasion.reminder)


def _reminder(message: Message) -> MessageKey | Reminder:
    """Name the reminder of which a message is one channel's; push goes beside, and is one by itself."""
    if message.channel == "push":
        return message.key
    about = message.occasion
    return about.record, f"{about.reminder} {about.start}", message.key.recipient
