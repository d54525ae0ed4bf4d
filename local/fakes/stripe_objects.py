"""What Stripe keeps: customers, pages for paying, invoices, payments, and what a bank and a buyer do with them.

Nothing here speaks HTTP. What changes gives events, in the order in which Stripe has them.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from local.fakes.stripe_rules import RefusedError
from local.store import Store

GOOD, CONFIRMS, DECLINES, SLOW = "good", "confirms", "declines", "slow"
"""Payment methods: works; works, and the next time its owner has to confirm; works once; a bank debit, which takes its
time and may fail (after the test cards and accounts that Stripe's documentation lists)."""
METHODS = (GOOD, CONFIRMS, DECLINES, SLOW)
_DAY_S = 24 * 3600
_SECOND_S = 1
Object = dict[str, Any]
Events = list[tuple[str, Object]]


class Objects:
    """One account's objects, kept in the store."""

    def __init__(self, store: Store, now: Callable[[], float] = time.time) -> None:
        self._store = store
        self._now = now

    def get(self, object_id: str, kind: str) -> Object:
        """Read one as it is now; raises RefusedError (404) where there is none."""
        found: Object | None = self._store.get_note(f"stripe {object_id}")
        if found is None or found["object"] != kind:
            raise RefusedError(f"No such {kind}: '{object_id}'", param="id", code="resource_missing", status=404)
        if kind == "checkout.session" and found["status"] == "open" and found["expires_at"] <= self._now():
            return self.put(found | {"status": "expired", "url": None})
        return found

    def put(self, document: Object) -> Object:
        """Write one."""
        self._store.put_note(f"stripe {document['id']}", document)
        return document

    def all(self, kind: str, **wanted: Any) -> list[Object]:
        """List those of a kind that have these values, newest first."""
        ids: list[str] = self._store.get_note(f"stripe all {kind}") or []
        found = [self.get(each, kind) for each in reversed(ids)]
        return [each for each in found if all(each.get(name) == value for name, value in wanted.items())]

    def new(self, kind: str, prefix: str, **fields: Any) -> Object:
        """Make one."""
        number = (self._store.get_note("stripe number") or 0) + 1
        self._store.put_note("stripe number", number)
        made = {"id": f"{prefix}_local{number:06}", "object": kind, "created": int(self._now()), "livemode": False}
        ids = self._store.get_note(f"stripe all {kind}") or []
        self._store.put_note(f"stripe all {kind}", [*ids, made["id"]])
        return self.put(made | fields)

    def remove(self, document: Object) -> Object:
        """Remove one."""
        ids = self._store.get_note(f"stripe all {document['object']}") or []
        self._store.put_note(f"stripe all {document['object']}", [each for each in ids if each != document["id"]])
        self._store.put_note(f"stripe {document['id']}", None)
        return {"id": document["id"], "object": document["object"], "deleted": True}

    def session(self, given: Mapping[str, Any], page: str) -> Object:
        """Open a page for paying."""
        if given.get("mode") != "payment" or not given.get("success_url"):
            raise RefusedError("Missing required param: success_url.", param="success_url", code="parameter_missing")
        total = sum(_amount(line) for line in given.get("line_items") or [])
        if not total:
            raise RefusedError("You must pass line_items.", param="line_items", code="parameter_missing")
        self.get(given["customer"], "customer")
        made = self.new(
            "checkout.session",
            "cs_test",
            amount_total=total,
            currency=given["line_items"][0].get("price_data", {}).get("currency", "eur"),
            status="open",
            payment_status="unpaid",
            payment_intent=None,
            invoice=None,
            expires_at=int(self._now()) + _DAY_S,
            customer=given["customer"],
            metadata=given.get("metadata", {}),
            client_reference_id=given.get("client_reference_id"),
            success_url=given["success_url"],
            cancel_url=given.get("cancel_url"),
            asked=dict(given),
        )
        return self.put(made | {"url": f"{page}/checkout/{made['id']}"})

    def buy(self, session_id: str, method: str) -> Events:
        """Let a buyer pay on the page."""
        session = self.get(session_id, "checkout.session")
        if session["status"] != "open":
            raise RefusedError("The page is not open any more", status=409)
        asked = session["asked"].get("payment_intent_data", {})
        saved = self._method(method, session["customer"]) if asked.get("setup_future_usage") else None
        slow = method == SLOW
        intent = self._intent(session["customer"], session["amount_total"], session["currency"], saved)
        intent = self.put(intent | {"metadata": asked.get("metadata", {})})
        about = {"status": "complete", "url": None, "payment_intent": intent["id"]}
        session = self.put(session | about)
        if slow:
            self.put(intent | {"status": "processing"})
            return [("checkout.session.completed", session)]
        return [*self._succeed(intent["id"]), *self._complete(session, "checkout.session.completed")]

    def _complete(self, session: Object, event: str) -> Events:
        invoicing = session["asked"].get("invoice_creation", {})
        invoice = None
        if invoicing.get("enabled"):
            about = invoicing.get("invoice_data", {}).get("metadata", {})
            invoice = self.new("invoice", "in", status="paid", metadata=about, customer=session["customer"])
            self._pays(invoice["id"], session["payment_intent"], "paid")
        session = self.put(session | {"payment_status": "paid", "invoice": invoice["id"] if invoice else None})
        return [(event, session), *([("invoice.paid", invoice)] if invoice else [])]

    def arrive(self, session_id: str, *, good: bool) -> Events:
        """Let a slow bank say what became of a payment."""
        session = self.get(session_id, "checkout.session")
        intent = self.get(str(session["payment_intent"]), "payment_intent")
        if intent["status"] != "processing":
            raise RefusedError("No bank has a payment of it in hand", status=409)
        if not good:
            self.put(intent | {"status": "requires_payment_method"})
            return [("checkout.session.async_payment_failed", session)]
        return [*self._succeed(intent["id"]), *self._complete(session, "checkout.session.async_payment_succeeded")]

    def expire(self, session_id: str) -> Events:
        """Let the page's time run out."""
        session = self.get(session_id, "checkout.session")
        if session["status"] != "open":
            raise RefusedError("The page is not open any more", status=409)
        return [("checkout.session.expired", self.put(session | {"status": "expired", "url": None}))]

    def pay_invoice(self, invoice_id: str, method_id: str) -> tuple[Object, Events]:
        """Charge a saved payment method for an open invoice; raises RefusedError (402) when it is declined."""
        invoice, method = self.get(invoice_id, "invoice"), self.get(method_id, "payment_method")
        if invoice["status"] != "open":
            raise RefusedError(f"Invoice is {invoice['status']}", code="invoice_not_open")
        if method["customer"] != invoice["customer"]:
            raise RefusedError("The payment method is of another customer", param="payment_method")
        intent = self._intent(invoice["customer"], invoice["amount_due"], invoice["currency"], method_id)
        self._pays(invoice_id, intent["id"], "open")
        if method["behaves"] in (CONFIRMS, DECLINES):
            code = "authentication_required" if method["behaves"] == CONFIRMS else "card_declined"
            self.put(intent | {"status": "requires_payment_method"})
            error = RefusedError("Your card was declined.", code=code, status=402, kind="card_error")
            error.events = [("invoice.payment_failed", invoice)]
            raise error
        if method["behaves"] == SLOW:
            self.put(intent | {"status": "processing"})
            return invoice, []
        events = self._succeed(intent["id"])
        invoice = self.put(invoice | {"status": "paid", "amount_paid": invoice["amount_due"]})
        for each in self.all("invoice_payment", invoice=invoice_id):
            self.put(each | {"status": "paid"})
        return invoice, [*events, ("invoice.paid", invoice)]

    def refund(self, intent_id: str, amount: int | None = None) -> Events:
        """Give money back, all of what is left or part of it."""
        charge = self.charge_of(intent_id)
        left = charge["amount"] - charge["amount_refunded"]
        amount = left if amount is None else amount
        if not 0 < amount <= left:
            raise RefusedError("Refund amount is greater than what is left of the charge", status=409)
        refunded = charge["amount_refunded"] + amount
        charge = self.put(charge | {"amount_refunded": refunded, "refunded": refunded == charge["amount"]})
        return [("charge.refunded", charge)]

    def dispute(self, intent_id: str) -> Events:
        """Let the buyer's bank take all of it back."""
        charge = self.charge_of(intent_id)
        if charge["disputed"]:
            raise RefusedError("The charge is disputed already", status=409)
        self.put(charge | {"disputed": True})
        about = {"amount": charge["amount"], "charge": charge["id"], "payment_intent": intent_id, "metadata": {}}
        made = self.new("dispute", "du", status="needs_response", **about)
        return [("charge.dispute.created", made), ("charge.dispute.funds_withdrawn", made)]

    def close_dispute(self, intent_id: str, *, won: bool) -> Events:
        """Let the bank decide."""
        for each in self.all("dispute", payment_intent=intent_id):
            if each["status"] == "needs_response":
                closed = self.put(each | {"status": "won" if won else "lost"})
                back: Events = [("charge.dispute.funds_reinstated", closed)] if won else []
                return [("charge.dispute.closed", closed), *back]
        raise RefusedError("There is no dispute that is open", status=409)

    def charge_of(self, intent_id: str) -> Object:
        """Give the charge of a payment that succeeded."""
        intent = self.get(intent_id, "payment_intent")
        if intent["latest_charge"] is None:
            raise RefusedError("Nothing was paid", status=409)
        return self.get(intent["latest_charge"], "charge")

    def _intent(self, customer: str, amount: int, currency: str, method: str | None) -> Object:
        fields = {"customer": customer, "amount": amount, "currency": currency, "payment_method": method}
        more = {"status": "requires_confirmation", "amount_received": 0, "latest_charge": None, "metadata": {}}
        return self.new("payment_intent", "pi", **fields, **more)

    def _succeed(self, intent_id: str) -> Events:
        intent = self.get(intent_id, "payment_intent")
        about = {"amount": intent["amount"], "payment_intent": intent_id, "metadata": intent["metadata"]}
        charge = self.new("charge", "ch", amount_refunded=0, refunded=False, disputed=False, **about)
        paid = {"status": "succeeded", "amount_received": intent["amount"], "latest_charge": charge["id"]}
        return [("payment_intent.succeeded", self.put(intent | paid)), ("charge.succeeded", charge)]

    def _method(self, behaves: str, customer: str) -> str:
        return str(self.new("payment_method", "pm", behaves=behaves, customer=customer)["id"])

    def _pays(self, invoice: str, intent: str, status: str) -> None:
        payment = {"type": "payment_intent", "payment_intent": intent}
        self.new("invoice_payment", "inpay", invoice=invoice, payment=payment, status=status)


def _amount(line: Mapping[str, Any]) -> int:
    if line.get("price"):
        return 2900 * int(line.get("quantity", 1))  # every price of the local account
    return int(line.get("price_data", {}).get("unit_amount", 0)) * int(line.get("quantity", 1))
