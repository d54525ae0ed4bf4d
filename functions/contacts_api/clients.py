"""Routes of clients and their consents."""

import json
from functools import partial
from typing import Annotated

from carillon.bootstrap.contacts_api import services
from carillon.domain.clients import Consents
from carillon.domain.codec import Json
from carillon.domain.consents import ConsentHistory
from carillon.domain.constraints import Items, document
from carillon.domain.diagnosis import Diagnosis
from carillon.domain.idempotency import StoredAnswer
from carillon.runtime.http import INSIDE, Answer, Call, Draft, Id, Nothing, Page, Routes, batches, repeats
from carillon.runtime.http.batches import BatchResults
from carillon.services.client_documents import ClientDocument
from carillon.services.clients import READ_ONLY, ClientInput, ClientQuery, RemoveQuery
from carillon.services.merging import MergeInput

routes = Routes()


@document
class ClientBatch:
    """Clients as each would be sent alone."""

    items: Annotated[list[ClientInput], Items(max=batches.LONGEST, min=1)]


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


@routes.post("/v1/clients/batch", roles=INSIDE, statuses=(200,), repeats="leased")
def batch_clients(call: Call, body: Draft[ClientBatch]) -> Answer[BatchResults]:
    """Make or replace up to 100 clients, each with a result of its own.

    An item with an id is taken as a PUT of it, one without as a POST. A faulty item keeps none of the others from being
    done. With an `Idempotency-Key`, a batch that broke off can be repeated: nobody is made twice.
    """
    keeping, answers = services().clients, services().answers

    def one(place: int, item: Json) -> batches.Done:
        stated = Draft(ClientInput, item).without(*READ_ONLY).value(partial(keeping.faults, call.org_id))
        if stated.id is not None:
            document, new = keeping.put(call.caller, stated.id, stated)
            return document.id, 201 if new else 200
        attempt = batches.attempt_of(call.attempt, place)
        if attempt is None:
            return keeping.create(call.caller, stated, None).id, 201

        def made() -> StoredAnswer:
            return attempt.answered(201, keeping.create(call.caller, stated, attempt))

        return json.loads(repeats.answer_once(answers, call.org_id, attempt, made, lease=False).body)["id"], 201

    return Answer(batches.run(body, one))


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
