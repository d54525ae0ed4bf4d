"""From a stored message to a provider's answer."""

from collections.abc import Mapping
from dataclasses import field
from datetime import datetime
from typing import Literal, Protocol

from carillon.domain.attachments import StoredFile
from carillon.domain.channels import Channel, Purpose
from carillon.domain.mail_from import MailFrom
from carillon.domain.messages import Message, MessageKey
from carillon.domain.organizations import Organization
from carillon.domain.own_channels import OwnSender
from carillon.domain.reach import Device
from carillon.domain.settings import Settings
from carillon.domain.values import value
from carillon.ports.reading import Snapshot


@value
class Rendered:
    """A message as the person will read it; `variables` are a WhatsApp template's, `files` what is to go with it.

    `listed`: marks of the other appointments of the day that the text lists (`domain/same_day.py`).
    """

    text: str
    subject: str | None = None
    html: str | None = None
    content_sid: str | None = None
    variables: Mapping[str, str] = field(default_factory=dict)
    files: tuple[StoredFile, ...] = ()
    listed: tuple[str, ...] = ()


@value
class Attachment:
    """A file that goes with an e-mail."""

    filename: str
    content_type: str
    content: bytes = field(repr=False)


@value
class Outgoing:
    """What a provider is asked to send, once. `token` comes back in its receipts and names the message.

    `attempt` counts the calls for this message from 1. `own`: the organization's own sender, None for the deployment's.
    `from_address`: whom an e-mail is from, None for the deployment's address. `unsubscribe`: the address at which one
    click ends such mail; only marketing has one. `devices`: where a push message goes.
    """

    org_id: str
    message_id: str
    to: str
    rendered: Rendered
    token: str
    valid_seconds: int
    sender_name: str
    reply_to: str | None = None
    from_address: str | None = None
    attempt: int = 1
    purpose: Purpose = "service"
    own: OwnSender | None = None
    attachments: tuple[Attachment, ...] = ()
    unsubscribe: str | None = None
    devices: tuple[Device, ...] = ()


@value
class Outcome:
    """What a provider answered.

    `permanent`, `misconfigured` and `unknown` have a reason of the contract; `retry` may carry the provider's own
    delay in seconds. `code` is the provider's, for logs and the timeline. `receipt` is there when the receipt is known
    at once, as for test data. `gone`: devices that can't be reached any more, whatever became of the others.
    """

    kind: Literal["accepted", "permanent", "retry", "misconfigured", "unknown"]
    provider_id: str | None = None
    reason: str | None = None
    code: str | None = None
    retry_after: int | None = None
    parts: int | None = None
    receipt: Literal["delivered", "failed"] | None = None
    gone: tuple[Device, ...] = ()


class Provider(Protocol):
    """Sends one message in one call, without hidden retries; never raises for what the provider says."""

    def send(self, outgoing: Outgoing) -> Outcome:
        """Send, within 10 seconds."""


@value
class Found:
    """What a provider's own list says of a message that was looked up."""

    status: Literal["sent", "delivered", "read", "failed"]
    provider_id: str
    reason: str | None = None


class LookUp(Protocol):
    """Asks a provider what became of a message whose answer was lost; not every provider can be asked."""

    def find(self, outgoing: Outgoing, begin: datetime, end: datetime) -> Found | None:
        """Find the message that was handed over between two instants.

        None when the provider has none, or more than one that it may be. Raises LookUpFailed when it can't be asked.
        """


class LookUpFailed(Exception):
    """The provider did not answer; looking again does no harm."""


class RenderingFailed(Exception):
    """A text could not be made; the message fails with `template_error` and is not lost silently."""


class Composer(Protocol):
    """Writes a message from the newest state of what it is about."""

    def compose(self, message: Message, snapshot: Snapshot) -> Rendered:
        """Render for the message's channel, audience and recipient; raises RenderingFailed."""


class Tokens(Protocol):
    """Names a message to a provider, so that nobody else can."""

    def issue(self, org_id: str, key: MessageKey) -> str:
        """Make a token of letters, digits, `-` and `_`."""

    def read(self, token: str) -> tuple[str, MessageKey] | None:
        """Give back what a token names; None for one that was not issued here."""


class Invitations(Protocol):
    """Makes the calendar file that goes with an e-mail."""

    def of(self, org_id: str, message: Message, snapshot: Snapshot, sender: MailFrom, to: str) -> Attachment | None:
        """Make it for the newest state of the record; None for a message without one."""


class Links(Protocol):
    """Gives the addresses of pages that stand in messages."""

    def unsubscribe(self, org_id: str, client_id: str) -> str:
        """Give the address at which a client ends marketing mail of an organization; it holds for years."""


class Connections(Protocol):
    """Which channels can send for an organization."""

    def connected(self, organization: Organization, settings: Settings) -> frozenset[Channel]:
        """Name the channels that can send."""

    def whatsapp_templates(self, organization: Organization, settings: Settings) -> frozenset[tuple[str, str, str]]:
        """Name the texts (template key, audience, locale) that have an approved WhatsApp template."""
