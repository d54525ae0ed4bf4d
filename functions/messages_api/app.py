"""The door of messages: what was sent, and what was not and why."""

from carillon.bootstrap import records as bootstrap
from carillon.bootstrap.manual import answers
from carillon.domain.messages import MessageFilter
from carillon.domain.times import parse_instant
from carillon.runtime.http import INSIDE, Answer, Call, Door, Id, Page
from functions.messages_api import inbound, manual, reports
from functions.messages_api.views import LoggedView, MessageQuery, MessageView, logged_view, message_view

door = Door(answers=answers)


def _own(call: Call) -> tuple[str, str | None] | None:
    """Name whose messages a caller may see, if not everybody's: staff see those that they sent themselves."""
    return (call.caller.key_id, call.caller.user) if call.caller.role == "staff" else None


@door.get("/v1/messages", roles=INSIDE, errors=("notifications_inactive",))
def list_messages(call: Call, query: MessageQuery) -> Answer[Page[MessageView]]:
    """List messages and decisions not to send, newest first; a short page may still have a cursor.

    The role `staff` is shown what it sent itself: with its key and, with `On-Behalf-Of`, for that user.
    """
    wanted = MessageFilter(
        channel=query.channel,
        status=query.status,
        record=query.record,
        client_id=query.client_id,
        origin=query.origin,
        since=parse_instant(query.from_) if query.from_ else None,
        until=parse_instant(query.to) if query.to else None,
        author=_own(call),
    )
    page = bootstrap.log().page(call.org_id, wanted, limit=query.limit, position=call.position)
    return Answer(Page([message_view(message) for message in page.items], page.position))


@door.get("/v1/messages/<message_id>", roles=INSIDE, errors=("notifications_inactive",))
def get_message(call: Call, message_id: Id) -> Answer[LoggedView]:
    """Read one message with its timeline, from the decision to the receipt, and what went out on other channels.

    A manual one also shows what it says. The role `staff` is shown what it sent itself.
    """
    return Answer(logged_view(bootstrap.log().get(call.org_id, message_id, _own(call))))


door.include(manual.routes, inbound.routes, reports.routes)
lambda_handler = door.handler
