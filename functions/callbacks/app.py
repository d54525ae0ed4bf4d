"""Takes providers' callbacks, each verified before anything is read from it. There is no API key here."""

from collections.abc import Mapping
from typing import Any

from carillon.bootstrap import chats, receipts, replies, stripe_events, twilio
from carillon.runtime.http.forms import FormCall, Text, form_door
from carillon.runtime.logging import logger


def twilio_status(call: FormCall) -> None:
    """Move the message that a Twilio status callback names."""
    url, token = call.url(receipts.public_base_url()), call.query.get("m", "")
    signed = twilio.signer(url, call.body, call.headers.get("x-twilio-signature"), token=token)
    call.refuse_unless(signed is not None)
    receipt = receipts.read_twilio_status(token, call.body)
    if receipt is not None:
        receipts.twilio().apply(receipt)


def twilio_inbound(call: FormCall) -> Text:
    """Take what a person wrote to a WhatsApp number; Twilio is told to say nothing."""
    url = call.url(receipts.public_base_url())
    signature = call.headers.get("x-twilio-signature")
    signed = twilio.signer(url, call.body, signature, channel_id=call.query.get("c"))
    call.refuse_unless(signed is not None)
    found = replies.take_from_twilio(call.body, signed.org_id if signed is not None else None)
    if found is not None:
        org_id, taken = found
        ids = {"organization_id": org_id, "reply_id": taken.id}
        logger().info("reply", extra={**ids, "result": taken.result if org_id else "nobody_wrote", "opt": taken.opt})
    return Text("<Response/>", "text/xml")


def telegram_update(call: FormCall) -> Mapping[str, Any]:
    """Take what happened in a chat with an organization's Telegram bot."""
    answer = chats.telegram(call.name, call.headers, call.body)
    call.refuse_unless(answer is not None)
    return answer or {}


def viber_event(call: FormCall) -> Mapping[str, Any]:
    """Take what happened in a chat with an organization's Viber bot."""
    answer = chats.viber(call.name, call.headers, call.raw)
    call.refuse_unless(answer is not None)
    return answer or {}


def stripe_event(call: FormCall) -> None:
    """Have the top-up settled that an event of Stripe is about."""
    taken = stripe_events.take(call.headers.get("stripe-signature"), call.raw)
    call.refuse_unless(taken is not None)
    about = taken.reference if taken is not None else None
    if about is not None:
        ids = {"organization_id": about.org_id, "top_up": about.top_up}
        logger().info("payment event", extra={**ids, "event_id": about.event, "type": about.type})


lambda_handler = form_door(
    {
        "/callbacks/twilio/status": twilio_status,
        "/callbacks/twilio/inbound": twilio_inbound,
        "/callbacks/telegram/*": telegram_update,
        "/callbacks/viber/*": viber_event,
        "/callbacks/stripe": stripe_event,
    }
)
