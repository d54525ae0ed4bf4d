"""Explain: what decide() says of a record, without sending anything, and what it has no reason to say.

Every answer comes from the functions that sending asks. Only what these pass over in silence is added: channels that a
rule leaves off, and reminders that the record's status, its plan or the clock rule out.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from carillon.domain.catalog import EVENT_ROWS, Audience, Collection
from carillon.domain.channels import LISTABLE
from carillon.domain.clients import Client
from carillon.domain.decide import PUSH, decide_event, decide_reminder, in_force
from carillon.domain.decide_staff import decide_staff_reminder, staff_reminder
from carillon.domain.decisions import Decision, Facts, Level, Verdict
from carillon.domain.messages import event_deadline, reminder_deadline
from carillon.domain.records import Event, Planned, reminder_name
from carillon.domain.rules import Rule, RuleChannel, RulesInForce
from carillon.domain.same_day import waits_for
from carillon.domain.settings import Reminder
from carillon.domain.times import parse_instant
from carillon.domain.values import value

COVERED = "covered_by_other_channel"
Place = tuple[str, str, str]
"""Audience, recipient reference, channel."""


@value
class Explanation:
    """One channel of one recipient: what would happen, when, by which rule or reminder, at which level that is set."""

    decision: Decision
    level: Level
    rule: str | None = None
    reminder: str | None = None
    at: datetime | None = None

    @property
    def would_send(self) -> bool:
        """Whether a message would go out."""
        return self.decision.send


def events_of(collection: Collection) -> tuple[str, ...]:
    """Name the events that a record of a collection can have, in the catalog's order."""
    return tuple(dict.fromkeys(row.event for row in EVENT_ROWS if row.group == collection and not row.posted))


def explain_event(event: Event, facts: Facts) -> list[Explanation]:
    """Explain an event as if it happened now: its rules, and the channels that they leave off."""
    decided = {_place(item): item for verdict in decide_event(event, facts) for item in _all(verdict)}
    everything = replace(facts, rules=_switched_on(facts.rules))
    start = facts.record.begins(facts.settings.time_zone)
    at = parse_instant(event.at)
    late = at >= event_deadline(event.type, at, start)
    found = []
    for verdict in decide_event(event, everything):
        for item in _all(verdict):
            known = decided.get(_place(item))
            told = known if known is not None else _refused(item, "rule_disabled")
            level = _level(told, _rules_level(facts))
            if late and told.send:
                told, level = _refused(told, "too_late"), "record"
            found.append(Explanation(told, level, rule=verdict.rule, at=told.not_before or at if told.send else None))
    return found


def explain_reminder(key: str, facts: Facts, now: datetime) -> list[Explanation]:
    """Explain a reminder: as its entries in the plan will be decided, or why there are none."""
    return [*_to_client(key, facts, now), *_to_staff(key, facts, now)]


def _to_client(key: str, facts: Facts, now: datetime) -> list[Explanation]:
    client, entry = facts.client, _entry(key, facts)
    if client is None or key not in {item.key for item in client.reminders or []}:
        return []
    meant = max(now, entry.fires) if entry is not None else now
    verdict = decide_reminder(key, replace(facts, now=meant))
    if verdict is None:
        return []
    listed = verdict.listed
    if any(_the_first_tells(item, key, entry, facts, now) for item in listed):
        # What the first one tells, it tells for all channels: those behind the chosen one would have nothing to say.
        listed = tuple(_shared(item) if item.send or item.reason == COVERED else item for item in listed)
    beside = tuple(item for item in verdict.beside if not _the_first_tells(item, key, entry, facts, now))
    verdict = replace(verdict, listed=listed, beside=beside)
    ruled_out = _ruled_out(entry, _reminder(client, key), facts, now)
    origin: Level = "client" if client.custom else "organization"
    return _of_reminder(key, verdict, entry, ruled_out, origin)


def _shared(decision: Decision) -> Decision:
    return replace(_refused(decision, "duplicate"), level="organization")


