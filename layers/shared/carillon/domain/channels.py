"""The channels, as data. A new channel starts with an entry here."""

from typing import Literal, get_args

from carillon.domain.values import value

Channel = Literal["email", "sms", "whatsapp", "push", "telegram", "viber"]
Address = Literal["email", "phone", "device", "telegram", "viber"]
Purpose = Literal["service", "marketing"]
Bucket = Literal["email", "sms", "whatsapp", "telegram", "viber"]
"""A channel whose quota can be metered."""
BUCKETS: tuple[Bucket, ...] = get_args(Bucket)


@value
class ChannelFacts:
    """What every part of the product needs to know of one channel.

    `receipts`: the provider reports delivery, so `sent` is not the last word. `consent_default`: which of the
    organization's two consent defaults covers a new client, if any. `needs_consent`: of clients; push needs a
    registered device and no more. `configurable`: the organization may switch it. `manual_templates`: a manual
    message may use a template. `quiet`: quiet hours hold it. `unit`: what quota counts, None for what is never
    metered. `max_length`: characters the provider takes.
    """

    address: Address
    subject: bool
    attachments: bool
    unit: Literal["message", "part"] | None
    max_length: int
    receipts: bool
    configurable: bool
    manual_templates: bool
    needs_consent: bool
    consent_default: Literal["phone", "email"] | None
    quiet: bool


CHANNELS: dict[Channel, ChannelFacts] = {
    "email": ChannelFacts(
        address="email", subject=True, attachments=True, unit="message", max_length=100_000, receipts=True,
        configurable=True, manual_templates=True, needs_consent=True, consent_default="email", quiet=False,
    ),
    "sms": ChannelFacts(
        address="phone", subject=False, attachments=False, unit="part", max_length=1600, receipts=False,
        configurable=True, manual_templates=True, needs_consent=True, consent_default="phone", quiet=True,
    ),
    "whatsapp": ChannelFacts(
        address="phone", subject=False, attachments=False, unit="message", max_length=1024, receipts=True,
        configurable=True, manual_templates=True, needs_consent=True, consent_default="phone", quiet=True,
    ),
    "push": ChannelFacts(
        address="device", subject=True, attachments=False, unit=None, max_length=1000, receipts=False,
        configurable=False, manual_templates=True, needs_consent=False, consent_default=None, quiet=False,
    ),
    "telegram": ChannelFacts(
        address="telegram", subject=False, attachments=False, unit="message", max_length=4096, receipts=False,
        configurable=True, manual_templates=True, needs_consent=True, consent_default=None, quiet=True,
    ),
    "viber": ChannelFacts(
        address="viber", subject=False, attachments=False, unit="message", max_length=7000, receipts=True,
        configurable=True, manual_templates=False, needs_consent=True, consent_default="phone", quiet=True,
    ),
}  # fmt: skip

ALL: tuple[Channel, ...] = get_args(Channel)
LISTABLE: tuple[Channel, ...] = tuple(name for name, facts in CHANNELS.items() if facts.configurable)
"""Channels that reminders, recaps and rules may list; push goes beside them by itself."""
