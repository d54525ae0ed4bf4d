"""Simulation: what would go out between two instants under changed settings, counted, without writing anything.

Records are planned by plan() and what is due is decided by the dispatcher as it is shipped, at the instants at which it
would fire, and looked at again when its turn to be sent comes. Looked at are reminders and review requests; nobody
knows yet what else will happen.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import cast

from carillon.domain.clients import Client
from carillon.domain.codec import Json, to_data
from carillon.domain.errors import Fault, Invalid, NotFound
from carillon.domain.plan import due_entries
from carillon.domain.record_documents import Appointment
from carillon.domain.records import StoredRecord
from carillon.domain.reviews import pause
from carillon.domain.settings import Reminder, Settings
from carillon.domain.spans import Span, span_of
from carillon.domain.values import value
from carillon.ports.delivery import Composer, Connections
from carillon.ports.messages import Messages
from carillon.ports.queues import Due
from carillon.ports.reading import Reader, Want
from carillon.ports.records import DueRows, Records
from carillon.ports.reviews import ReviewRequests
from carillon.ports.same_day import ClientDays
from carillon.ports.system import Clock
from carillon.services.activation import require_active
from carillon.services.applying import Order, applied
from carillon.services.asking import Asking
from carillon.services.dispatching import Dispatcher
from carillon.services.making import MessageMaker
from carillon.services.replanning import replan
from carillon.services.same_day import SameDay
from carillon.services.simulated import (
    NoQueues,
    RememberedMessages,
    SimulatedClock,
    SimulatedDays,
    SimulatedIds,
    SimulatedReader,
    SimulatedRequests,
    World,
)
from carillon.services.simulated_past import Past
from carillon.services.simulated_sending import Play, Tally
from carillon.services.simulation_documents import Going, Simulated, SimulationInput
from carillon.services.storing import due_of

LONGEST = timedelta(days=14, hours=1)
"""Fourteen days of the organization's own, one of which may have 25 hours."""
MOST_RECORDS = 2_000
TIME = timedelta(seconds=18)
"""How long one call goes on: a door is cut off after 29 s. What it didn't reach by then is left out (`truncated`)."""
PAGE = 100
SLACK = timedelta(days=2)
"""How far another time zone, or quiet hours, can move a reminder."""
BEFORE = timedelta(days=3)
"""How long before the span reminders are played: what the night holds goes in it, and may hang on its day's first."""
AFTERWARDS = timedelta(days=2)
"""How long after its end an appointment is still looked at for what follows it."""


@dataclass
class _Run:
    """One simulation under way."""

    org_id: str
    span: Span
    now: datetime
    world: World
    changed: dict[str, Reminder] | None
    until: datetime
    truncated: bool = False
    dues: list[Due] = field(default_factory=list)

    @property
    def since(self) -> datetime:
        """From when on reminders are played: an earlier review request may stand in the way of one in the span."""
        return max(self.now, _bounds(self.span)[0] - pause(self.settings)) - BEFORE

    @property
    def settings(self) -> Settings:
        """The simulated settings."""
        if self.world.base.settings is None:
            raise NotFound("The organization has no settings; it may have been deleted.")
        return self.world.base.settings

    def taken(self, found: list[StoredRecord]) -> list[StoredRecord]:
        """Take in, and give, the appointments among records that the world doesn't hold yet, while there is room."""
        room = MOST_RECORDS - len(self.world.records)
        fresh = {record.ref: record for record in found if record.ref not in self.world.records}
        known = [record for record in fresh.values() if isinstance(record.document, Appointment)]
        self.truncated = len(known) > room
        self.world.records |= {record.ref: record for record in known[:room]}
        return known[:room]


