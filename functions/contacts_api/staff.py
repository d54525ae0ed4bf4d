"""Routes of staff."""

from functools import partial

from carillon.bootstrap.contacts_api import services
from carillon.runtime.http import STAFF_KEEPERS, Answer, Call, Draft, Id, ListQuery, Nothing, Page, Routes
from carillon.services.staff import StaffDocument, StaffInput

routes = Routes()


@routes.get("/v1/staff", roles=STAFF_KEEPERS)
def list_staff(call: Call, query: ListQuery) -> Answer[Page[StaffDocument]]:
    """List the members of the business."""
    return Answer(services().staff.page(call.org_id, query.limit, call.position))


@routes.post("/v1/staff", roles=STAFF_KEEPERS, statuses=(201,), errors=("duplicate_key",))
def create_staff(call: Call, body: Draft[StaffInput]) -> Answer[StaffDocument]:
    """Make a member; without an id it gets one."""
    keeping = services().staff
    stated = body.value(partial(keeping.faults, call.org_id))
    return Answer(keeping.create(call.caller, stated, call.attempt), status=201)


@routes.get("/v1/staff/<staff_id>", roles=STAFF_KEEPERS)
def get_staff(call: Call, staff_id: Id) -> Answer[StaffDocument]:
    """Read a member."""
    return Answer(services().staff.get(call.org_id, staff_id))


@routes.put("/v1/staff/<staff_id>", roles=STAFF_KEEPERS, statuses=(200, 201))
def put_staff(call: Call, staff_id: Id, body: Draft[StaffInput]) -> Answer[StaffDocument]:
    """Make or replace a member."""
    keeping = services().staff
    document, new = keeping.put(call.caller, staff_id, body.value(partial(keeping.faults, call.org_id)))
    return Answer(document, status=201 if new else 200)


@routes.patch("/v1/staff/<staff_id>", roles=STAFF_KEEPERS)
def patch_staff(call: Call, staff_id: Id, body: Draft[StaffInput]) -> Answer[StaffDocument]:
    """Change fields of a member; null empties one."""
    keeping = services().staff
    read = partial(body.over, also=partial(keeping.faults, call.org_id))
    return Answer(keeping.patch(call.caller, staff_id, read))


@routes.delete("/v1/staff/<staff_id>", roles=STAFF_KEEPERS)
def delete_staff(call: Call, staff_id: Id) -> Nothing:
    """Remove a member."""
    # Before the member goes: a call that broke off in between can be repeated.
    services().devices.forget_all(call.org_id, f"s:{staff_id}")
    services().staff.remove(call.org_id, staff_id)
    return Nothing()
