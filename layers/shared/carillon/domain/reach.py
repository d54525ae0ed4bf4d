"""How a person can be reached beyond e-mail and phone: linked chats, registered devices, and what was refused there."""

from dataclasses import field
from typing import Annotated, Literal

from carillon.domain.channels import Channel
from carillon.domain.constraints import Id, Instant, Items, Text, document

Platform = Literal["fcm", "apns"]
Refusal = Literal["address_bounced", "address_complained"]
Chats = dict[Literal["telegram", "viber"], str]
"""Per chat channel, the id under which the organization's own bot knows the person."""
MAX_DEVICES = 10


@document
class Device:
    """A device that takes push messages. `endpoint`: the ARN under which SNS knows it."""

    id: Id
    platform: Platform
    endpoint: Annotated[str, Text(max=256, min=1)]


Devices = Annotated[list[Device], Items(max=MAX_DEVICES)]


@document
class Refused:
    """A provider's word that an address must not be written to again, on this channel.

    A person whose address has changed since is not meant.
    """

    channel: Channel
    reason: Refusal
    address: str


@document
class OptedAddress:
    """What somebody at one of the settings' addresses said of a channel: `out` since `at`, or back since then.

    It is the person's word, so it holds for the address, not for whoever the settings name next.
    """

    channel: Channel
    address: str
    out: bool
    at: Instant


@document
class Conversation:
    """The two ends of what a person wrote: its address then, and the own sender it wrote to (empty: the deployment's).

    WhatsApp's window is open between these two alone.
    """

    address: str
    to: str = ""


@document
class Reach:
    """What is known of the ways to a person.

    `replied_at`: per channel, when the person last wrote, which opens WhatsApp's window for free text, and
    `conversations` between whom. `opted_at`: per channel, when the person last opted out or came back; an older word
    doesn't count.
    """

    chats: Chats = field(default_factory=dict)
    devices: Devices = field(default_factory=list)
    refused: Annotated[list[Refused], Items(max=20)] = field(default_factory=list)
    replied_at: dict[Channel, Instant] = field(default_factory=dict)
    conversations: dict[Channel, Conversation] = field(default_factory=dict)
    opted_at: dict[Channel, Instant] = field(default_factory=dict)
