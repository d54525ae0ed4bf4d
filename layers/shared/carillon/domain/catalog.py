"""The catalog: every event, its audiences and defaults, as data. A new event is one entry here, plus its texts."""

from dataclasses import field
from typing import Literal, get_args

from carillon.domain.channels import Purpose
from carillon.domain.values import value

Audience = Literal[
    "client",
    "collaborator",
    "manager",
    "owner",
    "executor",
    "order_manager",
    "lead_manager",
    "author",
    "assignee",
]
AUDIENCES: tuple[Audience, ...] = get_args(Audience)
Collection = Literal["appointments", "orders", "leads", "tasks"]
Group = Literal["appointments", "orders", "leads", "tasks", "reminders", "recaps"]


@value
class Row:
    """One line of the catalog.

    `key` is the template key. `offers` maps each audience to whether e-mail is on by default; an audience that is
    missing is not offered. `source` and `actors` bind a row to where a record was made and who changed it.
    `posted`: no record shows it, the integrator posts it.
    """

    key: str
    event: str
    group: Group
    offers: dict[Audience, bool]
    sources: frozenset[str] = frozenset()
    actors: frozenset[str] = frozenset()
    posted: bool = False
    purpose: Purpose = "service"
    falls_back_to: str | None = field(default=None)


def _appointment(key: str, event: str, offers: str, **bound: frozenset[str] | bool) -> Row:
    """Read `offers` as the marks of client, collaborator, and manager with owner: + on, o off, - not offered."""
    marks = dict(zip(("client", "collaborator", "manager"), offers, strict=True))
    marks["owner"] = marks["manager"]
    known = {name: marks[name] == "+" for name in AUDIENCES if marks.get(name, "-") != "-"}
    return Row(key, event, "appointments", known, **bound)  # type: ignore[arg-type]


def _off(key: str, group: Group, *audiences: Audience) -> Row:
    return Row(key, key, group, dict.fromkeys(audiences, False))


_WIDGET, _CONSOLE = frozenset({"widget"}), frozenset({"console", "api"})
_CLIENT, _STAFF = frozenset({"client"}), frozenset({"staff", "system"})

EVENT_ROWS: tuple[Row, ...] = (
    _appointment("appointment.booked.widget", "appointment.booked", "+++", sources=_WIDGET),
    _appointment("appointment.booked.console", "appointment.booked", "+++", sources=_CONSOLE),
    _appointment("appointment.requested", "appointment.requested", "+++"),
    _appointment("appointment.accepted", "appointment.accepted", "+oo"),
    _appointment("appointment.refused", "appointment.refused", "+o+"),
    _appointment("appointment.changed.client", "appointment.changed", "+++", actors=_CLIENT),
    _appointment("appointment.changed.console", "appointment.changed", "+++", actors=_STAFF),
    _appointment("appointment.cancelled.client", "appointment.cancelled", "+++", actors=_CLIENT),
    _appointment("appointment.cancelled.console", "appointment.cancelled", "+++", actors=_STAFF),
    _appointment("appointment.completed", "appointment.completed", "o--"),
    _appointment("appointment.no_show", "appointment.no_show", "o--"),
    _appointment("appointment.payment_required", "appointment.payment_required", "+--"),
    _appointment("appointment.earlier_slot", "appointment.earlier_slot", "+--", posted=True),
    _appointment("slot.available", "slot.available", "+--", posted=True),
    _off("order.created", "orders", "client", "executor", "order_manager"),
    _off("order.status_changed", "orders", "client", "executor", "order_manager"),
    _off("order.assigned", "orders", "executor", "order_manager"),
    _off("order.completed", "orders", "client", "executor", "order_manager"),
    _off("lead.created", "leads", "client", "lead_manager"),
    _off("lead.status_changed", "leads", "client", "lead_manager"),
    _off("lead.assigned", "leads", "lead_manager"),
    _off("task.created", "tasks", "assignee"),
    _off("task.assigned", "tasks", "assignee"),
    _off("task.completed", "tasks", "author"),
    _off("task.overdue", "tasks", "assignee", "author"),
)

REMINDER_ROWS: tuple[Row, ...] = (
    Row("reminder", "reminder", "reminders", {"client": False, "collaborator": False}),
    Row("reminder.day_before", "reminder", "reminders", {"client": True, "collaborator": False},
        falls_back_to="reminder"),
    Row("reminder.morning_of", "reminder", "reminders", {"client": True, "collaborator": False},
        falls_back_to="reminder"),
    Row("reminder.hour_before", "reminder", "reminders", {"client": False, "collaborator": False},
        falls_back_to="reminder"),
    Row("reminder.service_completed", "reminder", "reminders", {"client": True}, falls_back_to="reminder"),
    Row("reminder.first", "reminder", "reminders", {"client": False, "collaborator": False},
        falls_back_to="reminder"),
    Row("reminder.second", "reminder", "reminders", {"client": False, "collaborator": False},
        falls_back_to="reminder"),
    Row("review", "review", "reminders", {"client": False}, purpose="marketing"),
    Row("recap", "recap", "recaps", {"collaborator": False, "manager": False}),
)  # fmt: skip

ROWS: dict[str, Row] = {row.key: row for row in EVENT_ROWS + REMINDER_ROWS}
"""Every template key of the catalog."""


def row_for(event: str, *, source: str, actor: str) -> Row | None:
    """Find the row an event belongs to, given where the record was made and who changed it."""
    for row in EVENT_ROWS:
        bound = (not row.sources or source in row.sources) and (not row.actors or actor in row.actors)
        if row.event == event and bound:
            return row
    return None


def takes_status(row: Row) -> bool:
    """Whether rules of a row may be bound to a status: the business has its own for orders and leads."""
    return row.group in ("orders", "leads")


REVIEW = "review"
"""The reminder that asks for a review."""


def reminder_template_key(reminder_key: str) -> str:
    """Name the template key of a reminder; own keys of an organization have one too (`reminder.<key>`)."""
    return REVIEW if reminder_key == REVIEW else f"reminder.{reminder_key}"


def general_key(key: str) -> str | None:
    """Name the general template key that a specific one falls back to, if it has one."""
    if key in ROWS:
        return ROWS[key].falls_back_to
    return "reminder" if key.startswith("reminder.") else None
