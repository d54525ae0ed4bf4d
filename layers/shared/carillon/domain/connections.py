"""Which channels can send for an organization, and with whose sender."""

from carillon.domain.channel_states import ChannelState
from carillon.domain.channels import Channel
from carillon.domain.organizations import OPERATOR_ORG, Organization
from carillon.domain.settings import Settings
from carillon.domain.simulation import is_test_data

OWN_ONLY: frozenset[Channel] = frozenset({"push", "telegram", "viber"})
"""Channels on which there is no shared sender: an app and a bot are always somebody's."""


def own_sender(channel: Channel, organization: Organization, settings: Settings) -> ChannelState | None:
    """Give the state of the organization's own sender if that is the one in use; None: the deployment's.

    One that is `pending` is not in use yet. A paused one is: whoever sends with it waits. On WhatsApp the
    organization chooses, because another number means other templates and another conversation. It chooses on e-mail
    too, where mail goes out from the deployment's address rather than wait.
    """
    state = organization.channels.get(channel)
    if state is None or state.status == "pending":
        return None
    if channel == "whatsapp" and settings.message_mode.mode != "own":
        return None
    if channel == "email" and (settings.email_sender.from_ == "no_reply" or state.status != "active"):
        return None
    return state


def connected(shared: frozenset[Channel], organization: Organization, settings: Settings) -> frozenset[Channel]:
    """Name the channels that can send; `shared`: those that the deployment has a sender for.

    With `message_mode` own, WhatsApp never falls back to the shared number: people would be written to by a stranger.
    """
    own = {channel for channel in organization.channels if own_sender(channel, organization, settings) is not None}
    borrowed = shared - OWN_ONLY
    if settings.message_mode.mode == "own":
        borrowed -= {"whatsapp"}
    return frozenset(borrowed | own)


def templates_owner(organization: Organization, settings: Settings) -> str:
    """Name whose approved WhatsApp templates count: another account has templates of its own.

    Test data sends nothing and has no account, so the shared sender's stand in for its own.
    """
    own = settings.message_mode.mode == "own" and not is_test_data(organization.id)
    return organization.id if own else OPERATOR_ORG
