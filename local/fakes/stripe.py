"""Stripe: the part of its API that top-ups use, under /stripe/v1/, and the events it posts."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlencode

from local.clock import SimulatedClock
from local.config import STRIPE_ACCOUNT
from local.fakes import stripe_rules
from local.fakes.callbacks import Callbacks
from local.fakes.http import Answer, Call
from local.fakes.stripe_objects import Events, Object, Objects
from local.fakes.stripe_rules import RefusedError
from local.faults import Fault, FaultRegistry
from local.store import Store

BASE = "/stripe"
_ROUTE = re.compile(
    r"(?P<kind>customers|invoices|payment_intents|checkout/sessions|invoiceitems|invoice_payments|disputes)"
    r"(?:/(?P<id>[A-Za-z0-9_]+))?(?:/(?P<part>[a-z_]+))?(?:/(?P<sub>[A-Za-z0-9_]+))?"
)
_EVENT_AFTER_S = 1.0
_REPEATS = "rc=5&rp=all"
_API_VERSION = "2026-10-28.endive"
_PAYMENT_ERROR, _SERVER_ERROR = 402, 500
_EXPANDABLE = {"payment_intent": "payment_intent", "latest_charge": "charge", "invoice": "invoice"}


class Stripe:
    """The API and its events. Whoever acts as a buyer or a bank here uses `objects` and `tell`."""

    def __init__(
        self,
        store: Store,
        callbacks: Callbacks,
        clock: SimulatedClock,
        faults: FaultRegistry,
        *,
        page_url: str,
        api_url: str,
    ) -> None:
        self.objects = Objects(store, clock.time)
        self._store = store
        self._callbacks = callbacks
        self._clock = clock
        self._faults = faults
        self._page_url = page_url
        self._api_url = api_url

    async def answer(self, call: Call) -> Answer:
        """Answer one call, as Stripe does: one that has an idempotency key is done once."""
        if call.headers.get("authorization") != f"Bearer {STRIPE_ACCOUNT[0]}":
            return _refused(RefusedError("Invalid API Key provided", status=401))
        try:
            route, match = _route(call)
            text = call.body.decode() if call.method == "POST" else urlencode(list(call.query.items()))
            given = stripe_rules.check(call.method, route, stripe_rules.read_form(text))
            return self._once(call, lambda: self._do(call.method, route, match, given), f"{call.path}\n{text}")
        except RefusedError as error:
            return _refused(error)

    def refuse(self, fault: Fault, call: Call) -> Answer | None:  # noqa: ARG002
        """Answer a fault; the code of `reject` is that of a card's refusal."""
        if fault.kind == "throttle":
            return _refused(RefusedError("Request rate limit exceeded", status=429, code="rate_limit"))
        if fault.kind == "reject":
            code = str(fault.code or "card_declined")
            return _refused(
                RefusedError("Your card was declined.", status=_PAYMENT_ERROR, code=code, kind="card_error")
            )
        return _refused(RefusedError("An error occurred", status=_SERVER_ERROR, kind="api_error"))

    def tell(self, events: Events) -> None:
        """Post events, signed as Stripe signs them."""
        for kind, about in events:
            number = (self._store.get_note("stripe event") or 0) + 1
            self._store.put_note("stripe event", number)
            public = {name: each for name, each in about.items() if name not in ("asked", "behaves")}
            event = {
                "id": f"evt_local{number:06}",
                "object": "event",
                "api_version": _API_VERSION,
                "created": int(self._clock.time()),
                "livemode": False,
                "type": kind,
                "data": {"object": public},
                "pending_webhooks": 1,
                "request": {"id": None, "idempotency_key": None},
            }
            body = json.dumps(event, indent=2)
            at = int(self._clock.time() + _EVENT_AFTER_S)
            headers = {"content-type": "application/json; charset=utf-8", "stripe-signature": signed(body, at)}
            url = f"{self._api_url}/callbacks/stripe#{_REPEATS}"
            for _ in range(2 if self._faults.draw("stripe", {"duplicate_delivery"}) else 1):
                self._callbacks.add(_EVENT_AFTER_S, url, headers, body)

    def _once(self, call: Call, do: Callable[[], tuple[Object, Events]], said: str) -> Answer:
        key = call.headers.get("idempotency-key")
        name, fingerprint = f"stripe key {key}", hashlib.sha256(f"{call.method} {said}".encode()).hexdigest()
        known = self._store.get_note(name) if call.method == "POST" and key else None
        if known is not None:
            if known["of"] != fingerprint:
                message = (
                    "Keys for idempotent requests can only be used with the same parameters they were first used with."
                )
                raise RefusedError(message, kind="idempotency_error")
            return Answer(known["status"], known["body"], {"idempotent-replayed": "true"})
        try:
            body, events = do()
            answer = Answer(200, body)
        except RefusedError as error:
            if error.status != _PAYMENT_ERROR:
                raise
            answer, events = _refused(error), error.events
        if call.method == "POST" and key:
            self._store.put_note(name, {"of": fingerprint, "status": answer.status, "body": answer.body})
        self.tell(events)
        return answer

    def _do(self, method: str, route: str, match: re.Match[str], given: Mapping[str, Any]) -> tuple[Object, Events]:
        if route.startswith("customers"):
            return self._customers(method, route, match, given), []
        if route.startswith("invoice"):
            return self._invoices(method, route, match, given)
        if route == "checkout/sessions":
            return _public(self.objects.session(given, self._page_url)), []
        if route == "disputes":
            return _list(self.objects.all("dispute", payment_intent=given["payment_intent"])), []
        kind = "payment_intent" if route.startswith("payment_intents") else "checkout.session"
        return self._expanded(self.objects.get(match["id"], kind), given.get("expand", [])), []

    def _customers(self, method: str, route: str, match: re.Match[str], given: Mapping[str, Any]) -> Object:
        objects = self.objects
        if route == "customers":
            made = objects.new("customer", "cus", **{**given, "metadata": given.get("metadata", {})})
            for each in given.get("tax_id_data", []):
                objects.new("tax_id", "txi", customer=made["id"], **each)
            return made
        customer = objects.get(match["id"], "customer")
        if route == "customers/*":
            return objects.put(customer | dict(given))
        if method == "GET":
            return _list(objects.all("tax_id", customer=customer["id"]))
        if method == "POST":
            return objects.new("tax_id", "txi", customer=customer["id"], **given)
        return objects.remove(objects.get(match["sub"], "tax_id"))

    def _invoices(
        self, method: str, route: str, match: re.Match[str], given: Mapping[str, Any]
    ) -> tuple[Object, Events]:
        objects = self.objects
        if route == "invoice_payments":
            return _list(self._invoice_payments(given)), []
        if route == "invoiceitems":
            return self._item(given), []
        if route == "invoices":
            objects.get(given["customer"], "customer")
            about = {"metadata": given.get("metadata", {}), "customer": given["customer"]}
            money = {"currency": given.get("currency", "eur"), "amount_due": 0, "amount_paid": 0}
            return objects.new("invoice", "in", status="draft", **about, **money), []
        invoice = objects.get(match["id"], "invoice")
        if method == "GET":
            return invoice, []
        if method == "DELETE":
            if invoice["status"] != "draft":
                raise RefusedError("You can only delete draft invoices")
            return objects.remove(invoice), []
        if match["part"] == "pay":
            return objects.pay_invoice(invoice["id"], given["payment_method"])
        before, after = {"finalize": ("draft", "open"), "void": ("open", "void")}[match["part"]]
        if invoice["status"] != before:
            raise RefusedError(f"This invoice is {invoice['status']}", code="invoice_not_editable")
        return objects.put(invoice | {"status": after}), []

    def _invoice_payments(self, given: Mapping[str, Any]) -> list[Object]:
        if "invoice" in given:
            return self.objects.all("invoice_payment", invoice=given["invoice"])
        wanted = given["payment"]["payment_intent"]
        found = self.objects.all("invoice_payment")
        return [each for each in found if each["payment"]["payment_intent"] == wanted]

    def _item(self, given: Mapping[str, Any]) -> Object:
        invoice = self.objects.get(given["invoice"], "invoice")
        if invoice["status"] != "draft":
            raise RefusedError("The invoice can't be changed any more", code="invoice_not_editable")
        amount = given["amount"] if "amount" in given else 2900 * given.get("quantity", 1)
        self.objects.put(invoice | {"amount_due": invoice["amount_due"] + amount})
        return self.objects.new("invoiceitem", "ii", **given)

    def _expanded(self, document: Object, paths: list[str]) -> Object:
        shown = _public(document)
        for path in paths:
            name, _, rest = path.partition(".")
            kind, reference = _EXPANDABLE.get(name), shown.get(name)
            if kind is None:
                raise RefusedError(f"This property cannot be expanded ({name}).", param="expand")
            if isinstance(reference, str):
                shown[name] = self._expanded(self.objects.get(reference, kind), [rest] if rest else [])
        return shown


