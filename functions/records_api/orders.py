"""Orders: what clients asked for, and what became of it."""

from carillon.bootstrap import records as bootstrap
from carillon.domain.times import parse_instant
from carillon.runtime.http import INSIDE, Answer, Call, Draft, Id, Nothing, Page, Routes
from carillon.services.orders import OrderInput
from carillon.services.records import whose
from functions.records_api.answers import listed, put_answer, shown
from functions.records_api.views import ChangedQuery, OrderView

routes = Routes()


@routes.put(
    "/v1/orders/<order_id>",
    roles=INSIDE,
    statuses=(200, 201),
    errors=("unknown_reference", "duplicate_client"),
)
def put_order(call: Call, order_id: Id, body: Draft[OrderInput]) -> Answer[OrderView]:
    """State what an order is.

    It is compared with what is stored; differences become events. A call that differs in nothing changes nothing; an
    older `updated_at` is ignored with `stale: true`.
    """
    return put_answer(OrderView, call, bootstrap.orders().put(call.caller, order_id, body.value(whose)))


@routes.get("/v1/orders/<order_id>", roles=INSIDE)
def get_order(call: Call, order_id: Id) -> Answer[OrderView]:
    """Read an order."""
    return shown(OrderView, call, bootstrap.orders().get(call.org_id, order_id))


@routes.delete("/v1/orders/<order_id>", roles=INSIDE)
def delete_order(call: Call, order_id: Id) -> Nothing:
    """Delete an order silently: nobody is told."""
    bootstrap.orders().delete(call.org_id, order_id)
    return Nothing()


@routes.get("/v1/orders", roles=INSIDE)
def list_orders(call: Call, query: ChangedQuery) -> Answer[Page[OrderView]]:
    """List orders by the day of their last change; a short page may still have a cursor."""
    since = parse_instant(query.from_) if query.from_ else None
    page = bootstrap.orders().page(call.org_id, limit=query.limit, position=call.position, since=since)
    return listed(OrderView, call, page)
