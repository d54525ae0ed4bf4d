"""dispatch_reminder: what is due is decided on with today's settings, stored, and put on its channel's queue."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from carillon.domain.catalog import REVIEW, reminder_template_key
from carillon.domain.channels import CHANNELS, Channel
from carillon.domain.clients import Client
from carillon.domain.decide import decide_reminder
from carillon.domain.decide_staff import decide_staff_reminder, staff_reminder, staff_still_due
from carillon.domain.decisions import Facts, Verdict
from carillon.domain.messages import (
    REVIEW_DEADLINE,
    Message,
    MessageKey,
    Occasion,
    reminder_deadline,
    reminder_places,
    staff_reminder_places,
)
from carillon.domain.plan import called_for
from carillon.domain.quota import Exhausted
from carillon.domain.records import StoredRecord
from carillon.domain.reviews import Asked
from carillon.domain.settings import Reminder, Settings
from carillon.domain.values import value
from carillon.ports.delivery import Connections
from carillon.ports.messages import Messages
from carillon.ports.queues import Due, Queues, Ready
from carillon.ports.reading import Reader, Snapshot, Want
from carillon.ports.system import Clock
from carillon.services.asking import Asking
from carillon.services.facts import facts_of
from carillon.services.making import MessageMaker
from carillon.services.same_day import SameDay
from carillon.services.storing import store_all
from carillon.services.waiting import hand_over


@value
class Dispatched:
    """What became of one due reminder, for the log: `fired`, `suppressed` or `stale_schedule`."""

    due: Due
    result: str
    reason: str | None = None


@value
class Dispatcher:
    """Turns due reminders into messages. A batch costs one read, a write per message and a queue send per channel.

    A reminder to collaborators costs another read if somebody has joined them since it was planned; one that may share
    the first one's of its day, a query and a read where there are others; a review request, a write that notes it.
    """

    reader: Reader
    messages: Messages
    queues: Queues
    connections: Connections
    maker: MessageMaker
    clock: Clock
    same_day: SameDay | None = None
    asking: Asking | None = None

    def dispatch(self, batch: Sequence[Due]) -> list[Dispatched]:
        """Decide, store and queue; whatever raises may be repeated as a whole."""
        ready: list[Ready] = []
        results: list[Dispatched] = []
        for due, snapshot in zip(batch, self._read(batch), strict=True):
            made = self._store(due, snapshot, ready)
            if made is None:
                results.append(Dispatched(due, "stale_schedule"))
                continue
            suppressed = [message.reason for message in made if message.status == "suppressed"]
            results.append(
                Dispatched(due, "suppressed" if suppressed else "fired", suppressed[0] if suppressed else None)
            )
        hand_over(self.queues, ready, self.clock.now())
        return results

    def _read(self, batch: Sequence[Due]) -> list[Snapshot]:
        """Read what is needed in one go; once more for reminders to collaborators who came to the record later."""
        read = self.reader.read([wanted(due) for due in batch])
        joined = {
            place: replace(due, staff=snapshot.record.staff_ids)
            for place, (due, snapshot) in enumerate(zip(batch, read, strict=True))
            if due.audience == "collaborator"
            and snapshot.record is not None
            and not set(snapshot.record.staff_ids) <= set(due.staff)
        }
        again = self.reader.read([wanted(due) for due in joined.values()]) if joined else []
        for place, snapshot in zip(joined, again, strict=True):
            read[place] = snapshot
        return read

    def _store(self, due: Due, snapshot: Snapshot, ready: list[Ready]) -> list[Message] | None:
        """Store what is decided; a channel whose quota turns out to be exhausted is decided without."""
        exhausted: frozenset[Channel] = frozenset()
        kept: list[Message] = []
        while True:
            made = self._decide(due, snapshot, exhausted, kept)
            if made is None or snapshot.settings is None or snapshot.record is None:
                return None
            days = snapshot.settings.retention_days
            try:
                ready += store_all(self.messages, due.org_id, made, snapshot.record, days, kept=kept)
            except Exhausted as error:
                exhausted |= {error.bucket}
            else:
                return made

    def _decide(
        self, due: Due, snapshot: Snapshot, exhausted: frozenset[Channel], kept: Sequence[Message]
    ) -> list[Message] | None:
        record, client = snapshot.record, snapshot.clients.get(due.client_id)
        if record is None or not still_due(due, snapshot):
            return None
        now = self.clock.now()
        if self.same_day is not None and due.audience == "client":
            snapshot = self.same_day.with_day(due.org_id, snapshot, client, due.key)
        facts = facts_of(snapshot, record, self.connections, client=client, now=now)
        if facts is None:
            return None
        verdicts = self._verdicts(due, replace(facts, exhausted=exhausted))
        deadline, occasion = deadline_of(due, facts), Occasion(record.ref, reminder=due.key, start=due.start)
        made: list[Message] = []
        for verdict in verdicts:
            stored = {each.key: each for each in (*kept, *snapshot.messages.values())}
            before = [each for each in stored.values() if _is_to(each, verdict, due)]
            if now >= deadline and not before:
                template = reminder_template_key(due.key)
                made.append(
                    self.maker.refuse(due.org_id, occasion, verdict.recipient, template, "too_late", deadline, now)
                )
                continue
            fresh = self.maker.make(due.org_id, occasion, verdict, deadline=deadline, now=now)
            made += [*before, *_still_missing(fresh, before, verdict)]
        return made or None

    def _verdicts(self, due: Due, facts: Facts) -> list[Verdict]:
        if due.audience == "collaborator":
            return decide_staff_reminder(due.key, facts)
        verdict = decide_reminder(due.key, facts)
        if verdict is not None and verdict.send and due.key == REVIEW:
            verdict = decide_reminder(due.key, replace(facts, review_asked=self._asked_before(due, facts)))
        return [verdict] if verdict is not None else []

    def _asked_before(self, due: Due, facts: Facts) -> datetime | None:
        """Note that the client is asked for a review; gives when he was asked another time, if that is too lately."""
        client, now = facts.client, self.clock.now()
        if self.asking is None or client is None or now >= deadline_of(due, facts):
            return None
        return self.asking.take(due.org_id, client, facts.settings, Asked(due.record, due.start, now))


def _is_to(message: Message, verdict: Verdict, due: Due) -> bool:
    """Whether a message of the occasion is to whom a verdict is about; a client's may lie under a former id of his."""
    return due.audience == "client" or message.key.recipient == verdict.recipient.ref


