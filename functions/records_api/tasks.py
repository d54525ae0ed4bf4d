"""Tasks: what members of staff are to do."""

from carillon.bootstrap import records as bootstrap
from carillon.domain.times import parse_instant
from carillon.runtime.http import INSIDE, Answer, Call, Draft, Id, Nothing, Page, Routes
from carillon.services.tasks import TaskInput
from functions.records_api.answers import listed, put_answer, shown
from functions.records_api.views import ChangedQuery, TaskView

routes = Routes()


@routes.put(
    "/v1/tasks/<task_id>",
    roles=INSIDE,
    statuses=(200, 201),
    errors=("unknown_reference",),
)
def put_task(call: Call, task_id: Id, body: Draft[TaskInput]) -> Answer[TaskView]:
    """State what a task is.

    It is compared with what is stored; differences become events. A call that differs in nothing changes nothing; an
    older `updated_at` is ignored with `stale: true`. When its due time passes while it is open, that is an event too.
    """
    return put_answer(TaskView, call, bootstrap.tasks().put(call.caller, task_id, body.value()))


@routes.get("/v1/tasks/<task_id>", roles=INSIDE)
def get_task(call: Call, task_id: Id) -> Answer[TaskView]:
    """Read a task."""
    return shown(TaskView, call, bootstrap.tasks().get(call.org_id, task_id))


@routes.delete("/v1/tasks/<task_id>", roles=INSIDE)
def delete_task(call: Call, task_id: Id) -> Nothing:
    """Delete a task silently: nobody is told."""
    bootstrap.tasks().delete(call.org_id, task_id)
    return Nothing()


@routes.get("/v1/tasks", roles=INSIDE)
def list_tasks(call: Call, query: ChangedQuery) -> Answer[Page[TaskView]]:
    """List tasks by the day of their last change, or where they are due while that is ahead.

    A short page may still have a cursor.
    """
    since = parse_instant(query.from_) if query.from_ else None
    page = bootstrap.tasks().page(call.org_id, limit=query.limit, position=call.position, since=since)
    return listed(TaskView, call, page)
