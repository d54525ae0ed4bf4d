"""The door of messages: what was sent, and what was not and why."""

from carillon.bootstrap import records as bootstrap
from carillon.domain.messages import MessageFilter
from carillon.domain.times import parse_instant
from carillon.runtime.http import READERS, Answer, Call, Door, Id, Page
from functions.messages_api import inbound, reports
from functions.messages_api.views import LoggedView, MessageQuery, MessageView, logged_view, message_view

door = Door()


@door.get("/v1/messages", roles=READERS, errors=("notifications_inactive",))
def list_messages(call: Call, query: MessageQuery) -> Answer[Page[MessageView]]:
    """List messages and decisions not to send, newest first; a short page may still have a cursor."""
    wanted = MessageFilter(
        channel=query.channel,
        status=query.status,
        record=query.record,
        client_id=query.client_id,
        origin=query.origin,
        since=parse_instant(query.from_) if query.from_ else None,
        until=parse_instant(query.to) if query.to else None,
    )
    page = bootstrap.log().page(call.org_id, wanted, limit=query.limit, position=call.position)
    return Answer(Page([message_view(message) for message in page.items], page.position))


@door.get("/v1/messages/<message_id>", roles=READERS, errors=("notifications_inactive",))
def get_message(call: Call, message_id: Id) -> Answer[LoggedView]:
    """Read one message with its timeline, from the decision to the receipt, and what went out on other channels."""
    return Answer(logged_view(bootstrap.log().get(call.org_id, message_id)))


door.include(inbound.routes, reports.routes)
lambda_handler = door.handler
