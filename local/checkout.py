"""The page for paying that the local Stripe opens, and what may happen to a payment afterwards."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from html import escape

from aiohttp import web

from local.fakes.stripe import Stripe
from local.fakes.stripe_objects import CONFIRMS, DECLINES, GOOD, SLOW, Events, Object
from local.fakes.stripe_rules import RefusedError

_PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Pay · local</title>
<style>body{font:1rem/1.5 system-ui,sans-serif;max-width:34rem;margin:3rem auto;padding:0 1rem}
form{display:inline}button{font:inherit;margin:.2rem .2rem .2rem 0;padding:.4rem .8rem}
dt{font-weight:600}</style></head><body><h1>%(title)s</h1><p>This page is the local cloud's. Nothing is paid.</p>
<dl>%(facts)s</dl>%(buttons)s</body></html>
"""
_PAY = {
    f"pay-{GOOD}": "Pay",
    f"pay-{CONFIRMS}": "Pay; next time the bank asks the owner",
    f"pay-{DECLINES}": "Pay; next time the card is declined",
    f"pay-{SLOW}": "Pay by bank debit, which takes its time",
    "decline": "Try a card that is declined",
    "cancel": "Go back without paying",
    "expire": "Let the page expire",
}
_BANK = {"arrive": "The bank debit arrives", "fail": "The bank debit fails"}
_AFTER = {
    "refund": "Refund what is left",
    "refund-half": "Refund half of it",
    "dispute": "Dispute it",
    "win": "Win the dispute",
    "lose": "Lose the dispute",
}


async def show(stripe: Stripe, request: web.Request) -> web.StreamResponse:
    """Show the page of a session, or what there is to do with its payment."""
    try:
        session = stripe.objects.get(request.match_info["session"], "checkout.session")
    except RefusedError as error:
        raise web.HTTPNotFound(text=str(error)) from None
    intent = session["payment_intent"] and stripe.objects.get(session["payment_intent"], "payment_intent")
    offered = _offered(session, intent)
    rows = {"Session": session["id"], "Status": session["status"], "Payment": session["payment_status"]}
    told = request.query.get("told")
    facts = "".join(f"<dt>{name}</dt><dd>{escape(str(text))}</dd>" for name, text in {**rows, "": told or ""}.items())
    buttons = "".join(
        f'<form method="post" action="/checkout/{session["id"]}/{action}"><button>{escape(label)}</button></form>'
        for action, label in offered.items()
    )
    title = f"{session['amount_total'] / 100:.2f} {session['currency'].upper()}"
    page = _PAGE % {"title": title, "facts": facts, "buttons": buttons}
    return web.Response(text=page, content_type="text/html")


async def act(stripe: Stripe, request: web.Request) -> web.StreamResponse:
    """Do as a buyer, or as a bank; then lead to where Stripe would."""
    action = request.match_info["action"]
    try:
        session = stripe.objects.get(request.match_info["session"], "checkout.session")
        if action == "cancel":
            raise web.HTTPSeeOther(session["cancel_url"] or "/")
        if action == "decline":
            raise web.HTTPSeeOther(f"/checkout/{session['id']}?told=The+card+was+declined")
        deed = _deed(stripe, session, action)
        if deed is None:
            raise web.HTTPNotFound(text="no such thing to do")
        stripe.tell(deed())
    except RefusedError as error:
        return web.json_response({"detail": str(error)}, status=max(error.status, 404))
    paid = action.startswith("pay-")
    raise web.HTTPSeeOther(session["success_url"] if paid else f"/checkout/{session['id']}")


def _offered(session: Object, intent: Object | None) -> Mapping[str, str]:
    if session["status"] == "open":
        return _PAY
    if intent is None:
        return {}
    return _BANK if intent["status"] == "processing" else _AFTER


def _deed(stripe: Stripe, session: Object, action: str) -> Callable[[], Events] | None:
    objects, session_id, intent = stripe.objects, session["id"], str(session["payment_intent"])
    deeds: dict[str, Callable[[], Events]] = {
        "expire": lambda: objects.expire(session_id),
        "arrive": lambda: objects.arrive(session_id, good=True),
        "fail": lambda: objects.arrive(session_id, good=False),
        "refund": lambda: objects.refund(intent),
        "refund-half": lambda: objects.refund(intent, objects.charge_of(intent)["amount"] // 2),
        "dispute": lambda: objects.dispute(intent),
        "win": lambda: objects.close_dispute(intent, won=True),
        "lose": lambda: objects.close_dispute(intent, won=False),
    }
    if action in _PAY and action.startswith("pay-"):
        return lambda: objects.buy(session_id, action.removeprefix("pay-"))
    return deeds.get(action)
