"""What Stripe's API takes: parameters as its reference states them, by way of the types of its official client.

The client's types are generated from Stripe's own OpenAPI description, so a name, a choice or a shape that isn't in
them is one that Stripe refuses, and so is one that is missing.
"""

from __future__ import annotations

import functools
import importlib
import operator
import re
import types
import typing
from collections.abc import Mapping
from typing import Any, get_args, get_origin
from urllib.parse import parse_qsl

_PART = re.compile(r"\[([^\]]*)\]")
_PARAMS: Mapping[tuple[str, str], str] = {
    ("POST", "customers"): "_customer_create_params.CustomerCreateParams",
    ("POST", "customers/*"): "_customer_update_params.CustomerUpdateParams",
    ("GET", "customers/*/tax_ids"): "_customer_tax_id_list_params.CustomerTaxIdListParams",
    ("POST", "customers/*/tax_ids"): "_customer_tax_id_create_params.CustomerTaxIdCreateParams",
    ("DELETE", "customers/*/tax_ids/*"): "_customer_tax_id_delete_params.CustomerTaxIdDeleteParams",
    ("POST", "checkout/sessions"): "checkout._session_create_params.SessionCreateParams",
    ("GET", "checkout/sessions/*"): "checkout._session_retrieve_params.SessionRetrieveParams",
    ("POST", "invoices"): "_invoice_create_params.InvoiceCreateParams",
    ("GET", "invoices/*"): "_invoice_retrieve_params.InvoiceRetrieveParams",
    ("DELETE", "invoices/*"): "_invoice_delete_params.InvoiceDeleteParams",
    ("POST", "invoices/*/finalize"): "_invoice_finalize_invoice_params.InvoiceFinalizeInvoiceParams",
    ("POST", "invoices/*/pay"): "_invoice_pay_params.InvoicePayParams",
    ("POST", "invoices/*/void"): "_invoice_void_invoice_params.InvoiceVoidInvoiceParams",
    ("POST", "invoiceitems"): "_invoice_item_create_params.InvoiceItemCreateParams",
    ("GET", "invoice_payments"): "_invoice_payment_list_params.InvoicePaymentListParams",
    ("GET", "payment_intents/*"): "_payment_intent_retrieve_params.PaymentIntentRetrieveParams",
    ("GET", "disputes"): "_dispute_list_params.DisputeListParams",
}
ROUTES = frozenset(_PARAMS)
_OPTIONS = frozenset({"api_key", "stripe_version", "stripe_account", "stripe_context", "max_network_retries"})
_OPTIONS_TOO = frozenset({"idempotency_key", "content_type", "headers", "base_address"})


class RefusedError(ValueError):
    """Stripe refuses the call: status, type and code of its error, and the parameter it is about."""

    def __init__(
        self, message: str, *, param: str | None = None, code: str | None = None, status: int = 400, kind: str = ""
    ) -> None:
        super().__init__(message)
        self.status = status
        self.events: list[tuple[str, dict[str, Any]]] = []
        self.error = {"type": kind or "invalid_request_error", "message": message, "param": param, "code": code}


def read_form(text: str) -> dict[str, Any]:
    """Read `a[b][0][c]=v` as nested objects; lists are objects with numbers for names until they are checked."""
    found: dict[str, Any] = {}
    for name, text_value in parse_qsl(text, keep_blank_values=True, strict_parsing=bool(text)):
        head = name.partition("[")[0]
        path = [head, *_PART.findall(name[len(head) :])]
        place = found
        for part in path[:-1]:
            place = place.setdefault(part, {})
        place[path[-1]] = text_value
    return found


def check(method: str, route: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """Check the parameters of a call, and give them with their types; raises RefusedError for what Stripe refuses."""
    module, _, name = _PARAMS[method, route].rpartition(".")
    cls = getattr(importlib.import_module(f"stripe.params.{module}"), name)
    checked: dict[str, Any] = _object(cls, given, "")
    return checked


@functools.lru_cache(maxsize=256)
def _fields(cls: Any) -> tuple[dict[str, Any], frozenset[str]]:
    # What the client imports for its own type checker only.
    late = {"UntypedStripeObject": Mapping, "StripeContext": str, "UploadFile": str}
    modules = (importlib.import_module(name) for name in ("stripe._request_options", cls.__module__))
    names = functools.reduce(operator.or_, (vars(module) for module in modules), late) | {"Decimal": str}
    hints = typing.get_type_hints(cls, globalns=names, include_extras=False)
    own = {key: hint for key, hint in hints.items() if key not in _OPTIONS | _OPTIONS_TOO}
    return own, frozenset(cls.__required_keys__) & own.keys()


def _object(cls: Any, given: Any, at: str) -> dict[str, Any]:
    if not isinstance(given, dict):
        raise RefusedError("Invalid object", param=at)
    fields, required = _fields(cls)
    for key in given:
        if key not in fields:
            name = f"{at}[{key}]" if at else key
            raise RefusedError(f"Received unknown parameter: {name}", param=name, code="parameter_unknown")
    for key in sorted(required - given.keys()):
        name = f"{at}[{key}]" if at else key
        raise RefusedError(f"Missing required param: {name}.", param=name, code="parameter_missing")
    return {key: _value(fields[key], each, f"{at}[{key}]" if at else key) for key, each in given.items()}


def _value(hint: Any, given: Any, at: str) -> Any:
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (typing.Union, types.UnionType):
        return _choice(arguments, given, at)
    if hasattr(hint, "__required_keys__"):  # a TypedDict, of whichever module
        return _object(hint, given, at)
    if origin in (list, typing.List):  # noqa: UP006 - as the client writes it
        entries = list(given.values()) if isinstance(given, dict) else None
        if entries is None:
            raise RefusedError("Invalid array", param=at)
        return [_value(arguments[0], each, f"{at}[{number}]") for number, each in enumerate(entries)]
    if origin is typing.Literal:
        if given not in arguments:
            raise RefusedError(f"Invalid {at}: must be one of {', '.join(map(str, arguments))}", param=at)
        return given
    if origin in (dict, Mapping) or getattr(origin, "__name__", "") == "Mapping":
        if not isinstance(given, dict):
            raise RefusedError("Invalid object", param=at)
        return given
    return _plain(hint, given, at)


def _choice(hints: tuple[Any, ...], given: Any, at: str) -> Any:
    """Take what fits first. `Literal[…] | str` is a choice of the literals: the client says so for newer ones only."""
    literals = [hint for hint in hints if get_origin(hint) is typing.Literal]
    if literals and set(get_args(literals[0])) != {""}:
        hints = tuple(hint for hint in hints if hint is not str)
    refused: RefusedError | None = None
    for hint in sorted(hints, key=lambda each: each is str):
        try:
            return _value(hint, given, at)
        except RefusedError as error:
            # The fault of the shape that fits is the one to tell.
            refused = error if refused is None or not isinstance(given, str) else refused
    raise refused or RefusedError("Invalid value", param=at)


def _plain(hint: Any, given: Any, at: str) -> Any:
    if not isinstance(given, str):
        raise RefusedError(f"Invalid string: {at}", param=at)
    if hint is bool:
        if given not in ("true", "false"):
            raise RefusedError(f"Invalid boolean: {given}", param=at)
        return given == "true"
    if hint is int:
        if not re.fullmatch(r"-?\d+", given):
            raise RefusedError(f"Invalid integer: {given}", param=at)
        return int(given)
    if given == "" and hint is str and at != "email":
        raise RefusedError(f"You passed an empty string for '{at}'.", param=at, code="parameter_invalid_empty")
    return given
