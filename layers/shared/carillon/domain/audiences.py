"""Audiences: who is meant by each of them, on a record and in an organization."""

from collections.abc import Sequence

from carillon.domain.catalog import Audience
from carillon.domain.decisions import Facts
from carillon.domain.recipients import (
    Recipient,
    client_recipient,
    contact_recipient,
    contact_ref,
    role_recipient,
    staff_recipient,
)
from carillon.domain.record_documents import Appointment, Document, Lead, Order, Task
from carillon.domain.records import Event, StoredRecord


def staff_as(document: Document, audience: Audience) -> Sequence[str] | None:
    """Name the members of staff whom a record names as an audience; None for one that no record names."""
    match document, audience:
        case Appointment(), "collaborator":
            return document.staff_ids
        case Order(), "executor":
            return document.executor_ids
        case Order(), "order_manager":
            return document.manager_ids
        case Lead(), "lead_manager":
            return document.manager_ids
        case Task(), "assignee":
            return document.assignee_ids
        case Task(), "author":
            return [document.author_id]
    return None


def client_ref(record: StoredRecord) -> str | None:
    """Name the client a record is about, or a lead's contact, as a recipient; None for a record about nobody."""
    if record.client_id is not None:
        return f"c:{record.client_id}"
    return contact_ref(record.contact) if record.contact is not None else None


def recipients(audience: Audience, event: Event, facts: Facts) -> list[Recipient]:
    """Find everybody whom an event concerns as an audience, as they are now."""
    settings, record = facts.settings, facts.record
    if audience == "client":
        if facts.client is None and record.contact is not None:
            return [contact_recipient(record.contact, settings, facts.marks)]
        return [client_recipient(facts.client, settings)] if facts.client is not None else []
    named = staff_as(record.document, audience)
    if named is not None:
        # Who was taken off an appointment is told so, and is not on it any more.
        left = event.staff if event.staff is not None and audience == "collaborator" else None
        ids = left if left is not None else [each for each in named if event.staff is None or each in event.staff]
        known = [facts.staff[staff_id] for staff_id in dict.fromkeys(ids) if staff_id in facts.staff]
        return [staff_recipient(member, audience, settings) for member in known if member.active]
    of_role = [member for member in facts.staff.values() if member.active and audience in member.roles]
    members = [staff_recipient(member, audience, settings) for member in of_role]
    # The day of the event is part of the reference, so that one busy role does not become one hot partition.
    role = role_recipient(audience, f"r:{audience}#{event.at[:10]}", settings, facts.organization)
    return [*members, role] if role is not None else members
