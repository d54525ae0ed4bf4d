"""What is known of addresses whoever has them: their owners' word on a channel, and what mail to them met."""

from datetime import datetime

from carillon.adapters.dynamodb.items import Item
from carillon.adapters.dynamodb.keys import Key
from carillon.adapters.dynamodb.suppressions import DynamoSuppressions, refusal_of
from carillon.adapters.dynamodb.table import Table, Write
from carillon.domain.channels import CHANNELS, Channel
from carillon.domain.consents import Opt
from carillon.domain.reach import Refused
from carillon.domain.recipients import Marks

OF_CONTACTS: tuple[Channel, ...] = ("email", "sms", "whatsapp")
"""The channels on which someone can be told of whom nothing but addresses is known."""


class DynamoAddressMarks:
    """See the port `AddressMarks`. A word lies beside what is held against the address, under the same hash."""

    def __init__(self, table: Table, suppressions: DynamoSuppressions) -> None:
        self._table = table
        self._suppressions = suppressions

    def of(self, org_id: str, phone: str | None, email: str | None) -> Marks:
        """Tell what is known of both addresses in one read."""
        addresses = {"phone": phone, "email": email}
        named = {channel: address for channel in OF_CONTACTS if (address := addresses[CHANNELS[channel].address])}
        words = {channel: self._word(org_id, channel, address) for channel, address in named.items()}
        held = {channel: self._suppressions.key(org_id, channel, address) for channel, address in named.items()}
        if not named:
            return Marks()
        found = self._table.get_many([*words.values(), *held.values()])
        refusals = {channel: refusal_of(found.get(key)) for channel, key in held.items()}
        return Marks(
            opted_out=tuple(channel for channel, key in words.items() if found.get(key, {}).get("opt") == "out"),
            refused=tuple(
                Refused(channel=channel, reason=reason, address=named[channel])
                for channel, reason in refusals.items()
                if reason is not None
            ),
        )

    def said(self, org_id: str, channel: Channel, address: str, opt: Opt, at: datetime) -> bool:
        """Keep a word; one that is older than what is kept is passed over."""
        item: Item = {"ty": "word", "opt": opt, "at": int(at.timestamp() * 1000)}
        condition = "attribute_not_exists(pk) OR #at <= :at"
        return self._table.write(
            Write(
                self._word(org_id, channel, address),
                item=item,
                condition=condition,
                values={"at": item["at"]},
                names={"at": "at"},
            )
        )

    def _word(self, org_id: str, channel: Channel, address: str) -> Key:
        partition, name = self._suppressions.key(org_id, channel, address)
        return partition, f"OPT#{name}"
