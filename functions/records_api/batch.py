"""Many records in one call, of any collections."""

import re
from collections.abc import Callable, Sequence
from dataclasses import field
from typing import Annotated, Any, Literal

from carillon.bootstrap import records as bootstrap
from carillon.domain.constraints import ID_PATTERN, Id, Items, document
from carillon.domain.errors import Fault, Invalid, Refused
from carillon.runtime.http import INSIDE, Answer, Call, Draft, Routes, batches
from carillon.runtime.http.batches import ItemProblem
from carillon.services.appointments import AppointmentInput, whose
from carillon.services.leads import LeadInput, who
from carillon.services.orders import OrderInput
from carillon.services.record_batches import Item, Outcome
from carillon.services.tasks import TaskInput

routes = Routes()


@document
class AppointmentItem(AppointmentInput):
    """An appointment as its own PUT takes it."""

    collection: Literal["appointments"]
    id: Id = field()


@document
class OrderItem(OrderInput):
    """An order as its own PUT takes it."""

    collection: Literal["orders"]
    id: Id = field()


@document
class LeadItem(LeadInput):
    """A lead as its own PUT takes it."""

    collection: Literal["leads"]
    id: Id = field()


@document
class TaskItem(TaskInput):
    """A task as its own PUT takes it."""

    collection: Literal["tasks"]
    id: Id = field()


Check = Callable[[dict[str, Any]], Sequence[Fault]]
FORMS: dict[str, tuple[Any, Check | None]] = {
    "appointments": (AppointmentItem, whose),
    "orders": (OrderItem, whose),
    "leads": (LeadItem, who),
    "tasks": (TaskItem, None),
}


@document
class RecordBatch:
    """Records as each would be sent alone."""

    items: Annotated[list[AppointmentItem | OrderItem | LeadItem | TaskItem], Items(max=batches.LONGEST, min=1)]


@document
class RecordResult:
    """What became of an item: `status` as its own PUT would have answered, `problem` null if all is well."""

    record: str | None
    id: str | None
    status: int
    version: int | None = None
    events: list[str] = field(default_factory=list)
    stale: bool = False
    problem: ItemProblem | None = None


@document
class RecordResults:
    """The results, in the order of the items."""

    results: list[RecordResult]


@routes.post("/v1/records/batch", roles=INSIDE, statuses=(200,), repeats="leased")
def batch_records(call: Call, body: Draft[RecordBatch]) -> Answer[RecordResults]:
    """State up to 100 records of any collections, in order, each with a result of its own.

    An item is the body of its record's PUT with `collection` and `id` in it. A faulty item keeps none of the others
    from being done. A record may stand several times if each of its items says `updated_at`, later than the one before
    (else `duplicate_key`). Repeating the call is safe: what is stored differs in nothing.
    """
    given = batches.items_of(body)
    read = [_read(data) for data in given]
    outcomes = bootstrap.batches().put(call.caller, read)
    return Answer(RecordResults(results=[_result(*each) for each in zip(given, outcomes, strict=True)]))


def _read(data: Any) -> Item | Refused:
    """Read an item; what is wrong with it is its own problem."""
    try:
        if not isinstance(data, dict):
            raise Invalid([Fault("", "invalid_value", "must be a JSON object")])
        collection = data.get("collection")
        if not isinstance(collection, str) or collection not in FORMS:
            code: Literal["missing_field", "invalid_value"] = "missing_field" if collection is None else "invalid_value"
            raise Invalid([Fault("/collection", code, f"is one of {', '.join(FORMS)}")])
        form, check = FORMS[collection]
        stated = Draft(form, data).value(check)
    except Refused as error:
        return error
    return Item(collection, stated.id, stated)


def _result(data: Any, outcome: Outcome) -> RecordResult:
    named = data.get("id") if isinstance(data, dict) and isinstance(data.get("id"), str) else None
    known = named is not None and data.get("collection") in FORMS and re.fullmatch(ID_PATTERN, named) is not None
    ref = f"{data['collection']}/{named}" if known else None
    if isinstance(outcome, Refused):
        return RecordResult(record=ref, id=named, status=outcome.status, problem=batches.problem_of(outcome))
    return RecordResult(
        record=ref,
        id=named,
        status=201 if outcome.created else 200,
        version=outcome.record.version,
        events=list(dict.fromkeys(event.type for event in outcome.events)),
        stale=outcome.stale,
    )
