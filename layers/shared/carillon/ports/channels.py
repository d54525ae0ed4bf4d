"""An organization's own senders: where they are kept, and who connects them."""

from collections.abc import Mapping
from dataclasses import field
from typing import Any, Protocol

from carillon.domain.channel_states import ChannelState
from carillon.domain.channels import Channel
from carillon.domain.own_channels import DnsRecord, OwnSender
from carillon.domain.values import value


@value
class Connected:
    """What a provider said of an own sender.

    `sender`: what people see it as. `kept` and `secrets` are stored with it beside what was stated (an application's
    ARN, a webhook's secret). `problem`: why it is not active, for people.
    """

    active: bool
    sender: str
    kept: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    dns_records: tuple[DnsRecord, ...] = ()
    problem: str | None = None


class ChannelRefused(Exception):
    """The provider does not accept the credentials or the sender; the text is for people and holds no secret."""


class ChannelAdmin(Protocol):
    """Connects the own senders of one channel with their provider. Each call may be repeated."""

    def connect(self, org_id: str, channel_id: str, stated: Mapping[str, Any], before: OwnSender | None) -> Connected:
        """Check credentials, and set up what the channel needs (a webhook, an identity); raises ChannelRefused.

        `stated` is the document with its secrets; `before` the sender it replaces, if there is one.
        """

    def check(self, org_id: str, channel_id: str, own: OwnSender) -> Connected:
        """Look again; raises ChannelRefused."""

    def disconnect(self, org_id: str, channel_id: str, own: OwnSender) -> None:
        """Undo what `connect` set up; what is gone already is fine."""


class Vault(Protocol):
    """Encrypts what is secret of one organization so that no other's context opens it."""

    def seal(self, org_id: str, secrets: Mapping[str, str]) -> str:
        """Encrypt, at most 4 KB."""

    def open(self, org_id: str, sealed: str) -> dict[str, str]:
        """Decrypt."""


class OwnSenders(Protocol):
    """Gives senders their organization's own credentials."""

    def of(self, org_id: str, channel: Channel, state: ChannelState | None) -> OwnSender | None:
        """Give the own sender in force; None: the deployment's. Remembers what it opened, by revision."""
