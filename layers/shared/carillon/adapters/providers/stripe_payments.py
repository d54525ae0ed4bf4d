"""Payments through Stripe, with its official client.

Each request that makes or changes something carries an idempotency key that follows from the top-up, and parameters
that follow from what is stored of it: asked again, Stripe answers what it answered first. So the client may repeat by
itself a request that got no answer, and we may repeat it after a crash.

What Stripe's errors mean: declined is an answer; a refusal of our key or parameters is the deployment's to mend;
everything else is *nobody can say*, and may be asked again.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, cast

import stripe

from carillon.adapters.providers import stripe_params
from carillon.adapters.providers.stripe_events import DEPLOYMENT, ORGANIZATION, TOP_UP
from carillon.adapters.secrets import Secrets
from carillon.domain.billing import BillingDetails, tax_id
from carillon.domain.ids import digest
from carillon.domain.top_ups import Facts, Payment, PaymentsMisconfigured, PaymentsUnreachable, State, TopUp
from carillon.domain.values import value

TIMEOUT = 10
"""Seconds for one request, below the functions' 29 and 30."""
REPEATS = 1
"""How often the client repeats a request by itself; more is left to whoever called, since a function has 30 s."""
WITHDRAWN = frozenset({"needs_response", "under_review", "lost"})
"""States of a dispute in which its amount is not ours: an inquiry (`warning_…`) takes nothing, a won one gave back."""
GONE, CONFLICT = 404, 409
NO_INVOICE = frozenset({"void", "uncollectible"})
Params = Any
"""Parameters as the API takes them; the client's own types are names of fields, checked by a test against the fake."""


@value
class StripeSettings:
    """How the deployment sells: the name it goes by on the account, and whether Stripe works out taxes."""

    deployment: str
    api_url: str
    automatic_tax: bool


