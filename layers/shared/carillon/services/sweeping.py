"""The sweep: finds whatever should have moved and did not, and moves it on.

It repairs what nothing else can: a queue message or a schedule that got lost, a stream that never woke the planner, a
sender that died in the middle, a callback that died before the next channel got its turn. Everything it does may be
done twice; what it looked through, it remembers last.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from carillon.domain.messages import Message, MessageFilter, MessageKey, reminder_places
from carillon.domain.plan import due_entries
from carillon.domain.records import Planned, StoredRecord
from carillon.domain.times import iso
from carillon.domain.values import value
from carillon.ports.messages import Messages, Moved
from carillon.ports.queues import Due, Queues, Ready
from carillon.ports.reading import Reader, Want
from carillon.ports.records import DueRow, DueRows, Records
from carillon.ports.system import Clock
from carillon.ports.upkeep import Marks, Watermarks
from carillon.services.dispatching import places_of, still_due, wanted
from carillon.services.due_tasks import is_of_task, still_overdue
from carillon.services.fallback import Fallback
from carillon.services.storing import due_of, ready_alone, ready_of

PATIENCE = timedelta(minutes=15)
"""How long something may rest before it counts as stuck: longer than a queue message stays invisible."""
OVERLAP = timedelta(minutes=30)
"""How much of what was looked through before is looked through again: an index shows a message some time after it was
stored, and one that shows only after its turn would wait for ever."""
FIRST_LOOK_BACK = timedelta(hours=6)
BEHIND = timedelta(days=8)
AHEAD = timedelta(days=62)
"""From where to where records are looked through, a day of them per sweep: all of it within 18 hours, at no one hour.
Behind, since appointments are completed, and changed, after they began."""
FAILED_WITHIN = timedelta(hours=12)
"""How old a message may be whose failure is looked at: nobody waits for longer for the next channel."""
OPEN_AFTER, OPEN_UNTIL = timedelta(hours=1), timedelta(hours=25)
"""How long an outcome has been unknown while it counts: by then a receipt should have closed it; a day later it has
been seen."""
LONGEST_WAIT = timedelta(days=4)
"""No message goes out later than so long after it was made."""
PAGE = 100


@value
class Swept:
    """What one organization's sweep moved on, for the log and the metrics; `unknown` are outcomes that stay open."""

    claims: int = 0
    queued: int = 0
    due: int = 0
    unplanned: int = 0
    followed: int = 0
    unknown: int = 0


