"""An organization's own senders: where they are kept, and who connects them."""

from collections.abc import Mapping
from dataclasses import field
from typing import Any, Protocol

from carillon.domain.channel_states import ChannelState
from carillon.domain.channels import Channel
from carillon.domain.organizations import Organization
from carillon.domain.own_channels import DnsRecord, OwnSender, StoredChannel
from carillon.domain.settings import Settings
from carillon.domain.values import value
from carillon.ports.directory import AuditEntry, Stored


@value
class Connected:
    """What a provider said of an own sender.

    `sender`: what people see it as. `kept` and `secrets` are stored with it beside what was stated (an application's
    ARN, a webhook's secret). `problem`: why it is not active, for people. `held`: the provider keeps the stated
    credentials itself, so they are not stored here.
    """

    active: bool
    sender: str
    kept: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    dns_records: tuple[DnsRecord, ...] = ()
    problem: str | None = None
    held: bool = False


class ChannelRefused(Exception):
    """The provider does not accept the credentials or the sender; the text is for people and holds no secret.

    `pointer` names the field that is to blame, where one is (`/auth_token`).
    """

    def __init__(self, text: str, pointer: str = "") -> None:
        super().__init__(text)
        self.pointer = pointer


class ChannelUnreachable(Exception):
    """The provider could not be asked: whether it did anything is not known, and the call may be repeated."""


class ChannelAdmin(Protocol):
    """Connects the own senders of one channel with their provider. Each call may be repeated."""

    def connect(self, org_id: str, channel_id: str, stated: Mapping[str, Any], before: OwnSender | None) -> Connected:
        """Check credentials, and set up what the channel needs (a webhook, an identity).

        `stated` is the document with its secrets; `before` the sender it replaces, if there is one. Raises
        ChannelRefused or ChannelUnreachable.
        """

    def check(self, org_id: str, channel_id: str, own: OwnSender) -> Connected:
        """Look again, and set up anew what is missing; raises ChannelRefused or ChannelUnreachable.

        Of the answer, `kept` and `secrets` are added to what is stored.
        """

    def disconnect(self, org_id: str, channel_id: str, own: OwnSender) -> None:
        """Undo what `connect` set up; what is gone already is fine, refused credentials included.

        Raises ChannelUnreachable.
        """


class Vault(Protocol):
    """Encrypts what is secret of one organization so that no other's context opens it."""

    def seal(self, org_id: str, secrets: Mapping[str, str]) -> str:
        """Encrypt, at most 4 KB."""

    def open(self, org_id: str, sealed: str) -> dict[str, str]:
        """Decrypt."""


class OwnSenders(Protocol):
    """Gives senders their organization's own credentials."""

    def of(self, org_id: str, channel: Channel, state: ChannelState | None) -> OwnSender | None:
        """Give the own sender that a state stands for; None for none. Remembers what it opened, by revision.

        Raises LookupError when it is gone meanwhile.
        """


@value
class ChannelsView:
    """An organization's own senders with what they hang on, read at once."""

    organization: Stored[Organization]
    settings: Stored[Settings]
    channels: Mapping[Channel, StoredChannel]


@value
class ChannelChange:
    """A sender as it is to be, over what was read; `settings` only where they change with it."""

    view: ChannelsView
    after: StoredChannel
    organization: Organization
    audit: tuple[AuditEntry, ...] = ()
    settings: Settings | None = None


class ChannelStore(Protocol):
    """Own senders with their states."""

    def read(self, org_id: str) -> ChannelsView:
        """Read everything in one strongly consistent call; NotFound without the organization."""

    def reserve(self, org_id: str, channel: StoredChannel) -> bool:
        """Note an attempt (`version`: as read), and make its id known; False when another writer came first."""

    def save(self, org_id: str, change: ChannelChange) -> bool:
        """Write sender, state, settings and audit at once; False when another writer came first."""

    def drop(self, org_id: str, channel: StoredChannel) -> bool:
        """Forget a sender and its id; False when another writer came first."""

    def forget_templates(self, org_id: str) -> None:
        """Forget the organization's own WhatsApp templates: they belong to an account that it leaves."""
