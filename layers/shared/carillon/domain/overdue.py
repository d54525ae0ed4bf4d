"""Overdue tasks: when one is, and the one entry of its plan that sees to it."""

from collections.abc import Sequence
from datetime import datetime

from carillon.domain.record_documents import Task
from carillon.domain.records import Planned, StoredRecord
from carillon.domain.times import iso, start_instant

OVERDUE = "overdue"
"""The key of a task's plan entry. It goes to the assignees and the author, by the rules of `task.overdue`."""
FIRED_KEPT = 3


def due_instant(task: Task, zone: str) -> datetime | None:
    """Say when a task is due: an instant, or a wall time in the organization's zone."""
    return start_instant(task.due, zone) if task.due is not None else None


def plan_overdue(
    task: Task, previous: Sequence[Planned], *, zone: str, now: datetime, revision: int
) -> tuple[Planned, ...]:
    """Plan what follows when a task's due time passes while it is open; planning again changes nothing.

    A due time that has passed already when it is stated tells nobody: whoever states it knows. What came due stays in
    the plan while the task is open, so that whoever looks late finds it.
    """
    due = due_instant(task, zone) if task.status == "open" else None
    if due is None:
        return ()
    same = next((entry for entry in previous if entry.start == due and entry.state == "planned"), None)
    if same is not None:
        return (same,)
    return (Planned(OVERDUE, due, due, "planned", revision),) if due > now else ()


def mark_of(due: datetime) -> str:
    """Name a due time among those that have been announced (`StoredRecord.fired`)."""
    return f"{OVERDUE} {iso(due)}"


def has_fired(record: StoredRecord, due: datetime) -> bool:
    """Whether a due time was announced, or passed over for good."""
    return mark_of(due) in record.fired


def fired_with(record: StoredRecord, due: datetime) -> tuple[str, ...]:
    """Give the marks with one more; only the latest matter, since a due time in the past is never planned."""
    return (*(mark for mark in record.fired if mark != mark_of(due)), mark_of(due))[-FIRED_KEPT:]
