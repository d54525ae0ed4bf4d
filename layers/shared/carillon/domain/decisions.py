"""Decisions: what they depend on, and what they say."""

from collections.abc import Mapping
from dataclasses import field
from datetime import datetime
from typing import Literal

from carillon.domain.channels import Channel
from carillon.domain.clients import Client, Staff
from carillon.domain.organizations import Organization
from carillon.domain.own_texts import OwnTexts
from carillon.domain.recipients import Marks, Recipient
from carillon.domain.records import StoredRecord
from carillon.domain.rules import RulesInForce
from carillon.domain.same_day import Day
from carillon.domain.settings import Settings, Strategy
from carillon.domain.values import value

Level = Literal["builtin", "organization", "client", "record", "account"]


@value(kw_only=True)
class Account:
    """What the obstacles of a channel depend on, beside the person.

    `connected`: channels that can send for this organization. `whatsapp_templates`: (template key, audience, locale)
    that have an approved template. `now` None: as if nobody had written over WhatsApp of late. `exhausted`: metered
    channels of whose quota nothing is known to be left; the truth is the write that takes from it.
    """

    organization: Organization
    settings: Settings
    connected: frozenset[Channel]
    whatsapp_templates: frozenset[tuple[str, str, str]] = frozenset()
    own_texts: OwnTexts = field(default_factory=OwnTexts)
    now: datetime | None = None
    exhausted: frozenset[Channel] = frozenset()


@value(kw_only=True)
class Facts(Account):
    """Everything a decision depends on, read in one go; without `now`, quiet hours are not looked at.

    `marks`: what is known against the addresses of a lead's contact. `same_day`: the client's other appointments of the
    day, where they share a reminder. `review_asked`: when the client was last asked for a review of another one.
    """

    same_day: Day | None = None
    review_asked: datetime | None = None
    rules: RulesInForce
    record: StoredRecord
    client: Client | None
    staff: Mapping[str, Staff]
    marks: Marks = field(default_factory=Marks)


@value
class Decision:
    """Send on this channel to this address with this template, or do not, for this reason set at this level.

    `not_before`: later than now, for the reason; it may go `until` then even where its deadline is sooner. `units`:
    what it takes from the channel's quota when it is queued, 0 where that isn't metered.
    """

    recipient: Recipient
    channel: Channel
    send: bool
    template: str
    address: str | None = None
    reason: str | None = None
    level: Level = "builtin"
    not_before: datetime | None = None
    until: datetime | None = None
    units: int = 0


@value
class Verdict:
    """All channels of one recipient on one occasion, in the order in which they are listed.

    `beside`: push, which nobody lists, where it sends; it counts for no strategy. `rule`: the id of the rule that was
    asked, of an event.
    """

    recipient: Recipient
    template: str
    listed: tuple[Decision, ...]
    strategy: Strategy | None = None
    beside: tuple[Decision, ...] = ()
    rule: str | None = None

    @property
    def send(self) -> tuple[Decision, ...]:
        """The channels that send."""
        return (*(item for item in self.listed if item.send), *self.beside)

    @property
    def refused(self) -> tuple[Decision, ...]:
        """The channels that do not, each with its reason."""
        return tuple(item for item in self.listed if not item.send)

    @property
    def strategy_continues(self) -> bool:
        """Whether a channel that failed gives its turn to the next one."""
        return self.strategy == "first_reachable"