def _the_first_tells(decision: Decision, key: str, entry: Planned | None, facts: Facts, now: datetime) -> bool:
    """Whether an earlier appointment's reminder of the day will have been sent when this one is to go."""
    reminder = in_force(facts.client, key)
    if not decision.send or facts.same_day is None or reminder is None or entry is None:
        return False
    zone, beside = facts.settings.time_zone, decision.channel == PUSH
    limit = reminder_deadline(reminder.when, entry.at, entry.start)
    for earlier in facts.same_day.earlier:
        told = [each for each in earlier.messages if each.channel and (each.channel == PUSH) == beside]
        until = waits_for(earlier, key, told, now, zone)
        if until is None or until >= limit:
            continue
        verdict = decide_reminder(key, replace(facts, record=earlier.record, same_day=None, now=max(now, until)))
        if told or (verdict is not None and any((each.channel == PUSH) == beside for each in verdict.send)):
            return True
    return False


def _to_staff(key: str, facts: Facts, now: datetime) -> list[Explanation]:
    """Explain a reminder to the collaborators; the organization alone has set it."""
    entry = _entry(reminder_name(key, "collaborator"), facts)
    ruled_out = _ruled_out(entry, staff_reminder(facts.settings, key), facts, now)
    return [
        item
        for verdict in decide_staff_reminder(key, facts)
        for item in _of_reminder(key, verdict, entry, ruled_out, "organization")
    ]


def _entry(name: str, facts: Facts) -> Planned | None:
    return next((item for item in facts.record.plan if item.name == name and item.state != "cancelled"), None)


def _of_reminder(
    key: str, verdict: Verdict, entry: Planned | None, ruled_out: str | None, origin: Level
) -> list[Explanation]:
    found = []
    for item in _all(verdict):
        told, level = item, _level(item, origin)
        if ruled_out is not None and item.reason not in ("not_enrolled", "reminder_disabled"):
            told, level = _refused(item, ruled_out), "record"
        at = entry.at if entry is not None else None
        found.append(Explanation(told, level, reminder=key, at=told.not_before or at if told.send else at))
    return found


def _ruled_out(entry: Planned | None, reminder: Reminder | None, facts: Facts, now: datetime) -> str | None:
    """Say why the record itself rules a reminder out, whatever its channels are like."""
    if entry is None:
        return "superseded"
    if entry.state == "suppressed":
        return entry.reason or "too_late"
    if entry.fires <= now:
        return "duplicate"
    starts = facts.record.appointment.starts(facts.settings.time_zone)
    if reminder is not None and max(now, entry.fires) >= reminder_deadline(reminder.when, entry.at, starts):
        return "too_late"
    return None


def _reminder(client: Client, key: str) -> Reminder | None:
    return next((item for item in client.reminders or [] if item.key == key), None)


def _all(verdict: Verdict) -> Iterable[Decision]:
    return (*verdict.listed, *verdict.beside)


def _place(decision: Decision) -> Place:
    return decision.recipient.audience, decision.recipient.ref, decision.channel


def _refused(decision: Decision, reason: str) -> Decision:
    return replace(decision, send=False, reason=reason, not_before=None)


def _level(decision: Decision, origin: Level) -> Level:
    """Say where a decision is set: what sends, or is switched off, by who switched it; else where its obstacle is."""
    return origin if decision.send or decision.reason == "rule_disabled" else decision.level


def _rules_level(facts: Facts) -> Level:
    return "organization" if facts.rules.level == "organization" else "builtin"


def _switched_on(rules: RulesInForce) -> RulesInForce:
    every = {name: RuleChannel(enabled=True) for name in LISTABLE}

    def on(rule: Rule) -> Rule:
        kept = {name: replace(entry, enabled=True) for name, entry in rule.channels.items()}
        return replace(rule, channels={**every, **kept})

    return RulesInForce(replace(rules.rules, rules=[on(rule) for rule in rules.rules.rules]), rules.level)


def shown_recipient(audience: Audience, ref: str) -> str:
    """Name a recipient for people: `clients/42`, `staff/7`, a lead's `contact`, or the settings' one of a role."""
    kind, _, who = ref.partition(":")
    return {"c": f"clients/{who}", "s": f"staff/{who}", "t": "contact"}.get(kind, f"settings/{audience}")