@value
class Simulating:
    """Simulates."""

    reader: Reader
    records: Records
    due_rows: DueRows
    connections: Connections
    composer: Composer
    clock: Clock
    days: ClientDays
    requests: ReviewRequests

    def simulate(self, org_id: str, asked: SimulationInput, read: Callable[[Json], Settings]) -> Simulated:
        """Simulate. `read` makes the changed settings from the fields as they are now.

        Raises Forbidden while inactive, Invalid for a span or settings that can't be.
        """
        base = self.reader.read([Want(org_id, rules=True, texts=True)])[0]
        require_active(base)
        if base.settings is None:
            raise NotFound("The organization has no settings; it may have been deleted.")
        now = self.clock.now()
        settings = read(to_data(base.settings)) if asked.settings is not None else base.settings
        span = _span(asked, settings, now)
        changed = {each.key: each for each in settings.reminders} if "reminders" in (asked.settings or {}) else None
        world = World(replace(base, settings=settings), staff=self.reader.all_staff(org_id))
        run = _Run(org_id, span, now, world, changed, until=now + TIME)
        for page in self._candidates(run):
            self._plan(run, page)
        past = Past(self.reader, self.days, self.requests)
        if settings.collapse_same_day:
            self._complete_days(run, past)
        past.recall(org_id, world, run.dues, now)
        return _counted(run, self._played(run))

    def _candidates(self, run: _Run) -> Iterator[list[StoredRecord]]:
        """Give every record that may have a reminder in the span, once, page by page.

        Those that have one planned are found by their rows; those that only the changed settings give one, by their
        start.
        """
        for page in self._pages(run):
            known = run.taken(page)
            if known:
                yield known
            if run.truncated:
                return

    def _complete_days(self, run: _Run, past: Past) -> None:
        """Add the other appointments of the days of what is due, whose reminders may stand for one another."""
        seen = 0
        while not run.truncated:
            dues, seen = run.dues[seen:], len(run.dues)
            found = past.beside(run.org_id, run.world, dues, _starts(run))
            known = run.taken([record for record in found if not record.is_gone(run.now)])
            if not known:
                return
            self._plan(run, known)

    def _pages(self, run: _Run) -> Iterator[list[StoredRecord]]:
        _, end = _bounds(run.span)
        position: str | None = None
        while True:
            rows = self.due_rows.between(run.org_id, run.since, end + SLACK, limit=PAGE, position=position)
            refs = [ref for ref in dict.fromkeys(row.ref for row in rows.items) if ref not in run.world.records]
            read = self.reader.read([Want(run.org_id, record=ref) for ref in refs]) if refs else []
            yield [each.record for each in read if each.record is not None and not each.record.is_gone(run.now)]
            position = rows.position
            if position is None:
                break
        first, last = _starts(run)
        while True:
            found = self.records.page(
                run.org_id, "appointments", limit=PAGE, position=position, since=first, until=last
            )
            yield [record for record in found.items if not record.is_gone(run.now)]
            position = found.position
            if position is None:
                return

    def _plan(self, run: _Run, records: list[StoredRecord]) -> None:
        """Plan a page of records under the simulated settings, and note what comes due in the span."""
        wanted = {record.client_id for record in records if record.client_id is not None}
        missing = tuple(sorted(name for name in wanted if name not in run.world.clients))
        if missing:
            found = self.reader.read([Want(run.org_id, clients=missing)])[0].clients
            after = {name: _as_after(client, run) for name, client in found.items()}
            # One that was merged into another is found under both ids.
            run.world.clients |= after | {client.id: client for client in after.values()}
        _, end = _bounds(run.span)
        for record in records:
            client = run.world.clients.get(record.client_id or "")
            change = replan(record, client, run.settings, SimulatedClock(run.now))
            planned = change.record if change is not None else record
            run.world.records[record.ref] = planned
            run.dues += [
                due_of(run.org_id, planned, entry)
                for entry in due_entries(planned.plan)
                if run.now < entry.fires < end and entry.fires >= run.since
            ]

    def _played(self, run: _Run) -> Tally:
        """Let the dispatcher decide on what is due, at its instant, and what it decides go when its turn comes."""
        world, settings, clock = run.world, run.settings, SimulatedClock(run.now)
        reader, messages = SimulatedReader(world), RememberedMessages(world)
        same_day = SameDay(reader, SimulatedDays(world)) if settings.collapse_same_day else None
        dispatcher = Dispatcher(
            reader=reader,
            messages=cast("Messages", messages),
            queues=NoQueues(),
            connections=self.connections,
            maker=MessageMaker(SimulatedIds()),
            clock=clock,
            same_day=same_day,
            asking=Asking(reader, SimulatedRequests(world)) if settings.review.at_most_every_days else None,
        )
        tally = Tally(*_bounds(run.span), settings.time_zone)
        Play(
            run.org_id,
            world,
            clock,
            dispatcher,
            messages,
            self.connections,
            self.composer,
            tally,
            over=lambda: self._is_over(run),
            same_day=same_day,
        ).play(run.dues)
        return tally

    def _is_over(self, run: _Run) -> bool:
        over = self.clock.now() >= run.until
        run.truncated = run.truncated or over
        return over


def _counted(run: _Run, tally: Tally) -> Simulated:
    going = [
        Going(day, channel, count, tally.parts[day, channel] if channel == "sms" else None)
        for (day, channel), count in sorted(tally.count.items())
    ]
    return Simulated(run.span, len(run.world.records), run.truncated, going, tally.silent())


def _bounds(span: Span) -> tuple[datetime, datetime]:
    if span.since is None or span.until is None:
        raise ValueError("a simulation has a beginning and an end")
    return span.since, span.until


def _span(asked: SimulationInput, settings: Settings, now: datetime) -> Span:
    """Read the span; it begins now at the earliest, because what is past has happened."""
    begin, end = _bounds(span_of(asked.from_, asked.to, settings.time_zone))
    faults = []
    if end - begin > LONGEST:
        faults.append(Fault("/to", "invalid_value", "must be at most 14 days after `from`"))
    if end <= now:
        faults.append(Fault("/to", "invalid_value", "must lie ahead: what went out before is in the reports"))
    if faults:
        raise Invalid(faults)
    return Span(max(begin, now), end)


def _starts(run: _Run) -> tuple[datetime, datetime]:
    """Say between which instants an appointment starts that the settings may give a reminder in the span."""
    _, end = _bounds(run.span)
    ahead = after = timedelta(0)
    for reminder in run.settings.reminders:
        when = reminder.when
        if not reminder.enabled:
            continue
        if when.days_before is not None:
            ahead = max(ahead, timedelta(days=when.days_before + 1))
        elif when.before is not None:
            ahead = max(ahead, when.offset)
        else:
            after = max(after, when.offset + AFTERWARDS)
    return run.since - after, end + ahead + SLACK


def _as_after(client: Client, run: _Run) -> Client:
    """Give a client as it would be with the changed reminders applied."""
    if run.changed is None or client.custom or client.reminders is None:
        return client
    order = Order(run.org_id, run.changed, set(run.changed), include_custom=False, dry_run=True, until=run.now)
    return applied(client, order)