class StripePayments:
    """See the port `Payments`."""

    def __init__(self, secrets: Callable[[], Secrets], settings: StripeSettings) -> None:
        self._secrets = secrets
        self._settings = settings
        self._client: tuple[str, stripe.StripeClient] | None = None

    def customer(self, org_id: str, known: str | None, details: BillingDetails, version: int, country: str) -> str:
        """Make the customer, or bring it up to date, its tax id included."""
        found = tax_id(details.vat_id) if details.vat_id else None
        printed = [{"name": "VAT", "value": details.vat_id}] if details.vat_id and found is None else ""
        about: dict[str, Any] = {
            "name": details.company,
            "address": stripe_params.address(details, country),
            "email": details.email or "",
            "invoice_settings": {"custom_fields": printed},
        }
        key = f"{org_id}:customer:{version}:{digest(repr(sorted(about.items())))}"
        with self._asking() as ask:
            if known is None:
                tax = [{"type": found[0], "value": found[1]}] if found else []
                filled = {name: each for name, each in about.items() if each}
                made = {**filled, "metadata": self._marks(org_id), **({"tax_id_data": tax} if tax else {})}
                return ask.v1.customers.create(cast("Params", made), self._once(key)).id
            ask.v1.customers.update(known, cast("Params", about), self._once(key))
            self._tax_ids(ask, known, found, key)
        return known

    def _tax_ids(self, ask: stripe.StripeClient, customer: str, wanted: tuple[str, str] | None, key: str) -> None:
        there = ask.v1.customers.tax_ids.list(customer, {"limit": 10}).data
        for each in there:
            if (each.type, each.value) != wanted:
                ask.v1.customers.tax_ids.delete(customer, each.id)
        if wanted is not None and wanted not in [(each.type, each.value) for each in there]:
            made: Params = {"type": wanted[0], "value": wanted[1]}
            ask.v1.customers.tax_ids.create(customer, made, self._once(f"{key}:tax"))

    def checkout(self, org_id: str, top_up: TopUp) -> tuple[str, str]:
        """Open a Checkout page that makes an invoice, and saves the payment method for the next time."""
        marks = self._marks(org_id, top_up)
        wanted: dict[str, Any] = {
            "mode": "payment",
            "customer": top_up.customer,
            "client_reference_id": top_up.id,
            "line_items": [stripe_params.line(top_up.package)],
            "metadata": marks,
            "payment_intent_data": {"metadata": marks, "setup_future_usage": "off_session"},
            "invoice_creation": {"enabled": True, "invoice_data": {"metadata": marks}},
            "success_url": stripe_params.back(top_up, "paid"),
            "cancel_url": stripe_params.back(top_up, "cancelled"),
            "locale": top_up.language,
        }
        if self._settings.automatic_tax:
            wanted |= {"automatic_tax": {"enabled": True}, "customer_update": {"address": "auto", "name": "auto"}}
        with self._asking() as ask:
            made = ask.v1.checkout.sessions.create(cast("Params", wanted), self._once(f"{org_id}:{top_up.id}:page"))
            if made.url is None:
                raise PaymentsMisconfigured("no_url")
            return made.id, made.url

    def invoice(self, org_id: str, top_up: TopUp) -> str:
        """Write an invoice that nothing pays by itself."""
        head: dict[str, Any] = {
            "customer": top_up.customer,
            "currency": top_up.package.currency.lower(),
            "collection_method": "charge_automatically",
            "auto_advance": False,
            "default_payment_method": top_up.method,
            "pending_invoice_items_behavior": "exclude",
            "metadata": self._marks(org_id, top_up),
        }
        if self._settings.automatic_tax:
            head |= {"automatic_tax": {"enabled": True}}
        key = f"{org_id}:{top_up.id}"
        with self._asking() as ask:
            made = ask.v1.invoices.create(cast("Params", head), self._once(f"{key}:invoice"))
            item = {"customer": top_up.customer, "invoice": made.id, **stripe_params.item(top_up.package)}
            ask.v1.invoice_items.create(cast("Params", item), self._once(f"{key}:item"))
            return str(made.id)

    def pay(self, top_up: TopUp) -> bool:
        """Charge the saved payment method; a bank that takes its time counts as charged, a look-up says more."""
        with self._asking() as ask:
            try:
                ask.v1.invoices.finalize_invoice(
                    str(top_up.invoice), {"auto_advance": False}, self._once(f"{top_up.invoice}:finalize")
                )
                how: Params = {"payment_method": top_up.method, "off_session": True}
                ask.v1.invoices.pay(str(top_up.invoice), how, self._once(f"{top_up.invoice}:pay"))
            except stripe.CardError:
                return False
            except stripe.InvalidRequestError:
                # The payment method is gone, or the invoice isn't open any more: its state says which.
                return ask.v1.invoices.retrieve(str(top_up.invoice)).status == "paid"
            return True

    def withdraw(self, top_up: TopUp) -> None:
        """Make the invoice void, or remove it while it is a draft."""
        if top_up.invoice is None:
            return
        with self._asking() as ask:
            try:
                status = ask.v1.invoices.retrieve(top_up.invoice).status
                if status == "draft":
                    ask.v1.invoices.delete(top_up.invoice)
                elif status == "open":
                    ask.v1.invoices.void_invoice(top_up.invoice, {}, self._once(f"{top_up.invoice}:void"))
            except stripe.InvalidRequestError as error:
                if error.http_status != GONE and ask.v1.invoices.retrieve(top_up.invoice).status == "open":
                    raise  # it can't be made void: a bank has the payment in hand

    def look_up(self, top_up: TopUp) -> Facts:
        """Ask about invoice and page, whichever there are, and about their payments."""
        state: State = "open"
        intents: list[Any] = []
        with self._asking() as ask:
            if top_up.invoice is not None:
                state, found = _of_invoice(ask, top_up.invoice)
                intents += found
            if top_up.session is not None:
                expanded: Params = {"expand": ["payment_intent.latest_charge"]}
                session = ask.v1.checkout.sessions.retrieve(top_up.session, expanded)
                state = _of_session(session)
                if session.payment_intent is not None:
                    intents.append(session.payment_intent)
                elif state == "paid":
                    return Facts("paid", (Payment(0),))
            elif top_up.way == "checkout" and state != "paid":
                state = "open"
            paid = [each for each in intents if each.status == "succeeded"]
            payments = tuple(_payment(ask, each) for each in paid)
        if payments:
            return Facts("paid", payments, _id(paid[-1].payment_method))
        return Facts("processing" if any(each.status == "processing" for each in intents) else state)

    def whose(self, payment: str) -> tuple[str, str] | None:
        """Read it from the payment itself, or from the invoice that it pays."""
        with self._asking() as ask:
            found = _marked(ask.v1.payment_intents.retrieve(payment).metadata, self._settings.deployment)
            if found is not None:
                return found
            of: Params = {"payment": {"type": "payment_intent", "payment_intent": payment}, "limit": 1}
            for each in ask.v1.invoice_payments.list(of).data:
                marks = ask.v1.invoices.retrieve(str(_id(each.invoice))).metadata
                return _marked(marks, self._settings.deployment)
        return None

    def _marks(self, org_id: str, top_up: TopUp | None = None) -> dict[str, str]:
        marks = {DEPLOYMENT: self._settings.deployment, ORGANIZATION: org_id}
        return marks | {TOP_UP: top_up.id} if top_up else marks

    def _once(self, key: str) -> Any:
        return {"idempotency_key": f"{self._settings.deployment}:{key}"}

    @contextmanager
    def _asking(self) -> Iterator[stripe.StripeClient]:
        """Lend the client, and turn its errors into ours; their messages may quote what people typed."""
        try:
            yield self._made()
        except stripe.InvalidRequestError as error:
            raise PaymentsMisconfigured(error.code or error.param or type(error).__name__) from None
        except (stripe.AuthenticationError, stripe.PermissionError) as error:
            raise PaymentsMisconfigured(type(error).__name__) from None
        except stripe.StripeError as error:
            # The same key with other parameters is a mistake; with the same request still running it is none.
            if isinstance(error, stripe.IdempotencyError) and error.http_status != CONFLICT:
                raise PaymentsMisconfigured(type(error).__name__) from None
            raise PaymentsUnreachable(type(error).__name__) from None

    def _made(self) -> stripe.StripeClient:
        """Make the client anew when the key was rotated."""
        key = self._secrets().stripe_secret_key
        if not key:
            raise PaymentsMisconfigured("no key")
        if self._client is None or self._client[0] != key:
            # What it says below that are the bodies of requests, with names and addresses.
            logging.getLogger("stripe").setLevel(logging.WARNING)
            made = stripe.StripeClient(
                key,
                base_addresses={"api": self._settings.api_url},
                http_client=stripe.RequestsClient(timeout=TIMEOUT),
                max_network_retries=REPEATS,
            )
            self._client = (key, made)
        return self._client[1]


