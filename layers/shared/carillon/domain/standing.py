"""Whether a message still tells the truth: the record's state calls for it, and for telling it to this recipient."""

from datetime import datetime

from carillon.domain.audiences import client_ref, staff_as
from carillon.domain.catalog import Audience
from carillon.domain.messages import Occasion
from carillon.domain.overdue import due_instant
from carillon.domain.record_documents import Lead, Order, Task
from carillon.domain.records import StoredRecord
from carillon.domain.settings import Settings
from carillon.domain.transitions import is_final


def stands(
    occasion: Occasion, audience: Audience, recipient_ref: str, record: StoredRecord, settings: Settings, now: datetime
) -> bool:
    """Whether a record's state still calls for the message about an event to this recipient."""
    if record.collection == "appointments":
        return still_called_for(str(occasion.event), audience, recipient_ref, record)
    named = staff_as(record.document, audience)
    here = recipient_ref == client_ref(record) if named is None else recipient_ref[2:] in named
    return here and _true(occasion, record, settings, now)


def _true(occasion: Occasion, record: StoredRecord, settings: Settings, now: datetime) -> bool:
    match record.document, occasion.event:
        case (Order() | Lead()) as about, ("order.status_changed" | "lead.status_changed"):
            return occasion.status is None or about.status == occasion.status
        case Order() as order, "order.completed":
            return is_final(order, settings)
        case Task() as task, "task.completed":
            return task.status == "done"
        case Task() as task, "task.overdue":
            due = due_instant(task, settings.time_zone)
            return task.status == "open" and due is not None and due <= now
        case Task() as task, _:
            return task.status == "open"
    return True


def still_called_for(event: str, audience: Audience, recipient_ref: str, record: StoredRecord) -> bool:
    """Whether a record's state still calls for an event's message to this recipient."""
    appointment, who = record.appointment, recipient_ref[2:]
    here = {"client": who == appointment.client_id, "collaborator": who in appointment.staff_ids}.get(audience, True)
    if event == "appointment.cancelled":
        # Also for whoever it was taken from: the appointment goes on without him.
        return appointment.status == "cancelled" or not here
    return here and appointment.status in STILL_TRUE_IN.get(event, frozenset({appointment.status}))


STILL_TRUE_IN: dict[str, frozenset[str]] = {
    "appointment.booked": frozenset({"booked", "accepted", "completed"}),
    "appointment.accepted": frozenset({"booked", "accepted", "completed"}),
    "appointment.changed": frozenset({"booked", "accepted", "requested", "awaiting_payment"}),
    "appointment.requested": frozenset({"requested"}),
    "appointment.refused": frozenset({"refused"}),
    "appointment.completed": frozenset({"completed"}),
    "appointment.no_show": frozenset({"no_show"}),
    "appointment.payment_required": frozenset({"awaiting_payment"}),
}
"""In which statuses of the appointment a message about an event still tells the truth."""
