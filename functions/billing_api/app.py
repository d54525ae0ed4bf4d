"""What an organization buys, and who pays for it: packages, top-ups, billing details."""

from carillon.bootstrap.billing_api import payment_page, services
from carillon.domain.billing import BillingDetails, read_language
from carillon.domain.constraints import Id
from carillon.domain.listing import ListQuery, Page
from carillon.domain.top_ups import TopUpView
from carillon.runtime.http import ADMINS, MANAGERS, Answer, Call, Door, Raw
from carillon.services.top_ups import DoneQuery, PackageView, TopUpInput

door = Door(answers=lambda: services().answers)


@door.get("/v1/quota/packages", roles=MANAGERS)
def list_packages(call: Call) -> Answer[Page[PackageView]]:
    """List the packages that can be bought, of buckets that are metered."""
    return Answer(services().top_ups.offered(call.org_id))


@door.get("/v1/quota/top-ups", roles=MANAGERS)
def list_top_ups(call: Call, query: ListQuery) -> Answer[Page[TopUpView]]:
    """List top-ups, newest first."""
    return Answer(services().top_ups.page(call.org_id, query.limit, call.position))


@door.get("/v1/quota/top-ups/<top_up_id>", roles=MANAGERS)
def get_top_up(call: Call, top_up_id: Id) -> Answer[TopUpView]:
    """Read a top-up: what became of it, and what it is worth now."""
    return Answer(services().top_ups.get(call.org_id, top_up_id))


@door.post(
    "/v1/quota/top-ups",
    roles=ADMINS,
    statuses=(201,),
    errors=("billing_details_missing", "payments_not_connected", "provider_unreachable", "invalid_input"),
    repeats="own",
)
def order_top_up(call: Call, body: TopUpInput) -> Answer[TopUpView]:
    """Buy a package.

    A saved payment method is charged at once: `paid`, or `pending` while nobody can say yet. Without one, or where it
    is declined or its owner has to confirm, `checkout_required`: send the buyer to `checkout_url`. Send an
    `Idempotency-Key`: with it a repeated call never buys twice.
    """
    language = read_language(call.headers.get("accept-language", ""))
    base = services().public_base_url or f"https://{call.domain}"
    done = f"{base}/billing/done"
    view = services().top_ups.order(call.caller, body, call.attempt, language=language, return_url=done)
    return Answer(view, status=201)


@door.get("/v1/billing/details", roles=MANAGERS)
def get_billing_details(call: Call) -> Answer[BillingDetails]:
    """Read who pays; 404 before it was filled in."""
    return Answer(services().billing.read(call.org_id))


@door.put("/v1/billing/details", roles=ADMINS, statuses=(200, 201))
def put_billing_details(call: Call, body: BillingDetails) -> Answer[BillingDetails]:
    """Say who pays, as it is to stand on invoices; what is left out is empty. It counts from the next top-up on."""
    details, new = services().billing.save(call.caller, body)
    return Answer(details, status=201 if new else 200)


@door.get("/billing/done", roles=None)
def show_done(call: Call, query: DoneQuery) -> Raw:
    """Tell a buyer who comes back from the page for paying that this one can be closed."""
    language = read_language(call.headers.get("accept-language", ""))
    return Raw(payment_page(language, paid=query.result == "paid"), "text/html; charset=utf-8")


lambda_handler = door.handler
