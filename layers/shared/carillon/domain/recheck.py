"""Just before a message is claimed: whether it is still true, allowed, and in time."""

from dataclasses import replace
from datetime import datetime

from carillon.domain.catalog import REVIEW
from carillon.domain.decide import in_force, obstacle, purpose_of
from carillon.domain.decide_staff import staff_reminder
from carillon.domain.decisions import Decision, Facts
from carillon.domain.messages import Message, event_deadline
from carillon.domain.plan import called_for
from carillon.domain.recipients import (
    Recipient,
    client_recipient,
    contact_recipient,
    contact_ref,
    role_recipient,
    staff_recipient,
)
from carillon.domain.records import reminder_name
from carillon.domain.standing import stands
from carillon.domain.timing import event_in_time, reminder_in_time
from carillon.domain.values import value

GONE = "superseded"
"""What it was about is not so any more."""


@value
class Recheck:
    """`status` None: send it to `address`. Else the status and reason with which it leaves the queue.

    `queued`: it waits on, till `not_before`, and may go `until` then even where its deadline is sooner.
    """

    address: str = ""
    status: str | None = None
    reason: str | None = None
    not_before: datetime | None = None
    until: datetime | None = None


def recheck(message: Message, facts: Facts | None, now: datetime) -> Recheck:
    """Check a queued message against the newest state of everything it depends on.

    `facts` None: the record, or the whole organization, is gone.
    """
    if facts is None:
        return Recheck(status="suppressed", reason="superseded")
    if facts.organization.sends and now >= _deadline(message, facts):
        return Recheck(status="expired", reason="too_late")
    reason = _not_true_any_more(message, facts, now)
    recipient = recipient_of(message, facts)
    if reason is not None or recipient is None or message.channel is None:
        return Recheck(status="suppressed", reason=reason or "no_address")
    found = obstacle(recipient, message.channel, message.template, purpose_of(message.template), facts)
    found = _in_time(found, message, replace(facts, now=now))
    if not found.send:
        return Recheck(status="suppressed", reason=found.reason)
    if found.not_before is not None:
        return Recheck(status="queued", reason=found.reason, not_before=found.not_before, until=found.until)
    return Recheck(address=found.address or "")


def _in_time(decision: Decision, message: Message, facts: Facts) -> Decision:
    """Look at the quiet hours again: a late try must not fall into the night."""
    if message.origin == "manual":
        return decision
    if message.occasion.event is not None:
        return event_in_time(decision, message.occasion.event, purpose_of(message.template), facts)
    reminder = in_force(facts.client, str(message.occasion.reminder))
    return reminder_in_time(decision, reminder, facts) if reminder is not None else decision


def _deadline(message: Message, facts: Facts) -> datetime:
    """Say until when it may go: a booking that carries a later change has that change's start as its last instant."""
    if message.occasion.event is None:
        return message.deadline
    start = facts.record.begins(facts.settings.time_zone)
    return event_deadline(message.occasion.event, message.created_at, start)


def recipient_of(message: Message, facts: Facts) -> Recipient | None:
    """Find the recipient as he is now; None when he is gone."""
    ref = message.key.recipient
    if ref.startswith("c:"):
        client = facts.client
        return client_recipient(client, facts.settings) if client is not None and not client.removed else None
    if ref.startswith("s:"):
        member = facts.staff.get(ref[2:])
        return staff_recipient(member, message.audience, facts.settings) if member and member.active else None
    if ref.startswith("t:"):
        contact = facts.record.contact
        known = contact is not None and contact_ref(contact) == ref
        return contact_recipient(contact, facts.settings, facts.marks) if known and contact is not None else None
    return role_recipient(message.audience, ref, facts.settings, facts.organization)


def _staff_are_told(message: Message, facts: Facts) -> bool:
    """Whether the settings still have the collaborators reminded: the plan follows those in its own time."""
    reminder = staff_reminder(facts.settings, str(message.occasion.reminder))
    return reminder is not None and called_for(reminder.when, facts.record, facts.settings.time_zone)


def _not_true_any_more(message: Message, facts: Facts, now: datetime) -> str | None:
    record, occasion = facts.record, message.occasion
    ref, client_id = message.key.recipient, message.client_id
    if facts.client is not None and facts.client.id == record.client_id:
        # The message's client may have been merged into another since; then that one is meant.
        ref, client_id = f"c:{facts.client.id}" if ref.startswith("c:") else ref, facts.client.id
    if not facts.organization.sends:
        return "notifications_inactive"
    if record.deleted:
        return "superseded"
    if occasion.event is not None:
        return None if stands(occasion, message.audience, ref, record, facts.settings, now) else "superseded"
    named = reminder_name(str(occasion.reminder), "collaborator" if message.audience == "collaborator" else "client")
    planned = any(
        entry.name == named and entry.start == occasion.start and entry.state == "planned" for entry in record.plan
    )
    if message.audience == "collaborator":
        return None if planned and ref[2:] in record.appointment.staff_ids and _staff_are_told(message, facts) else GONE
    if not planned or record.client_id != client_id:
        return "superseded"
    if facts.client is None or not facts.client.enrolled or facts.client.removed:
        return "not_enrolled"
    reminder = in_force(facts.client, str(occasion.reminder))
    if reminder is None or (reminder.key == REVIEW and facts.settings.review.url is None):
        return "reminder_disabled"
    # An entry that has fired stays in the plan; the appointment's status may have changed since.
    return None if called_for(reminder.when, record, facts.settings.time_zone) else "superseded"