def _still_missing(made: Sequence[Message], before: Sequence[Message], verdict: Verdict | None) -> list[Message]:
    """Leave out what a strategy must not have beside `before`: it fired, and whoever did may have died on the way.

    Where one channel is chosen, deciding anew could choose another than the one that has gone out. On all channels,
    and for push, each message stands by itself.
    """
    if not before:
        return list(made)
    stored = {message.channel for message in before}
    if None in stored or verdict is None:
        return []
    chosen = verdict.strategy_continues and any(name and CHANNELS[name].configurable for name in stored)
    return [
        message
        for message in made
        if message.channel is not None
        and message.channel not in stored
        and not (chosen and CHANNELS[message.channel].configurable)
    ]


def still_due(due: Due, snapshot: Snapshot) -> bool:
    """Whether the record's plan holds this very entry, the appointment's status calls for it, and it has a reader.

    What has come due stays in the plan, so a schedule that fires late may meet an appointment cancelled since.
    """
    record, client, settings = snapshot.record, snapshot.clients.get(due.client_id), snapshot.settings
    if record is None or record.deleted or settings is None or not _is_planned(due, record):
        return False
    if due.audience == "collaborator":
        return staff_still_due(due.key, record, settings, snapshot.staff)
    # A schedule made before its client was merged into another names the id that leads there.
    if client is None or record.appointment.client_id not in (due.client_id, client.id):
        return False
    reminder = _reminder(due.key, client, settings)
    return reminder is None or called_for(reminder.when, record, settings.time_zone)


def deadline_of(due: Due, facts: Facts) -> datetime:
    """Say until when a reminder may go out: by its form in the client's preferences, for staff the organization's."""
    if due.key == REVIEW:
        return due.at + REVIEW_DEADLINE
    of_staff = due.audience == "collaborator"
    reminder = staff_reminder(facts.settings, due.key) if of_staff else _reminder(due.key, facts.client, facts.settings)
    return reminder_deadline(reminder.when, due.at, due.start) if reminder is not None else due.start


def _reminder(key: str, client: Client | None, settings: Settings) -> Reminder | None:
    known: Iterable[Reminder] = [*((client.reminders if client is not None else None) or []), *settings.reminders]
    return next((reminder for reminder in known if reminder.key == key), None)


def wanted(due: Due) -> Want:
    """Say what a reminder that is due depends on."""
    clients = (due.client_id,) if due.client_id else ()
    places = places_of(due, clients)
    return Want(due.org_id, record=due.record, clients=clients, staff=due.staff, texts=True, messages=tuple(places))


def places_of(due: Due, clients: Iterable[str]) -> list[MessageKey]:
    """Name where a reminder's messages may lie: with its collaborators, or with the ids that its client has had."""
    occasion = Occasion(due.record, reminder=due.key, start=due.start)
    if due.audience == "collaborator":
        return staff_reminder_places(due.org_id, occasion, due.staff)
    return [place for client_id in clients for place in reminder_places(due.org_id, occasion, client_id)]


def _is_planned(due: Due, record: StoredRecord) -> bool:
    wanted = (due.name, due.start, due.at, "planned", due.generation)
    return any((each.name, each.start, each.at, each.state, each.generation) == wanted for each in record.plan)
