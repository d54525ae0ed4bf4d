"""The sweep: finds whatever should have moved and did not, and moves it on.

It repairs what nothing else can: a queue message or a schedule that got lost, a stream that never woke the planner, a
sender that died in the middle. Everything it does may be done twice; what it looked through, it remembers last.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

from carillon.domain.messages import Message, MessageFilter, Occasion, reminder_places
from carillon.domain.records import Planned, StoredRecord
from carillon.domain.times import iso
from carillon.domain.values import value
from carillon.ports.messages import Messages, Moved
from carillon.ports.queues import Due, Queues
from carillon.ports.reading import Reader, Want
from carillon.ports.records import DueRow, DueRows, Records
from carillon.ports.system import Clock
from carillon.ports.upkeep import Marks, Watermarks
from carillon.services.storing import ready_alone, ready_of

PATIENCE = timedelta(minutes=15)
"""How long something may rest before it counts as stuck: longer than a queue message stays invisible."""
FIRST_LOOK_BACK = timedelta(hours=6)
AHEAD = timedelta(days=62)
"""How far ahead records are looked through, a day of them per sweep: all of it within a day, at no one hour."""
PAGE = 100


@value
class Swept:
    """What one organization's sweep moved on, for the log and the metrics."""

    claims: int = 0
    queued: int = 0
    due: int = 0
    unplanned: int = 0


@value
class Sweep:
    """Sweeps one organization at a time."""

    reader: Reader
    records: Records
    due_rows: DueRows
    messages: Messages
    queues: Queues
    marks: Watermarks
    clock: Clock

    def run(self, org_id: str) -> Swept:
        """Look through an organization once; whatever raises may be repeated."""
        now = self.clock.now()
        begin = now - FIRST_LOOK_BACK
        marks = self.marks.load(org_id) or Marks(due=begin, queued=begin)
        claims = self._claims(org_id, now)
        queued, queued_mark = self._queued(org_id, marks.queued, now)
        due, due_mark = self._due(org_id, marks.due, now)
        unplanned, records_mark = self._unplanned(org_id, marks.records, now)
        self.marks.save(org_id, Marks(due=due_mark, queued=queued_mark, records=records_mark))
        return Swept(claims, queued, due, unplanned)

    def _claims(self, org_id: str, now: datetime) -> int:
        """Call the outcome of claims unknown whose holder is gone; a receipt may still close them."""
        count = 0
        for message in self._all(org_id, MessageFilter(status="sending"), now):
            if message.lease_until is not None and message.lease_until <= now - PATIENCE:
                count += self.messages.abandon(org_id, message, Moved("unknown", now, "connection_lost"))
        return count

    def _queued(self, org_id: str, since: datetime, now: datetime) -> tuple[int, datetime]:
        """Queue again what waits for longer than it should; looks at each message once, or until it has moved."""
        until = now - PATIENCE
        made = self._all(org_id, MessageFilter(since=since, until=until), now)
        waiting = [message for message in made if message.status == "queued"]
        stuck = [message for message in waiting if (message.not_before or message.created_at) <= until]
        for message in stuck:
            if message.occasion.alone:
                self.queues.send_ready([ready_alone(org_id, message)])
                continue
            record = self.reader.read([Want(org_id, record=message.occasion.record)])[0].record
            if record is not None:
                self.queues.send_ready([ready_of(org_id, message, record)])
        return len(stuck), min([until, *(message.created_at for message in waiting)])

    def _due(self, org_id: str, since: datetime, now: datetime) -> tuple[int, datetime]:
        """Put reminders on the due queue whose schedule did not fire."""
        until, missed, position = now - PATIENCE, [], None
        while True:
            page = self.due_rows.between(org_id, since, until, limit=PAGE, position=position)
            missed += [due for row in page.items if (due := self._missed(org_id, row)) is not None]
            position = page.position
            if position is None:
                break
        self.queues.send_due(missed)
        return len(missed), min([until, *(due.fires for due in missed)])

    def _missed(self, org_id: str, row: DueRow) -> Due | None:
        record = self.reader.read([Want(org_id, record=row.ref)])[0].record
        entry = _current(record, row) if record is not None and not record.deleted else None
        if record is None or entry is None or record.appointment.client_id != row.client_id:
            return None
        occasion = Occasion(row.ref, reminder=row.key, start=entry.start)
        places = tuple(reminder_places(org_id, occasion, row.client_id))
        if self.reader.read([Want(org_id, messages=places)])[0].messages:
            return None
        return Due(org_id, row.ref, row.client_id, row.key, entry.start, entry.at, row.generation, entry.early)

    def _unplanned(self, org_id: str, position: str | None, now: datetime) -> tuple[int, str | None]:
        """Have the next day's records planned that the stream never woke the planner for; answers where to go on."""
        first, last = now - timedelta(days=1), (now + AHEAD).date().isoformat()
        if position is None or not first.date().isoformat() <= position[:10] <= last:
            position = iso(first)
        count, day = 0, position[:10]
        while position is not None and position[:10] == day:
            page = self.records.page(org_id, "appointments", limit=PAGE, position=position, since=first, days=1)
            for record in page.items:
                if not record.settled and record.accepted_at <= now - PATIENCE:
                    self.queues.send_job({"kind": "plan_record", "o": org_id, "record": record.ref})
                    count += 1
            position = page.position
        return count, position

    def _all(self, org_id: str, wanted: MessageFilter, now: datetime) -> Iterator[Message]:
        position = None
        while True:
            page = self.messages.page(org_id, wanted, limit=PAGE, position=position, now=now)
            yield from page.items
            position = page.position
            if position is None:
                return


def _current(record: StoredRecord, row: DueRow) -> Planned | None:
    return next(
        (
            entry
            for entry in record.plan
            if (entry.key, entry.generation, entry.state) == (row.key, row.generation, "planned")
            and row.at in (entry.at, entry.early)
        ),
        None,
    )