@value
class Sweep:
    """Sweeps one organization at a time."""

    reader: Reader
    records: Records
    due_rows: DueRows
    messages: Messages
    queues: Queues
    marks: Watermarks
    fallback: Fallback
    clock: Clock

    def run(self, org_id: str) -> Swept:
        """Look through an organization once; whatever raises may be repeated."""
        now = self.clock.now()
        begin = now - FIRST_LOOK_BACK
        marks = self.marks.load(org_id) or Marks(due=begin, queued=begin)
        claims = self._claims(org_id, now)
        queued, queued_mark = self._queued(org_id, marks.queued - OVERLAP, now)
        due, due_mark = self._due(org_id, marks.due, now)
        unplanned, records_mark, late = self._unplanned(org_id, marks.records, now)
        followed, unknown = self._failures(org_id, now), self._unknown(org_id, now)
        # What is planned late is due in a time that was looked through before it was.
        self.marks.save(org_id, Marks(due=min([due_mark, *late]), queued=queued_mark, records=records_mark))
        return Swept(claims, queued, due, unplanned, followed, unknown)

    def look_through(self, org_id: str, position: str | None) -> int:
        """Have every record planned that is not, all at once and not a day at a time, after the stream gave up.

        Looks at one page and asks for the next one itself; answers how many were found.
        """
        now = self.clock.now()
        first = now - BEHIND
        page = self.records.page(org_id, None, limit=PAGE, position=position or iso(first), since=first)
        unplanned = [record for record in page.items if not record.settled]
        for record in unplanned:
            self.queues.send_job({"kind": "plan_record", "o": org_id, "record": record.ref})
        if page.position is not None:
            self.queues.send_job({"kind": "look_through", "o": org_id, "position": page.position})
        return len(unplanned)

    def _claims(self, org_id: str, now: datetime) -> int:
        """Call the outcome of claims unknown whose holder is gone; a receipt or a look-up may still close them."""
        count = 0
        for message in self._all(org_id, MessageFilter(status="sending"), now):
            if message.lease_until is None or message.lease_until > now - PATIENCE:
                continue
            if self.messages.abandon(org_id, message, Moved("unknown", now, "connection_lost")):
                # Its sender has it looked up, where its provider can be asked.
                self.queues.send_ready([self._ready(org_id, message)])
                count += 1
        return count

    def _queued(self, org_id: str, since: datetime, now: datetime) -> tuple[int, datetime]:
        """Queue again what waits for longer than it should; looks at each message once, or until it has moved."""
        until = now - PATIENCE
        made = self._all(org_id, MessageFilter(since=since, until=until), now)
        waiting = [message for message in made if message.status == "queued" or message.fallback_at is not None]
        stuck = [message for message in waiting if _turn(message) <= until]
        for begin in range(0, len(stuck), PAGE):
            self.queues.send_ready([self._ready(org_id, message) for message in stuck[begin : begin + PAGE]])
        return len(stuck), min([until, *(message.created_at for message in waiting)])

    def _ready(self, org_id: str, message: Message) -> Ready:
        record = None
        if not message.occasion.alone:
            record = self.reader.read([Want(org_id, record=message.occasion.record)])[0].record
        # Of a record that is gone the sender says so, and the message rests no longer.
        return ready_of(org_id, message, record) if record is not None else ready_alone(org_id, message)

    def _due(self, org_id: str, since: datetime, now: datetime) -> tuple[int, datetime]:
        """Put reminders on the due queue whose schedule did not fire."""
        until, missed, position = now - PATIENCE, [], None
        while True:
            page = self.due_rows.between(org_id, since, until, limit=PAGE, position=position)
            missed += self._missed(org_id, page.items)
            position = page.position
            if position is None:
                break
        self.queues.send_due(missed)
        return len(missed), min([until, *(due.fires for due in missed)])

    def _missed(self, org_id: str, rows: Sequence[DueRow]) -> list[Due]:
        """Find out which of these reminders would still go and have no message: two reads for all of them."""
        read = self.reader.read([Want(org_id, record=row.ref) for row in rows]) if rows else []
        pairs = [(row, snapshot.record) for row, snapshot in zip(rows, read, strict=True)]
        found = [
            (replace(due_of(org_id, record, entry), client_id=row.client_id), record)
            for row, record in pairs
            if record is not None and (entry := _current(record, row)) is not None
        ]
        tasks = [due for due, record in found if is_of_task(due) and still_overdue(due, record)]
        found = [(due, record) for due, record in found if not is_of_task(due)]
        if not found:
            return tasks
        wants = [replace(wanted(due), texts=False, messages=_places(due, record)) for due, record in found]
        checked = zip(found, self.reader.read(wants), strict=True)
        return tasks + [due for (due, _), snapshot in checked if not snapshot.messages and still_due(due, snapshot)]

    def _unplanned(self, org_id: str, position: str | None, now: datetime) -> tuple[int, str | None, list[datetime]]:
        """Have the next day's records planned that the stream never woke the planner for.

        Answers how many, where to go on, and which of their reminders' instants have passed unplanned.
        """
        first, last = now - BEHIND, (now + AHEAD).date().isoformat()
        if position is None or position[:10] < first.date().isoformat():
            position = iso(now - timedelta(days=1))  # what is near comes first
        elif position[:10] > last:
            position = iso(first)
        count, day = 0, position[:10]
        late: list[datetime] = []
        while position is not None and position[:10] == day:
            page = self.records.page(org_id, None, limit=PAGE, position=position, since=first, days=1)
            for record in page.items:
                if not record.settled and record.accepted_at <= now - PATIENCE:
                    self.queues.send_job({"kind": "plan_record", "o": org_id, "record": record.ref})
                    count += 1
                    late += [entry.fires for entry in due_entries(record.plan) if entry.fires <= now]
            position = page.position
        return count, position, late

    def _failures(self, org_id: str, now: datetime) -> int:
        """Give the next channel its turn where whoever noted a failure died before it could."""
        count = 0
        for message in self._all(org_id, MessageFilter(status="failed", since=now - FAILED_WITHIN), now):
            if message.occasion.reminder is None or message.timeline[-1][0] > now - PATIENCE:
                continue
            record, client_id = message.occasion.record, message.client_id or ""
            places = tuple(reminder_places(org_id, message.occasion, client_id))
            want = Want(org_id, record=record, clients=(client_id,), texts=True, messages=places)
            snapshot = self.reader.read([want])[0]
            if not any(message.channel in dict(other.tried) for other in snapshot.messages.values()):
                count += self.fallback.resume(org_id, message, snapshot)
        return count

    def _unknown(self, org_id: str, now: datetime) -> int:
        """Count outcomes that nobody could tell within the hour, for a day."""
        open_ones = self._all(org_id, MessageFilter(status="unknown", since=now - LONGEST_WAIT), now)
        return sum(OPEN_AFTER < now - message.timeline[-1][0] <= OPEN_UNTIL for message in open_ones)

    def _all(self, org_id: str, wanted: MessageFilter, now: datetime) -> Iterator[Message]:
        position = None
        while True:
            page = self.messages.page(org_id, wanted, limit=PAGE, position=position, now=now)
            yield from page.items
            position = page.position
            if position is None:
                return


def _turn(message: Message) -> datetime:
    """Say since when a message's turn has come: to be sent, or to have the next channel stand in for it."""
    return message.fallback_at or message.not_before or message.created_at


def _current(record: StoredRecord, row: DueRow) -> Planned | None:
    return next(
        (
            entry
            for entry in record.plan
            if (entry.key, entry.audience) == (row.key, row.audience)
            and (entry.generation, entry.state) == (row.generation, "planned")
            and row.at in (entry.at, entry.early)
        ),
        None,
    )


def _places(due: Due, record: StoredRecord) -> tuple[MessageKey, ...]:
    """Where its message may lie: also with the client that the one of the row was merged into."""
    return tuple(places_of(due, dict.fromkeys((due.client_id, record.client_id or "", *record.former))))
