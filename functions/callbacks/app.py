"""Takes providers' callbacks, each verified before anything is read from it. There is no API key here."""

from collections.abc import Mapping
from typing import Any

from carillon.bootstrap import chats, receipts, twilio
from carillon.runtime.http.forms import FormCall, form_door


def twilio_status(call: FormCall) -> None:
    """Move the message that a Twilio status callback names."""
    url, token = call.url(receipts.public_base_url()), call.query.get("m", "")
    signed = twilio.signer(url, call.body, call.headers.get("x-twilio-signature"), token=token)
    call.refuse_unless(signed is not None)
    receipt = receipts.read_twilio_status(token, call.body)
    if receipt is not None:
        receipts.twilio().apply(receipt)


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


lambda_handler = form_door(
    {
        "/callbacks/twilio/status": twilio_status,
        "/callbacks/telegram/*": telegram_update,
        "/callbacks/viber/*": viber_event,
    }
)
