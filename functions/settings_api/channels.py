"""Routes of an organization's own senders."""

from carillon.bootstrap.channels import public_url, services
from carillon.domain.own_channels import INPUTS, OwnChannel
from carillon.runtime.http import ADMINS, MANAGERS, Answer, Call, Draft, Id, Nothing, Page, Routes
from carillon.services.channel_documents import ChannelView
from carillon.services.own_channels import channel_of

routes = Routes()


@routes.get("/v1/channels", roles=MANAGERS)
def list_channels(call: Call) -> Answer[Page[ChannelView]]:
    """List every channel, with the organization's own sender where there is one.

    Credentials are never shown: `secrets` names those that are set.
    """
    return Answer(services().page(call.org_id))


@routes.put(
    "/v1/channels/<channel>",
    roles=ADMINS,
    statuses=(200, 201),
    errors=("channel_refused", "channel_not_connected", "provider_unreachable"),
)
def put_channel(call: Call, channel: Id, body: Draft[OwnChannel]) -> Answer[ChannelView]:
    """Connect an own sender: e-mail, SMS, WhatsApp, push, Telegram or Viber, each with its own body.

    Its provider is asked first; what it refuses is not stored. Repeating the call is safe.
    """
    name = channel_of(channel)
    view, new = services().put(call.caller, name, body.of(INPUTS[name]).value(), public_url(call.domain))
    return Answer(view, status=201 if new else 200)


@routes.post(
    "/v1/channels/<channel>/check",
    roles=ADMINS,
    errors=("channel_not_connected", "provider_unreachable"),
    repeats="leased",
)
def check_channel(call: Call, channel: Id) -> Answer[ChannelView]:
    """Ask the provider how an own sender stands.

    One that waited for its DNS records becomes active, one that was paused is tried again.
    """
    return Answer(services().check(call.caller, channel_of(channel), public_url(call.domain)))


@routes.delete("/v1/channels/<channel>", roles=ADMINS, errors=("provider_unreachable",))
def delete_channel(call: Call, channel: Id) -> Nothing:
    """Give an own sender up: nothing is sent with it any more, and its provider's side is undone.

    Where there is a shared sender, it takes over; `message_mode` own goes back to shared.
    """
    services().remove(call.caller, channel_of(channel), public_url(call.domain))
    return Nothing()