def signed(body: str, at: int, secret: str = STRIPE_ACCOUNT[1]) -> str:
    """Sign an event as Stripe does."""
    return f"t={at},v1={hmac.new(secret.encode(), f'{at}.{body}'.encode(), hashlib.sha256).hexdigest()}"


def _route(call: Call) -> tuple[str, re.Match[str]]:
    match = _ROUTE.fullmatch(call.path.removeprefix(f"{BASE}/v1/"))
    parts = (
        [match["kind"], "*" if match["id"] else "", match["part"] or "", "*" if match["sub"] else ""] if match else []
    )
    route = "/".join(part for part in parts if part)
    if match is None or (call.method, route) not in stripe_rules.ROUTES:
        raise RefusedError(f"Unrecognized request URL ({call.method}: {call.path}).", status=404)
    return route, match


def _public(document: Object) -> Object:
    return {name: each for name, each in document.items() if name != "asked"}


def _list(found: list[Object]) -> Object:
    return {"object": "list", "data": found, "has_more": False, "url": "/v1"}


def _refused(error: RefusedError) -> Answer:
    body = {"error": {name: each for name, each in error.error.items() if each is not None}}
    # As Stripe tells its client: repeating what was refused changes nothing.
    again = "true" if error.status in (409, 429) or error.status >= _SERVER_ERROR else "false"
    return Answer(error.status, body, {"stripe-should-retry": again, "request-id": "req_local"})
