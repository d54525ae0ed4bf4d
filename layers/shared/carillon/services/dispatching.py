"""dispatch_reminder: what is due is decided on with today's settings, stored, and put on its channel's queue."""

from collections.abc import Sequence
from datetime import datetime

from carillon.domain.catalog import reminder_template_key
from carillon.domain.channels import CHANNELS
from carillon.domain.clients import Client
from carillon.domain.decide import decide_reminder
from carillon.domain.decisions import Facts, Verdict
from carillon.domain.messages import REVIEW_DEADLINE, Message, MessageKey, Occasion, reminder_deadline, reminder_places
from carillon.domain.plan import called_for
from carillon.domain.recipients import client_recipient
from carillon.domain.records import StoredRecord
from carillon.domain.settings import Reminder, Settings
from carillon.domain.values import value
from carillon.ports.delivery import Connections
from carillon.ports.messages import Messages
from carillon.ports.queues import Due, Queues, Ready
from carillon.ports.reading import Reader, Snapshot, Want
from carillon.ports.system import Clock
from carillon.services.facts import facts_of
from carillon.services.making import MessageMaker
from carillon.services.storing import store_all
from carillon.services.waiting import hand_over

REVIEW = "review"


@value
class Dispatched:
    """What became of one due reminder, for the log: `fired`, `suppressed` or `stale_schedule`."""

    due: Due
    result: str
    reason: str | None = None


@value
class Dispatcher:
    """Turns due reminders into messages. A batch costs one read, a write per message and a queue send per channel."""

    reader: Reader
    messages: Messages
    queues: Queues
    connections: Connections
    maker: MessageMaker
    clock: Clock

    def dispatch(self, batch: Sequence[Due]) -> list[Dispatched]:
        """Decide, store and queue; whatever raises may be repeated as a whole."""
        wants = [
            Want(due.org_id, record=due.record, clients=(due.client_id,), texts=True, messages=_places(due))
            for due in batch
        ]
        ready: list[Ready] = []
        results: list[Dispatched] = []
        for due, snapshot in zip(batch, self.reader.read(wants), strict=True):
            made = self._decide(due, snapshot)
            if made is None or snapshot.settings is None or snapshot.record is None:
                results.append(Dispatched(due, "stale_schedule"))
                continue
            ready += store_all(self.messages, due.org_id, made, snapshot.record, snapshot.settings.retention_days)
            suppressed = [message.reason for message in made if message.status == "suppressed"]
            results.append(
                Dispatched(due, "suppressed" if suppressed else "fired", suppressed[0] if suppressed else None)
            )
        hand_over(self.queues, ready, self.clock.now())
        return results

    def _decide(self, due: Due, snapshot: Snapshot) -> list[Message] | None:
        record, client = snapshot.record, snapshot.clients.get(due.client_id)
        if record is None or client is None or not still_due(due, snapshot):
            return None
        facts = facts_of(snapshot, record, self.connections, client=client, now=self.clock.now())
        if facts is None:
            return None
        occasion = Occasion(record.ref, reminder=due.key, start=due.start)
        now = self.clock.now()
        deadline = deadline_of(due, client, facts)
        before = list(snapshot.messages.values())
        if now >= deadline and not before:
            recipient = client_recipient(client, facts.settings)
            template = reminder_template_key(due.key)
            return [self.maker.refuse(due.org_id, occasion, recipient, template, "too_late", deadline, now)]
        verdict = decide_reminder(due.key, facts)
        made = self.maker.make(due.org_id, occasion, verdict, deadline=deadline, now=now) if verdict else []
        return [*before, *_still_missing(made, before, verdict)] or None


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
    """Whether the record's plan holds this very entry, and the appointment's status calls for it.

    What has come due stays in the plan, so a schedule that fires late may meet an appointment cancelled since.
    """
    record, client, settings = snapshot.record, snapshot.clients.get(due.client_id), snapshot.settings
    if record is None or record.deleted or client is None or settings is None or not _is_planned(due, record, client):
        return False
    reminder = _reminder(due, client, settings)
    return reminder is None or called_for(reminder.when, record, settings.time_zone)


def deadline_of(due: Due, client: Client, facts: Facts) -> datetime:
    """Say until when a reminder may go out, by its form in the client's preferences."""
    if due.key == REVIEW:
        return due.at + REVIEW_DEADLINE
    reminder = _reminder(due, client, facts.settings)
    return reminder_deadline(reminder.when, due.at, due.start) if reminder is not None else due.start


def _reminder(due: Due, client: Client, settings: Settings) -> Reminder | None:
    known = [*(client.reminders or []), *settings.reminders]
    return next((reminder for reminder in known if reminder.key == due.key), None)


def _places(due: Due) -> tuple[MessageKey, ...]:
    occasion = Occasion(due.record, reminder=due.key, start=due.start)
    return tuple(reminder_places(due.org_id, occasion, due.client_id))


def _is_planned(due: Due, record: StoredRecord, client: Client) -> bool:
    wanted = (due.key, due.start, due.at, "planned", due.generation)
    planned = any((each.key, each.start, each.at, each.state, each.generation) == wanted for each in record.plan)
    # A schedule made before its client was merged into another names the id that leads there.
    return planned and record.appointment.client_id in (due.client_id, client.id)
