"""The door of records: appointments with their reminders; orders, leads and tasks; many at once; explain."""

from carillon.bootstrap import records as bootstrap
from carillon.domain.times import parse_instant
from carillon.runtime.http import INSIDE, Answer, Call, Door, Draft, Id, Nothing, Page
from carillon.services.appointments import AppointmentInput, whose
from carillon.services.explaining import Question
from carillon.services.reminders import WantedReminders
from functions.records_api import batch, events, leads, orders, simulations, tasks
from functions.records_api.answers import listed, put_answer, shown
from functions.records_api.views import (
    AppointmentQuery,
    AppointmentView,
    ExplanationView,
    ReminderQuery,
    RemindersView,
    ReminderView,
    explained_view,
    reminder_view,
)

door = Door(answers=bootstrap.answers)


@door.put(
    "/v1/appointments/<appointment_id>",
    roles=INSIDE,
    statuses=(200, 201),
    errors=("unknown_reference", "duplicate_client"),
)
def put_appointment(call: Call, appointment_id: Id, body: Draft[AppointmentInput]) -> Answer[AppointmentView]:
    """State what an appointment is.

    It is compared with what is stored; differences become events, and its reminders are planned. A call that differs
    in nothing changes nothing; an older `updated_at` is ignored with `stale: true`.
    """
    done = bootstrap.appointments().put(call.caller, appointment_id, body.value(whose))
    return put_answer(AppointmentView, call, done)


@door.get("/v1/appointments/<appointment_id>", roles=INSIDE)
def get_appointment(call: Call, appointment_id: Id) -> Answer[AppointmentView]:
    """Read an appointment with its reminders."""
    return shown(AppointmentView, call, bootstrap.appointments().get(call.org_id, appointment_id))


@door.delete("/v1/appointments/<appointment_id>", roles=INSIDE)
def delete_appointment(call: Call, appointment_id: Id) -> Nothing:
    """Delete an appointment silently: its plan is cancelled, and nobody is told."""
    bootstrap.appointments().delete(call.org_id, appointment_id)
    return Nothing()


@door.get("/v1/appointments", roles=INSIDE)
def list_appointments(call: Call, query: AppointmentQuery) -> Answer[Page[AppointmentView]]:
    """List appointments by start, from now on or from an instant; a short page may still have a cursor."""
    since = parse_instant(query.from_) if query.from_ else None
    page = bootstrap.appointments().page(call.org_id, limit=query.limit, position=call.position, since=since)
    return listed(AppointmentView, call, page)


@door.get("/v1/appointments/<appointment_id>/reminders", roles=INSIDE, errors=("notifications_inactive",))
def appointment_reminders(call: Call, appointment_id: Id) -> Answer[RemindersView]:
    """List an appointment's reminders and what became of them."""
    found = bootstrap.reminders().of_record(call.org_id, f"appointments/{appointment_id}")
    return Answer(RemindersView(items=[reminder_view(item) for item in found]))


@door.get("/v1/reminders", roles=INSIDE, errors=("notifications_inactive",))
def list_reminders(call: Call, query: ReminderQuery) -> Answer[Page[ReminderView]]:
    """List reminders of a client, of a record, or by when they are due (by default from now on)."""
    since, until = (parse_instant(text) if text else None for text in (query.from_, query.to))
    wanted = WantedReminders(query.client_id, query.record, since, until)
    page = bootstrap.reminders().page(call.org_id, wanted, limit=query.limit, position=call.position)
    return Answer(Page([reminder_view(item) for item in page.items], page.position))


@door.post("/v1/explain", roles=INSIDE, errors=("notifications_inactive",))
def explain(call: Call, body: Question) -> Answer[ExplanationView]:
    """Say what would be sent about a record, or why not, by the rules and preferences in force; nothing is sent.

    One item per rule or reminder, recipient and channel; without `event` and `reminder`, all that the record can have.
    """
    found = bootstrap.explaining().explain(call.org_id, body)
    return Answer(ExplanationView(items=[explained_view(item) for item in found]))


door.include(orders.routes, leads.routes, tasks.routes, batch.routes, events.routes, simulations.routes)
lambda_handler = door.handler