def _of_invoice(ask: stripe.StripeClient, invoice_id: str) -> tuple[State, list[Any]]:
    try:
        invoice = ask.v1.invoices.retrieve(invoice_id)
    except stripe.InvalidRequestError as error:
        if error.http_status != GONE:
            raise
        return "closed", []  # a draft that was removed
    intents = []
    for each in ask.v1.invoice_payments.list({"invoice": invoice_id}).data:
        intent = _id(each.payment.payment_intent)
        if intent is not None:
            expanded: Params = {"expand": ["latest_charge"]}
            intents.append(ask.v1.payment_intents.retrieve(intent, expanded))
    return "paid" if invoice.status == "paid" else "closed" if invoice.status in NO_INVOICE else "open", intents


def _of_session(session: Any) -> State:
    if session.status == "expired":
        return "closed"
    if session.status == "open":
        return "open"
    if session.payment_status in ("paid", "no_payment_required"):
        return "paid"
    # Complete and unpaid: the bank has it in hand, or has refused it.
    return "processing" if getattr(session.payment_intent, "status", "") == "processing" else "closed"


def _payment(ask: stripe.StripeClient, intent: Any) -> Payment:
    charge = intent.latest_charge
    returned = charge.amount_refunded if charge is not None else 0
    if charge is not None and charge.disputed:
        disputes = ask.v1.disputes.list({"payment_intent": intent.id, "limit": 100}).data
        returned += sum(each.amount for each in disputes if each.status in WITHDRAWN)
    return Payment(intent.amount_received, returned)


def _marked(marks: Any, deployment: str) -> tuple[str, str] | None:
    known: dict[str, str] = marks.to_dict() if marks else {}
    if known.get(DEPLOYMENT) != deployment or ORGANIZATION not in known or TOP_UP not in known:
        return None
    return known[ORGANIZATION], known[TOP_UP]


def _id(reference: Any) -> str | None:
    """Give the id of something that may have come expanded."""
    return reference if reference is None or isinstance(reference, str) else str(reference.id)
