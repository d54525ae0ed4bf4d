"""From what is stored and what is stated now to what happened: the matrix of the statuses, and the events."""

from collections.abc import Callable
from datetime import datetime

from carillon.domain.record_documents import CONFIRMED, LIVE, Actor, Appointment, Lead, Order, Status, Task
from carillon.domain.records import Event
from carillon.domain.settings import Settings
from carillon.domain.times import iso, start_instant

ANY = "*"
NEW = "new"
BOOKED, CHANGED, CANCELLED = "appointment.booked", "appointment.changed", "appointment.cancelled"

MATRIX: dict[tuple[str, str], str] = {
    (NEW, "booked"): BOOKED,
    (NEW, "accepted"): BOOKED,
    (NEW, "requested"): "appointment.requested",
    (NEW, "awaiting_payment"): "appointment.payment_required",
    ("requested", "booked"): "appointment.accepted",
    ("requested", "accepted"): "appointment.accepted",
    ("requested", "refused"): "appointment.refused",
    **{
        (before, after): BOOKED
        for before in ("awaiting_payment", "cancelled", "refused", "no_show")
        for after in ("booked", "accepted")
    },
    (ANY, "requested"): "appointment.requested",
    (ANY, "cancelled"): CANCELLED,
    (ANY, "completed"): "appointment.completed",
    (ANY, "no_show"): "appointment.no_show",
    (ANY, "awaiting_payment"): "appointment.payment_required",
}
"""From and to. `*` stands for every stored status other than the new one; a pair not listed is no event."""

CARRIERS: frozenset[str] = frozenset(
    {BOOKED, "appointment.requested", "appointment.accepted", "appointment.payment_required"}
)
"""Messages that say what an appointment is: one that still waits goes out with the new values instead of a change."""


def status_event(before: Status | None, after: Status) -> str | None:
    """Name the event of a change of status, or None where there is none.

    `accepted` is a synonym of `booked`, so going from one to the other is no change.
    """
    if before == after or (before in CONFIRMED and after in CONFIRMED):
        return None
    if before is None:
        return MATRIX.get((NEW, after))
    return MATRIX.get((before, after)) or MATRIX.get((ANY, after))


def is_final(about: Order | Lead | Task, settings: Settings) -> bool:
    """Whether nothing follows any more: it says so itself, or its status does among the business's own."""
    if isinstance(about, Task):
        return about.status == "done"
    known = settings.order_statuses if isinstance(about, Order) else settings.lead_statuses
    return about.final or any(status.key == about.status and status.final for status in known)


def changed_fields(before: Appointment, after: Appointment, zone: str) -> list[str]:
    """Name the differences that are worth an event: start, duration, service, location, staff."""
    names = [
        name for name in ("duration_minutes", "service", "location") if getattr(before, name) != getattr(after, name)
    ]
    # Compared as instants: "14:30" in another zone is another time, the same instant with an offset is no move.
    moved = _instant(before, zone) != _instant(after, zone)
    if moved:
        names.append("start")
    if set(before.staff_ids) != set(after.staff_ids):
        names.append("staff_ids")
    return names


def _instant(appointment: Appointment, zone: str) -> datetime:
    return start_instant(appointment.start, appointment.time_zone or zone)


def derive(
    before: Appointment | None, after: Appointment, *, actor: Actor, version: int, now: datetime, zone: str
) -> list[Event]:
    """Derive what happened between two states of an appointment; at most one event per recipient.

    A collaborator who was added gets `booked`, one who was removed `cancelled`, and so does a client when the
    appointment passes to another; the others get the change. A change of status wins over a change of fields, and
    whoever it is taken from by the same change is told that much.
    """

    def event(
        kind: str,
        *,
        client: str = after.client_id,
        audiences: list[str] | None = None,
        staff: list[str] | None = None,
    ) -> Event:
        at = iso(now)
        return Event(type=kind, version=version, at=at, actor=actor, client_id=client, audiences=audiences, staff=staff)

    by_status = status_event(before.status if before else None, after.status)
    if before is None:
        events = [event(by_status)] if by_status else []
    elif by_status is not None:
        told = sorted(before.staff_ids) if by_status == CANCELLED else None
        client = before.client_id if by_status == CANCELLED else after.client_id
        parted = _partings(before, after, event) if before.status in LIVE and after.status in LIVE else []
        events = [*parted, event(by_status, client=client, staff=told)]
    elif after.status in LIVE:
        events = _handovers(before, after, event, changed_fields(before, after, zone))
    else:
        events = []
    return events


def _partings(before: Appointment, after: Appointment, event: Callable[..., Event]) -> list[Event]:
    removed = sorted(set(before.staff_ids) - set(after.staff_ids))
    events = [event(CANCELLED, audiences=["collaborator"], staff=removed)] if removed else []
    if before.client_id != after.client_id:
        events.insert(0, event(CANCELLED, client=before.client_id, audiences=["client"]))
    return events


def _handovers(before: Appointment, after: Appointment, event: Callable[..., Event], changed: list[str]) -> list[Event]:
    events = _partings(before, after, event)
    passed_on = before.client_id != after.client_id
    added = sorted(set(after.staff_ids) - set(before.staff_ids))
    removed = sorted(set(before.staff_ids) - set(after.staff_ids))
    kept = sorted(set(after.staff_ids) & set(before.staff_ids))
    if passed_on:
        events.append(event(BOOKED, audiences=["client"]))
    if added:
        events.append(event(BOOKED, audiences=["collaborator"], staff=added))
    # Last: who is told as one of the above is not told as a manager too.
    if changed or passed_on:
        rest = ["collaborator", "manager", "owner"] if passed_on else None
        events.append(event(CHANGED, audiences=rest, staff=kept if added or removed else None))
    return events
