"""Storing messages before they are queued: what exists already is queued again, and its claim decides."""

from collections.abc import Iterable

from carillon.domain.messages import Message
from carillon.domain.posted import reference
from carillon.domain.rates import RATE_LIMITED, is_patient
from carillon.domain.records import Planned, StoredRecord
from carillon.ports.messages import Messages
from carillon.ports.queues import Due, Ready


def store_all(
    messages: Messages,
    org_id: str,
    made: Iterable[Message],
    record: StoredRecord,
    retention_days: int,
    *,
    kept: list[Message] | None = None,
) -> list[Ready]:
    """Store messages (each once, however often this runs) and name those that are to be queued.

    One that existed before is named too: whoever stored it may have died before queueing it. Raises Exhausted when
    the quota of one is; those before it are stored then, and in `kept`.
    """
    ready = []
    for message in made:
        messages.create(org_id, message, retention_days=retention_days)
        if kept is not None:
            kept.append(message)
        if message.status == "queued" and message.channel is not None:
            ready.append(ready_of(org_id, message, record))
    return ready


def ready_of(org_id: str, message: Message, record: StoredRecord) -> Ready:
    """Name a stored message to its channel's queue, with what its sender will read along."""
    if message.channel is None:
        raise ValueError("a decision not to send is not queued")
    return Ready(
        org_id=org_id,
        channel=message.channel,
        key=message.key,
        record=record.ref,
        client_id=record.client_id or "",
        staff=record.staff_ids,
        at=message.not_before,
        paced=_is_paced(message),
        patient=is_patient(message),
        deadline=message.deadline,
    )


def due_of(org_id: str, record: StoredRecord, entry: Planned) -> Due:
    """Name an entry of a record's plan as a reminder that comes due."""
    return Due(
        org_id=org_id,
        record=record.ref,
        client_id=record.client_id or "",
        key=entry.key,
        start=entry.start,
        at=entry.at,
        generation=entry.generation,
        early=entry.early,
        audience=entry.audience,
        staff=record.staff_ids if entry.audience == "collaborator" else (),
    )


def ready_alone(org_id: str, message: Message) -> Ready:
    """Name a stored message that is about no record to its channel's queue; a posted event is read along."""
    if message.channel is None:
        raise ValueError("a decision not to send is not queued")
    occasion = message.occasion
    about = reference(occasion.id) if occasion.kind == "posted" else ""
    return Ready(
        org_id,
        message.channel,
        message.key,
        about,
        "",
        at=message.not_before,
        paced=_is_paced(message),
        patient=is_patient(message),
        deadline=message.deadline,
    )


def _is_paced(message: Message) -> bool:
    """Whether its turn was given by the organization's rate."""
    return message.not_before is not None and message.reason == RATE_LIMITED
