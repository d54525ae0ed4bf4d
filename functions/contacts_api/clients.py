"""Routes of clients and their consents."""

from functools import partial

from carillon.bootstrap.contacts_api import services
from carillon.domain.clients import Consents
from carillon.domain.consents import ConsentHistory
from carillon.domain.diagnosis import Diagnosis
from carillon.runtime.http import INSIDE, Answer, Call, Draft, Id, Nothing, Page, Routes
from carillon.services.client_documents import ClientDocument
from carillon.services.clients import READ_ONLY, ClientInput, ClientQuery, RemoveQuery
from carillon.services.merging import MergeInput

routes = Routes()


@routes.get("/v1/clients", roles=INSIDE)
def list_clients(call: Call, query: ClientQuery) -> Answer[Page[ClientDocument]]:
    """Find clients by phone, e-mail or name; without a filter, list them by name."""
    return Answer(services().clients.search(call.org_id, query, call.position))


@routes.post("/v1/clients", roles=INSIDE, statuses=(201,), errors=("duplicate_client",))
def create_client(call: Call, body: Draft[ClientInput]) -> Answer[ClientDocument]:
    """Make a client; without an id it gets one."""
    keeping = services().clients
    stated = body.without(*READ_ONLY).value(partial(keeping.faults, call.org_id))
    return Answer(keeping.create(call.caller, stated, call.attempt), status=201)


@routes.post("/v1/clients/merge", roles=INSIDE, statuses=(200,), errors=("unknown_reference", "too_many"))
def merge_clients(call: Call, body: MergeInput) -> Answer[ClientDocument]:
    """Make one client of two that are the same person; the removed id leads to the kept client from then on.

    The kept client's fields win, those it lacks come from the other; of each consent the stricter counts. Records
    follow, history of both is shown under the kept client. A repeated call goes on where an earlier one stopped.
    """
    return Answer(services().merging.merge(call.caller, body, call.attempt))


@routes.get("/v1/clients/<client_id>", roles=INSIDE)
def get_client(call: Call, client_id: Id) -> Answer[ClientDocument]:
    """Read a client."""
    return Answer(services().clients.get(call.org_id, client_id))


@routes.put("/v1/clients/<client_id>", roles=INSIDE, statuses=(200, 201), errors=("duplicate_client",))
def put_client(call: Call, client_id: Id, body: Draft[ClientInput]) -> Answer[ClientDocument]:
    """Make or replace a client; consents and enrolment left out stay."""
    keeping = services().clients
    stated = body.without(*READ_ONLY).value(partial(keeping.faults, call.org_id))
    document, new = keeping.put(call.caller, client_id, stated)
    return Answer(document, status=201 if new else 200)


@routes.patch("/v1/clients/<client_id>", roles=INSIDE, errors=("duplicate_client",))
def patch_client(call: Call, client_id: Id, body: Draft[ClientInput]) -> Answer[ClientDocument]:
    """Change fields of a client; null empties one."""
    keeping = services().clients
    read = partial(body.without(*READ_ONLY).over, also=partial(keeping.faults, call.org_id))
    email = body.given.get("email")
    return Answer(keeping.patch(call.caller, client_id, read, email if isinstance(email, str) else None))


@routes.delete("/v1/clients/<client_id>", roles=INSIDE, errors=("has_upcoming",))
def delete_client(call: Call, client_id: Id, query: RemoveQuery) -> Nothing:
    """Unenrol and hide a client."""
    removed = services().clients.remove(call.caller, client_id, force=query.force)
    if removed.reach.devices:
        services().devices.forget_all(call.org_id, f"c:{client_id}")
    return Nothing()


@routes.get("/v1/clients/<client_id>/consents", roles=INSIDE)
def get_consents(call: Call, client_id: Id) -> Answer[ConsentHistory]:
    """Read the consents in force and everything that led to them."""
    return Answer(services().consents.read(call.org_id, client_id))


@routes.put("/v1/clients/<client_id>/consents", roles=INSIDE)
def put_consents(call: Call, client_id: Id, body: Consents) -> Answer[ConsentHistory]:
    """State what a client agreed to or withdrew; a channel left out is unchanged."""
    return Answer(services().consents.state(call.caller, client_id, body))


@routes.get("/v1/clients/<client_id>/diagnosis", roles=INSIDE)
def get_diagnosis(call: Call, client_id: Id) -> Answer[Diagnosis]:
    """Say what keeps a client from being told, and what mends it; decided as messages are."""
    return Answer(services().diagnosis.of(call.org_id, client_id))
