"""decide() for reminders to the collaborators: what the organization has set for them, whatever the client prefers."""

from collections.abc import Mapping

from carillon.domain.catalog import reminder_template_key
from carillon.domain.clients import Staff
from carillon.domain.decide import PUSH, Told, _place, _verdict, _without_doubles, obstacle, purpose_of
from carillon.domain.decisions import Facts, Verdict
from carillon.domain.plan import called_for, staff_reminders
from carillon.domain.recipients import staff_recipient
from carillon.domain.records import StoredRecord
from carillon.domain.settings import Reminder, Settings


def decide_staff_reminder(key: str, facts: Facts) -> list[Verdict]:
    """Decide on a reminder to each active collaborator: on every channel that the settings name, and push beside.

    Equal addresses are told once. Nobody's consent and no quiet hours: those are the clients'. Empty when the reminder
    is off.
    """
    reminder = staff_reminder(facts.settings, key)
    if reminder is None:
        return []
    template, told = reminder_template_key(key), Told()
    verdicts = []
    for member in collaborators(facts.record, facts.staff):
        recipient = staff_recipient(member, "collaborator", facts.settings)
        decisions = [
            _without_doubles(obstacle(recipient, name, template, purpose_of(template), facts), told)
            for name in (*reminder.channels, PUSH)
        ]
        told.update(_place(item) for item in decisions if item.send)
        verdicts.append(_verdict(recipient, template, decisions, "all"))
    return verdicts


def staff_reminder(settings: Settings, key: str) -> Reminder | None:
    """Find a reminder that the collaborators get, if it is on for them."""
    return next((each for each in staff_reminders(settings) if each.key == key), None)


def collaborators(record: StoredRecord, staff: Mapping[str, Staff]) -> list[Staff]:
    """Name the active members of staff on an appointment, in its order."""
    named = (staff.get(staff_id) for staff_id in dict.fromkeys(record.appointment.staff_ids))
    return [member for member in named if member is not None and member.active]


def staff_still_due(key: str, record: StoredRecord, settings: Settings, staff: Mapping[str, Staff]) -> bool:
    """Whether a collaborators' reminder is on, the appointment's status calls for it, and somebody is to get it."""
    reminder = staff_reminder(settings, key)
    if reminder is None or not called_for(reminder.when, record, settings.time_zone):
        return False
    return bool(collaborators(record, staff))
