"""Routes of enrolment and of a client's own reminders."""

from carillon.bootstrap.contacts_api import services
from carillon.runtime.http import INSIDE, Answer, Call, Draft, Id, Nothing, Routes
from carillon.services.client_documents import ClientDocument
from carillon.services.enrolment import Preferences, SavedPreferences

routes = Routes()


@routes.post("/v1/clients/<client_id>/enrolment", roles=INSIDE, errors=("notifications_inactive",))
def enrol(call: Call, client_id: Id) -> Answer[ClientDocument]:
    """Enrol a client; the first time it gets a copy of the organization's reminders."""
    return Answer(services().enrolment.enrol(call.caller, client_id, call.attempt))


@routes.delete("/v1/clients/<client_id>/enrolment", roles=INSIDE, errors=("notifications_inactive",))
def unenrol(call: Call, client_id: Id) -> Nothing:
    """Unenrol a client; its reminders are kept."""
    services().enrolment.unenrol(call.caller, client_id)
    return Nothing()


@routes.get("/v1/clients/<client_id>/preferences", roles=INSIDE, versioned=True, errors=("notifications_inactive",))
def get_preferences(call: Call, client_id: Id) -> Answer[Preferences]:
    """Read a client's own reminders."""
    found = services().enrolment.read(call.org_id, client_id)
    return Answer(found.preferences, etag=found.version)


@routes.put("/v1/clients/<client_id>/preferences", roles=INSIDE, versioned=True, errors=("notifications_inactive",))
def put_preferences(call: Call, client_id: Id, body: Draft[Preferences]) -> Answer[SavedPreferences]:
    """Save a client's own reminders."""
    read = body.without("warnings").over
    saved, version = services().enrolment.save(call.caller, client_id, read, call.if_match())
    return Answer(saved, etag=version)


@routes.post("/v1/clients/<client_id>/preferences/reset", roles=INSIDE, errors=("notifications_inactive",))
def reset_preferences(call: Call, client_id: Id) -> Answer[Preferences]:
    """Give a client the organization's reminders of today."""
    found = services().enrolment.reset(call.caller, client_id, call.attempt)
    return Answer(found.preferences, etag=found.version)
