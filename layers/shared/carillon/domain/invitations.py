"""Which messages carry a calendar file, and what the entry in the calendar is."""

from typing import Literal

from carillon.domain.messages import Message
from carillon.domain.record_documents import CONFIRMED
from carillon.domain.records import StoredRecord

Method = Literal["REQUEST", "CANCEL"]
"""REQUEST makes an entry or moves it, CANCEL takes it out; both name the same entry."""

_AGREED = frozenset({"appointment.booked", "appointment.accepted"})
_ENTERING = _AGREED | {"appointment.changed"}
_KEPT_WHOLE = 6
"""A list of what was announced that is as long as this may have lost its oldest."""


def method_of(message: Message, record: StoredRecord) -> Method | None:
    """Say what a message does in the recipient's calendar; None: nothing.

    Bookings, changes and cancellations do, to the client and the collaborators. Reminders don't: the entry is there,
    and another file would overwrite what people have noted in it. What isn't agreed yet enters no calendar, and what
    never was needs no cancelling there.
    """
    if message.audience not in ("client", "collaborator"):
        return None
    event = message.occasion.event
    if event in _ENTERING:
        return "REQUEST" if record.appointment.status in CONFIRMED else None
    if event == "appointment.cancelled" and _was_agreed(record):
        return "CANCEL"
    return None


def entry_of(message: Message, record: StoredRecord) -> tuple[str, str]:
    """Name the entry: the record, and whose calendar it stands in.

    Each person has an entry of his own, so that an appointment which passes from one to another in a shared mailbox
    is not cancelled there by the message to the first. A client that was merged keeps the name it had.
    """
    holder = message.client_id or message.key.recipient
    if message.client_id is not None and record.former:
        same = message.client_id == record.appointment.client_id or message.client_id in record.former
        holder = record.former[0] if same else holder
    return record.ref, holder


def _was_agreed(record: StoredRecord) -> bool:
    told = {event for event, _ in record.announced}
    return bool(told & _AGREED) or len(record.announced) >= _KEPT_WHOLE
