"""Leads: who may become a client."""

from carillon.bootstrap import records as bootstrap
from carillon.domain.times import parse_instant
from carillon.runtime.http import INSIDE, Answer, Call, Draft, Id, Nothing, Page, Routes
from carillon.services.leads import LeadInput, who
from functions.records_api.answers import listed, put_answer, shown
from functions.records_api.views import ChangedQuery, LeadView

routes = Routes()


@routes.put(
    "/v1/leads/<lead_id>",
    roles=INSIDE,
    statuses=(200, 201),
    errors=("unknown_reference", "duplicate_client"),
)
def put_lead(call: Call, lead_id: Id, body: Draft[LeadInput]) -> Answer[LeadView]:
    """State what a lead is.

    It is compared with what is stored; differences become events. A call that differs in nothing changes nothing; an
    older `updated_at` is ignored with `stale: true`.
    """
    return put_answer(LeadView, call, bootstrap.leads().put(call.caller, lead_id, body.value(who)))


@routes.get("/v1/leads/<lead_id>", roles=INSIDE)
def get_lead(call: Call, lead_id: Id) -> Answer[LeadView]:
    """Read a lead."""
    return shown(LeadView, call, bootstrap.leads().get(call.org_id, lead_id))


@routes.delete("/v1/leads/<lead_id>", roles=INSIDE)
def delete_lead(call: Call, lead_id: Id) -> Nothing:
    """Delete a lead silently: nobody is told."""
    bootstrap.leads().delete(call.org_id, lead_id)
    return Nothing()


@routes.get("/v1/leads", roles=INSIDE)
def list_leads(call: Call, query: ChangedQuery) -> Answer[Page[LeadView]]:
    """List leads by the day of their last change; a short page may still have a cursor."""
    since = parse_instant(query.from_) if query.from_ else None
    page = bootstrap.leads().page(call.org_id, limit=query.limit, position=call.position, since=since)
    return listed(LeadView, call, page)
