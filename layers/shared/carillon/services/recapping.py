"""send_recap: a day's list that is due is decided on with today's settings, stored for each recipient, and queued.

A message's key says which day it lists, for whom and on which channel, so a day is told once, whatever repeats and
whichever setting called for it. The occurrence is noted as dealt with last; before that everything may be done again.
What a message says is not stored: its sender reads the day again.
"""

from collections.abc import Iterator, Sequence
from datetime import date, datetime

from carillon.domain.channels import Channel
from carillon.domain.decide import without
from carillon.domain.decisions import Account, Verdict
from carillon.domain.messages import Message, MessageKey, message_key
from carillon.domain.organizations import Organization
from carillon.domain.quota import Exhausted
from carillon.domain.recaps import (
    DEADLINE,
    TEMPLATE,
    CronPlan,
    decide_recap,
    listed_day,
    occasion_of,
    occurrence,
    of_kind,
    on_the_list,
    span,
)
from carillon.domain.settings import Settings
from carillon.domain.times import iso
from carillon.domain.values import value
from carillon.ports.delivery import Connections
from carillon.ports.messages import Messages
from carillon.ports.queues import Queues
from carillon.ports.reading import Reader, Want
from carillon.ports.recaps import Days, RecapDue, RecapPlans
from carillon.ports.system import Clock
from carillon.services.facts import account_of
from carillon.services.making import MessageMaker
from carillon.services.recap_schedules import cron_name_of
from carillon.services.storing import ready_alone
from carillon.services.waiting import hand_over


@value
class Recapped:
    """What became of a recap that was due, for the log.

    `result`: `recapped`, `recapped_before`, `not_its_time` (the schedule's other time, for days whose clocks change) or
    `stale_schedule`. `messages`: how many were queued, `suppressed`: how many people are told nothing though they
    should be.
    """

    due: RecapDue
    result: str
    day: date | None = None
    appointments: int = 0
    messages: int = 0
    suppressed: int = 0


@value
class Recapper:
    """Turns recaps that are due into messages: some reads, a write for each message, and one when all is done."""

    reader: Reader
    days: Days
    plans: RecapPlans
    messages: Messages
    queues: Queues
    connections: Connections
    maker: MessageMaker
    clock: Clock

    def tell(self, due: RecapDue) -> Recapped:
        """Decide, store and queue; whatever raises may be repeated as a whole."""
        snapshot = self.reader.read([Want(due.org_id, texts=True)])[0]
        plan = self.plans.load(due.org_id)
        stray = self._is_stray(due, plan)
        facts = account_of(snapshot, self.connections, now=self.clock.now())
        if facts is None or not _is_on(due, facts.organization, facts.settings):
            return Recapped(due, "stale_schedule")
        meant = occurrence(due.kind, facts.settings, due.at)
        if meant is None:
            return Recapped(due, "stale_schedule" if stray else "not_its_time")
        day, at = listed_day(due.kind, facts.settings, meant[0]), meant[1]
        if due.kind in plan.done and plan.done[due.kind] >= at:
            return Recapped(due, "recapped_before", day)
        recapped = self._tell(due, day, at, facts)
        self.plans.done(due.org_id, due.kind, at)
        return recapped

    def _tell(self, due: RecapDue, day: date, at: datetime, facts: Account) -> Recapped:
        org_id, settings, now = due.org_id, facts.settings, self.clock.now()
        records = on_the_list(self.days.between(org_id, *span(day, settings.time_zone)), day, settings)
        staff = self.reader.all_staff(org_id)
        verdicts = decide_recap(due.kind, day, facts, staff, records)
        places = {verdict.recipient.ref: list(self._places(due, day, verdict)) for verdict in verdicts}
        wanted = tuple(place for some in places.values() for place in some)
        stored = self.reader.read([Want(org_id, messages=wanted)])[0].messages if wanted else {}
        told: list[Message] = []
        for verdict in verdicts:
            before = [stored[place] for place in places[verdict.recipient.ref] if place in stored]
            told += [*before, *self._keep(due, day, at, verdict, before, settings.retention_days)]
        waiting = [message for message in told if message.status == "queued" and message.channel is not None]
        hand_over(self.queues, [ready_alone(org_id, message) for message in waiting], now)
        suppressed = sum(message.status == "suppressed" for message in told)
        return Recapped(due, "recapped", day, len(records), len(waiting), suppressed)

    def _keep(
        self, due: RecapDue, day: date, at: datetime, verdict: Verdict, before: Sequence[Message], days: int
    ) -> list[Message]:
        """Store what somebody is told; a channel whose quota turns out to be exhausted is left out."""
        new = _still_missing(self._make(due, day, at, verdict, self.clock.now()), before)
        try:
            for message in new:
                self.messages.create(due.org_id, message, retention_days=days)
        except Exhausted as error:
            return self._keep(due, day, at, without(verdict, error.bucket), before, days)
        return new

    def _make(self, due: RecapDue, day: date, at: datetime, verdict: Verdict, now: datetime) -> list[Message]:
        occasion, deadline = occasion_of(due.kind, day), at + DEADLINE
        if now >= deadline and verdict.send:
            recipient = verdict.recipient
            return [self.maker.refuse(due.org_id, occasion, recipient, TEMPLATE, "too_late", deadline, now)]
        return self.maker.make(due.org_id, occasion, verdict, deadline=deadline, now=now)

    def _places(self, due: RecapDue, day: date, verdict: Verdict) -> Iterator[MessageKey]:
        occasion, person = occasion_of(due.kind, day), verdict.recipient
        channels: list[Channel | None] = [*(decision.channel for decision in verdict.listed), None]
        for channel in channels:
            yield message_key(due.org_id, occasion, person.audience, person.ref, channel)

    def _is_stray(self, due: RecapDue, plan: CronPlan) -> bool:
        """Whether its schedule is one that nobody knows of; then it is to be removed."""
        stray = due.name != "" and due.name not in {cron_name_of(due.org_id, cron) for cron in plan.live}
        if stray:
            job = {"kind": "recaps", "o": due.org_id, "since": iso(self.clock.now()), "stale": [due.name]}
            self.queues.send_job(job)
        return stray


def _is_on(due: RecapDue, organization: Organization, settings: Settings) -> bool:
    return organization.sends and of_kind(due.kind, settings).enabled


def _still_missing(made: Sequence[Message], before: Sequence[Message]) -> list[Message]:
    """Leave out what must not stand beside `before`: whoever stored that may have died on the way.

    On its channels each message stands by itself; a decision to tell somebody nothing stands alone.
    """
    channels = {message.channel for message in before}
    if None in channels or (before and any(message.channel is None for message in made)):
        return []
    return [message for message in made if message.channel not in channels]
