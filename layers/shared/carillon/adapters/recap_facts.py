"""What a recap is written from: the lines of a day's list, as many as its channel has room for."""

from datetime import datetime

from carillon.adapters.rendering.formatting import Facts, Visit
from carillon.domain.channels import Channel
from carillon.domain.messages import Message
from carillon.domain.recaps import about
from carillon.domain.records import StoredRecord
from carillon.domain.settings import Settings
from carillon.ports.reading import Snapshot

EMAIL_ROOM = (500, 30_000)
ROOM: dict[Channel, tuple[int, int]] = {
    "email": EMAIL_ROOM,
    "sms": (20, 280),
    "whatsapp": (40, 700),
    "telegram": (80, 3_300),
    "viber": (150, 6_000),
}
"""How many appointments are listed on each channel, and in how many characters: an SMS stays within three parts."""


def recap_facts(message: Message, snapshot: Snapshot, settings: Settings, locale: str, now: datetime) -> Facts:
    """Put together what a recap says, in the reader's locale."""
    return Facts(
        settings=settings,
        locale=locale,
        now=now,
        staff=snapshot.staff.get(message.staff_id or ""),
        recap_day=about(message)[1],
        recap=[_visit(record, message, snapshot) for record in snapshot.day],
        recap_of_all=message.audience == "manager",
        recap_room=ROOM.get(message.channel or "email", EMAIL_ROOM),
    )


def _visit(record: StoredRecord, message: Message, snapshot: Snapshot) -> Visit:
    """Take an appointment as a line; a collaborator is told of his colleagues on it, not of himself."""
    client = snapshot.clients.get(record.appointment.client_id)
    others = [i for i in record.staff_ids if message.audience == "manager" or i != message.staff_id]
    names = [snapshot.staff[staff_id].name for staff_id in others if staff_id in snapshot.staff]
    return Visit(appointment=record.appointment, client=client.full_name if client else "", staff_names=names)
