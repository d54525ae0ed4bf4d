"""Due times of tasks on their way: told apart from reminders, and asked for again when they come too soon."""

from datetime import datetime
from math import ceil
from typing import Any

from carillon.domain.overdue import has_fired
from carillon.domain.record_documents import Task
from carillon.domain.records import StoredRecord
from carillon.domain.times import iso
from carillon.ports.queues import Due


def is_of_task(due: Due) -> bool:
    """Whether something that is due is a task's due time and not a reminder."""
    return due.record.startswith("tasks/")


def still_overdue(due: Due, record: StoredRecord) -> bool:
    """Whether a task's plan holds this very entry, it is open, and this due time was not announced yet."""
    if record.deleted or not isinstance(record.document, Task) or record.document.status != "open":
        return False
    planned = any(
        (entry.key, entry.start, entry.generation, entry.state) == (due.key, due.start, due.generation, "planned")
        for entry in record.plan
    )
    return planned and not has_fired(record, due.start)


def overdue_job(due: Due) -> dict[str, Any]:
    """Write the job that looks at a task's due time once it has passed."""
    times = {"start": iso(due.start), "at": iso(due.at)}
    return {
        "kind": "overdue",
        "o": due.org_id,
        "r": due.record,
        "c": "",
        "key": due.key,
        **times,
        "gen": due.generation,
    }


def seconds_until(due: Due, now: datetime) -> int:
    """Say how long a job is to be held back, rounded up so that it never comes before its time."""
    return max(0, ceil((due.at - now).total_seconds()))
