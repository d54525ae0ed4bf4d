"""Takes providers' callbacks, each verified before anything is read from it. There is no API key here."""

from carillon.bootstrap import receipts
from carillon.runtime.http.forms import FormCall, form_door


def twilio_status(call: FormCall) -> None:
    """Move the message that a Twilio status callback names."""
    url = call.url(receipts.public_base_url())
    call.refuse_unless(receipts.is_from_twilio(url, call.body, call.headers.get("x-twilio-signature")))
    receipt = receipts.read_twilio_status(call.query.get("m", ""), call.body)
    if receipt is not None:
        receipts.twilio().apply(receipt)


lambda_handler = form_door({"/callbacks/twilio/status": twilio_status})
