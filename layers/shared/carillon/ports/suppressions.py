"""What is known against addresses, per organization; it outlives whoever had them."""

from datetime import datetime
from typing import Protocol

from carillon.domain.channels import Channel
from carillon.domain.consents import Opt
from carillon.domain.reach import Refusal
from carillon.domain.recipients import Marks


class Suppressions(Protocol):
    """Addresses that an organization must not write to again, known by a keyed hash alone."""

    def note(self, org_id: str, channel: Channel, address: str, reason: Refusal, at: datetime) -> Refusal | None:
        """Note a report about mail that was sent at an instant; gives what holds against the address from then on.

        None: the address was seen to since, so the report is about what is mended. May be repeated.
        """

    def find(self, org_id: str, channel: Channel, address: str) -> Refusal | None:
        """Tell what holds against an address."""

    def lift(
        self, org_id: str, channel: Channel, address: str, now: datetime, *, by_owner: bool = False
    ) -> Refusal | None:
        """Let a bounced address be written to again, or by its owner's word any; gives what holds against it still."""


class AddressMarks(Protocol):
    """What the owners of addresses said of channels, and what is known against them, whoever's they are.

    Leads' contacts are asked about by their addresses alone, since no document of theirs could hold it.
    """

    def of(self, org_id: str, phone: str | None, email: str | None) -> Marks:
        """Tell what is known of a phone and an e-mail address: one call."""

    def said(self, org_id: str, channel: Channel, address: str, opt: Opt, at: datetime) -> bool:
        """Keep the owner's word on a channel; False where he has said something else since. May be repeated."""
