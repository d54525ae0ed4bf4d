"""Stripe's events: verified by signature, read as which top-up they are about.

The signature is ours to check (an HMAC over the instant and the raw body, as Stripe's page on webhooks states it), so
that the function of callbacks does not carry the SDK; a test holds it against the SDK's own check. Of an event nothing
else is believed: what became of a payment is asked of Stripe.
"""

import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from carillon.domain.top_ups import Reference

TOLERANCE = timedelta(minutes=5)
"""How old a signature may be; Stripe signs each attempt anew."""
DEPLOYMENT, ORGANIZATION, TOP_UP = "carillon", "organization", "top_up"
"""What is written on everything that is made at Stripe: whose deployment made it, for whom, for which order."""
EVENTS = frozenset(
    {
        "checkout.session.completed",
        "checkout.session.async_payment_succeeded",
        "checkout.session.async_payment_failed",
        "checkout.session.expired",
        "invoice.paid",
        "invoice.payment_failed",
        "charge.refunded",
        "refund.updated",
        "refund.failed",
        "charge.dispute.created",
        "charge.dispute.closed",
        "charge.dispute.funds_withdrawn",
        "charge.dispute.funds_reinstated",
    }
)
"""What may change what a top-up is worth; the rest is answered and left alone."""
LIVE_KEYS = ("sk_live_", "rk_live_")


def signature(secret: str, at: int, body: bytes) -> str:
    """Sign a body the way Stripe does, in hex."""
    return hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()


def is_signed(secret: str, header: str | None, body: bytes, now: datetime) -> bool:
    """Whether a body was signed with this secret not long ago; one of several signatures is enough (rotation)."""
    if not secret or not header:
        return False
    parts = [part.split("=", 2) for part in header.split(",")]
    if any(len(part) < 2 for part in parts):  # noqa: PLR2004 - name and value
        return False
    instants = [part[1] for part in parts if part[0] == "t"]
    given = [part[1] for part in parts if part[0] == "v1"]
    if not instants or not instants[0].isdecimal() or len(instants[0]) > 12:  # noqa: PLR2004 - no year 33658
        return False
    at = int(instants[0])
    expected = signature(secret, at, body).encode()
    known = any(hmac.compare_digest(expected, each.encode(errors="replace")) for each in given)
    return known and at >= int(now.timestamp()) - int(TOLERANCE.total_seconds())


def is_of_mode(event: Mapping[str, Any], secret_key: str) -> bool:
    """Whether an event is of the mode of the deployment's key: live money of the live one, tests of the other."""
    return event.get("livemode") is secret_key.startswith(LIVE_KEYS)


def read_event(event: Mapping[str, Any], deployment: str) -> Reference | None:
    """Read what an event is about; None when it tells nothing new, or is of something else on the same account."""
    if event.get("type") not in EVENTS:
        return None
    about: Mapping[str, Any] = (event.get("data") or {}).get("object") or {}
    marks: Mapping[str, str] = about.get("metadata") or {}
    event_id, kind = str(event.get("id", "")), str(event["type"])
    if marks.get(DEPLOYMENT):
        ours = marks[DEPLOYMENT] == deployment
        return Reference(event_id, kind, marks.get(ORGANIZATION), marks.get(TOP_UP)) if ours else None
    if about.get("object") in ("charge", "refund", "dispute") and isinstance(about.get("payment_intent"), str):
        return Reference(event_id, kind, payment=about["payment_intent"])
    return None
