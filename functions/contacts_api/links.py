"""Routes that make one-time links, by which a client's own Telegram or Viber becomes a way to reach it."""

from carillon.bootstrap.contacts_api import services
from carillon.runtime.http import INSIDE, Answer, Call, Id, Routes
from carillon.services.chat_links import ChatLink

routes = Routes()


@routes.post(
    "/v1/clients/<client_id>/telegram-links",
    roles=INSIDE,
    statuses=(201,),
    errors=("notifications_inactive", "channel_not_connected"),
)
def create_telegram_link(call: Call, client_id: Id) -> Answer[ChatLink]:
    """Make a one-time link to the organization's Telegram bot for a client.

    Opening it links the client's chat, which is the consent to service messages there.
    """
    return Answer(services().links.issue(call.caller, client_id, "telegram", call.attempt), status=201)


@routes.post(
    "/v1/clients/<client_id>/viber-links",
    roles=INSIDE,
    statuses=(201,),
    errors=("notifications_inactive", "channel_not_connected"),
)
def create_viber_link(call: Call, client_id: Id) -> Answer[ChatLink]:
    """Make a one-time link to the organization's Viber bot for a client.

    The client's chat is linked once the client has opened it and written a first message, as Viber asks for; consent
    is the client's for Viber as it stands.
    """
    return Answer(services().links.issue(call.caller, client_id, "viber", call.attempt), status=201)
