"""What people wrote back, as the API shows it."""

from carillon.bootstrap import replies as bootstrap
from carillon.domain.channels import Channel
from carillon.domain.consents import Opt
from carillon.domain.constraints import Id, Instant, document
from carillon.domain.listing import ListQuery
from carillon.domain.replies import StoredReply
from carillon.domain.times import iso
from carillon.runtime.http import READERS, Answer, Call, Page, Routes

routes = Routes()


@document
class ReplyQuery(ListQuery):
    """Which replies."""

    channel: Channel | None = None
    client_id: Id | None = None


@document
class ReplyView:
    """What a person wrote back. `from` is the address it came from.

    `client_id` is null when no client has that address. `in_reply_to` and `record`: the last message that had reached
    the client on that channel, and what it was about. `opt`: it asked for no more messages on the channel (`out`), or
    for messages again (`back`).
    """

    id: str
    channel: Channel
    from_: str
    client_id: str | None
    text: str
    in_reply_to: str | None
    record: str | None
    opt: Opt | None
    at: Instant


@routes.get("/v1/inbound", roles=READERS, errors=("notifications_inactive",))
def list_replies(call: Call, query: ReplyQuery) -> Answer[Page[ReplyView]]:
    """List what people wrote back in the last 90 days, newest first; a short page may still have a cursor."""
    page = bootstrap.listing().page(
        call.org_id, query.channel, query.client_id, limit=query.limit, position=call.position
    )
    return Answer(Page([_view(reply) for reply in page.items], page.position))


def _view(reply: StoredReply) -> ReplyView:
    return ReplyView(
        id=reply.id,
        channel=reply.channel,
        from_=reply.address,
        client_id=reply.client_id,
        text=reply.text,
        in_reply_to=reply.in_reply_to,
        record=reply.record,
        opt=reply.opt,
        at=iso(reply.at),
    )
