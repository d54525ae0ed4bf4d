"""What a record gives a text to say: its own values, and whoever it is about."""

from collections.abc import Mapping
from typing import Any

from carillon.domain.clients import Client, Staff
from carillon.domain.codec import to_data
from carillon.domain.record_documents import Appointment, Contact, Lead, Order, Task
from carillon.domain.records import StoredRecord


def about(record: StoredRecord, client: Client | None, staff: Mapping[str, Staff]) -> dict[str, Any]:
    """Give the facts of a record for a text (`formatting.Facts`), the client among them."""
    document = record.document
    names = [staff[staff_id].name for staff_id in record.staff_ids if staff_id in staff]
    known: dict[str, Any] = {"client": client, "staff_names": names, "fields": dict(document.fields)}
    match document:
        case Appointment():
            return known | {"appointment": document}
        case Order():
            return known | {"order": to_data(document)}
        case Lead():
            person = client or (_person(document.contact) if document.contact is not None else None)
            return known | {"client": person, "lead": _lead(document, person)}
        case Task():
            author = staff.get(document.author_id)
            return known | {"task": to_data(document) | {"author": author.name if author is not None else None}}


def _person(contact: Contact) -> Client:
    """Take a contact as somebody to write to, for the words alone."""
    return Client(
        id="-", first_name=contact.name, email=contact.email, phone=contact.phone, locale=contact.locale, enrolled=False
    )


def _lead(lead: Lead, person: Client | None) -> dict[str, Any]:
    who = {"name": person.full_name, "phone": person.phone, "email": person.email} if person is not None else {}
    return {"status": lead.status, "summary": lead.summary, **who}
