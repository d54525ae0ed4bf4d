"""Records as the API shows them."""

from typing import Any, Literal, TypeVar

from carillon.domain.catalog import Audience
from carillon.domain.channels import Channel
from carillon.domain.constraints import Id, Instant, document
from carillon.domain.decisions import Level
from carillon.domain.explaining import Explanation, shown_recipient
from carillon.domain.ids import digest
from carillon.domain.listing import ListQuery
from carillon.domain.record_documents import Appointment, Lead, Order, Task
from carillon.domain.records import Reminded, StoredRecord
from carillon.domain.times import iso
from carillon.services.reminders import ReminderState

V = TypeVar("V")


@document
class ReminderView:
    """A planned reminder and what became of it; `at` is the intended instant.

    `audience`: whom it is for, the client or the collaborators of the appointment; null for a task's due time.
    """

    id: str
    key: str
    record: str
    client_id: str | None
    at: Instant
    state: Literal["planned", "fired", "suppressed", "cancelled"]
    reason: str | None = None
    audience: Reminded | None = "client"


@document
class Followed:
    """What a record has beside what was stated. `events` are those that this call made.

    `stale`: an older `updated_at` was ignored.
    """

    id: Id
    version: int
    created_at: Instant
    updated_at: Instant | None = None
    events: list[str]
    reminders: list[ReminderView]
    stale: bool = False


@document
class AppointmentView(Appointment, Followed):
    """An appointment as stored."""


@document
class OrderView(Order, Followed):
    """An order as stored."""


@document
class LeadView(Lead, Followed):
    """A lead as stored; a contact's phone in E.164."""


@document
class TaskView(Task, Followed):
    """A task as stored; its due time ahead is among `reminders`, under the key `overdue`."""


@document
class RemindersView:
    """The reminders of one record."""

    items: list[ReminderView]
    next_cursor: str | None = None


@document
class AppointmentQuery(ListQuery):
    """Which appointments: those that start at or after `from` (default: now)."""

    from_: Instant | None = None


@document
class ChangedQuery(ListQuery):
    """Which records: those that changed on the day of `from` (in UTC; default: a week ago) or since.

    A task that is due later stands where it is due.
    """

    from_: Instant | None = None


@document
class ReminderQuery(ListQuery):
    """Which reminders: of a client, of a record (`appointments/42`), or due in [`from`, `to`)."""

    client_id: Id | None = None
    record: str | None = None
    from_: Instant | None = None
    to: Instant | None = None


@document
class ExplainedView:
    """What would happen on one channel of one recipient.

    `rule` or `reminder` names what it is about; `recipient` is `clients/42`, `staff/7`, or `settings/manager`.
    `level`: where it is set. `at`: when it would go.
    """

    rule: str | None
    reminder: str | None
    audience: Audience
    recipient: str
    channel: Channel
    would_send: bool
    reason: str | None
    level: Level
    address: str | None
    at: Instant | None
    template: str


@document
class ExplanationView:
    """What would be sent about a record, and what would not."""

    items: list[ExplainedView]


def explained_view(found: Explanation) -> ExplainedView:
    """Show an explanation; a held message that will go has no reason against it."""
    decision = found.decision
    audience = decision.recipient.audience
    return ExplainedView(
        rule=found.rule,
        reminder=found.reminder,
        audience=audience,
        recipient=shown_recipient(audience, decision.recipient.ref),
        channel=decision.channel,
        would_send=decision.send,
        reason=decision.reason,
        level=found.level,
        address=decision.address,
        at=iso(found.at) if found.at is not None else None,
        template=decision.template,
    )


def reminder_view(item: ReminderState) -> ReminderView:
    """Show a reminder."""
    record, entry = item.record, item.entry
    return ReminderView(
        id=digest(record.ref, entry.name, iso(entry.start)),
        key=entry.key,
        record=record.ref,
        client_id=record.client_id,
        at=iso(entry.at),
        state=item.state,  # type: ignore[arg-type]
        reason=item.reason,
        audience=entry.audience if record.collection == "appointments" else None,
    )


def record_view(
    view: type[V],
    record: StoredRecord,
    reminders: list[ReminderState],
    events: tuple[str, ...] = (),
    *,
    stale: bool = False,
) -> V:
    """Show a record of any collection."""
    known: dict[str, Any] = {
        **vars(record.document),
        "id": record.ref.partition("/")[2],
        "version": record.version,
        "created_at": iso(record.created_at),
        "updated_at": iso(record.updated_at) if record.updated_at else None,
        "events": list(dict.fromkeys(events)),
        "reminders": [reminder_view(item) for item in reminders],
        "stale": stale,
    }
    return view(**known)
