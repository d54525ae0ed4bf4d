"""What happened to an order, a lead or a task: tables from what differs between two statements to events."""

from typing import Literal

from carillon.domain.audiences import staff_as
from carillon.domain.catalog import Audience
from carillon.domain.record_documents import Actor, Lead, Order, Task
from carillon.domain.records import Event
from carillon.domain.settings import Settings
from carillon.domain.transitions import is_final
from carillon.domain.values import value

Business = Order | Lead | Task
Difference = Literal["new", "staffed", "finished", "status"]
"""`new`: it was not there, and is not history that is being imported. `staffed`: somebody joined a list of members of
staff. `finished`: it is final, or done, and was not. `status`: the status is another one."""


@value
class Row:
    """One line of a table: an event, the difference it is derived from, and whose joining makes it.

    `joining` tells those who joined alone, as that audience.
    """

    event: str
    by: Difference
    joining: Audience | None = None


TABLES: dict[type[Business], tuple[Row, ...]] = {
    Order: (
        Row("order.created", "new"),
        Row("order.assigned", "staffed", "executor"),
        Row("order.assigned", "staffed", "order_manager"),
        Row("order.completed", "finished"),
        Row("order.status_changed", "status"),
    ),
    Lead: (
        Row("lead.created", "new"),
        Row("lead.assigned", "staffed", "lead_manager"),
        Row("lead.status_changed", "status"),
    ),
    Task: (
        Row("task.created", "new"),
        Row("task.assigned", "staffed", "assignee"),
        Row("task.completed", "finished"),
    ),
}
"""In the order in which the events of one change are told: whoever joins is told that, the end weighs more than the
status (unless a rule bound to the very status tells it), and nobody is told of one change twice."""


def differences(before: Business | None, after: Business, settings: Settings) -> set[Difference]:
    """Name what differs. What is new as final or done is history: nothing of it is told."""
    if before is None:
        return set() if is_final(after, settings) else {"new"}
    found: set[Difference] = set()
    if before.status != after.status:
        found.add("status")
    if is_final(after, settings) and not is_final(before, settings):
        found.add("finished")
    if not (isinstance(after, Task) and is_final(after, settings)):
        found.add("staffed")
    return found


def derive_of(
    before: Business | None, after: Business, *, actor: Actor, version: int, at: str, settings: Settings
) -> list[Event]:
    """Derive what happened between two statements, in the order of telling.

    Whoever is on it from the start has not joined: he is told that it is new.
    """
    differing = differences(before, after, settings)
    events = []
    for row in TABLES[type(after)]:
        if row.by not in differing:
            continue
        joined = _joined(before, after, row.joining) if row.joining is not None else None
        if row.joining is not None and not joined:
            continue
        events.append(
            Event(
                type=row.event,
                version=version,
                at=at,
                actor=actor,
                client_id=None if isinstance(after, Task) else after.client_id,
                audiences=[row.joining] if row.joining is not None else None,
                staff=joined,
                status=None if isinstance(after, Task) else after.status,
                was=None if isinstance(before, Task) or before is None else before.status,
            )
        )
    return events


def overdue_event(record_version: int, now: str) -> Event:
    """Make the event of a task whose due time has passed."""
    return Event(type="task.overdue", version=record_version, at=now, actor=Actor())


def _joined(before: Business | None, after: Business, audience: Audience) -> list[str]:
    known = set(staff_as(before, audience) or ()) if before is not None else set()
    return [each for each in dict.fromkeys(staff_as(after, audience) or ()) if each not in known]
