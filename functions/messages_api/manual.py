"""What people write to somebody themselves, and what it looks like beforehand."""

from carillon.bootstrap.manual import manual, public_url
from carillon.domain.constraints import document
from carillon.domain.errors import Code
from carillon.domain.messages import Message
from carillon.runtime.http import INSIDE, Answer, Call, Draft, Routes
from carillon.services.manual import ManualPreview
from carillon.services.manual_input import ManualInput
from functions.messages_api.views import MessageView, message_view

routes = Routes()
MAX_BODY = 5 * 1024 * 1024
"""Three megabytes of files are four in base64."""
FAULTS: tuple[Code, ...] = ("notifications_inactive", "template_not_supported", "template_invalid")


@document
class SentView:
    """A message on its way; `GET /v1/messages/{id}` tells what becomes of it."""

    message: MessageView


@routes.post(
    "/v1/messages",
    roles=INSIDE,
    statuses=(202,),
    errors=(
        *FAULTS,
        "attachments_too_large",
        "channel_not_connected",
        "consent_missing",
        "opted_out",
        "no_address",
        "whatsapp_window_closed",
        "quota_exhausted",
    ),
    max_body=MAX_BODY,
)
def send_message(call: Call, body: Draft[ManualInput]) -> Answer[SentView]:
    """Send a message to a client or a member of staff.

    It goes out as the preview shows it: a template's text filled, or the text given as it stands. Whoever sends it is
    recorded. Refusals are checked in the order in which they are listed.
    """
    attempt = call.attempt

    def view(message: Message) -> SentView:
        return SentView(message=message_view(message))

    wanted = body.value(lambda data: manual().faults(call.org_id, data))
    remember = (lambda message: attempt.answered(202, view(message))) if attempt is not None else None
    message = manual().send(call.caller, wanted, public_url(call.domain), remember)
    return Answer(view(message), status=202)


@routes.post("/v1/messages/preview", roles=INSIDE, errors=FAULTS, max_body=MAX_BODY)
def preview_message(call: Call, body: Draft[ManualInput]) -> Answer[ManualPreview]:
    """Show a message as it would be read, whether its text may be changed, and what is in its way; nothing is sent."""
    wanted = body.value(lambda data: manual().faults(call.org_id, data))
    return Answer(manual().preview(call.caller, wanted, public_url(call.domain)))
