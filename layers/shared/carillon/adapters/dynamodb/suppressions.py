"""Suppressed addresses in the table: an item for each, which names the address only to who holds the key."""

import hashlib
import hmac
from collections.abc import Callable
from datetime import datetime

from carillon.adapters.dynamodb import keys
from carillon.adapters.dynamodb.items import Item
from carillon.adapters.dynamodb.keys import Key
from carillon.adapters.dynamodb.table import Table, Write
from carillon.domain.channels import CHANNELS, Channel
from carillon.domain.errors import Contended
from carillon.domain.reach import Refusal
from carillon.domain.suppressions import Suppression, noted
from carillon.domain.times import iso, parse_instant

ROUNDS = 5


class DynamoSuppressions:
    """See the port `Suppressions`."""

    def __init__(self, table: Table, signing_key: Callable[[], str]) -> None:
        self._table = table
        self._signing_key = signing_key

    def note(self, org_id: str, channel: Channel, address: str, reason: Refusal, at: datetime) -> Refusal | None:
        """Note a report; gives what holds against the address from then on, None if it was seen to since."""
        for _ in range(ROUNDS):
            item = self._table.get(self.key(org_id, channel, address))
            known = _suppression(item)
            after = noted(known, reason, at)
            if after is None or after == known:
                return after.reason if after is not None else None
            if self._save(org_id, channel, address, item, after):
                return after.reason
        raise Contended("what is known of an address is being changed by others")

    def find(self, org_id: str, channel: Channel, address: str) -> Refusal | None:
        """Tell what holds against an address."""
        return refusal_of(self._table.get(self.key(org_id, channel, address)))

    def lift(
        self, org_id: str, channel: Channel, address: str, now: datetime, *, by_owner: bool = False
    ) -> Refusal | None:
        """Let a bounced address be written to again, or by its owner's word any; gives what holds against it still."""
        for _ in range(ROUNDS):
            item = self._table.get(self.key(org_id, channel, address))
            known = _suppression(item)
            if known is None or known.lifted_at is not None:
                return None
            if known.reason == "address_complained" and not by_owner:
                return known.reason
            if self._save(org_id, channel, address, item, Suppression(known.reason, known.at, now)):
                return None
        raise Contended("what is known of an address is being changed by others")

    def key(self, org_id: str, channel: Channel, address: str) -> Key:
        """Name the place of an address; the same address has another one in each organization."""
        kind = CHANNELS[channel].address
        named = f"address:{org_id}\x1f{kind}\x1f{address.casefold()}".encode()
        return keys.suppression(
            org_id, hmac.new(self._signing_key().encode(), named, hashlib.sha256).hexdigest()[:32], channel
        )

    def _save(self, org_id: str, channel: Channel, address: str, before: Item | None, after: Suppression) -> bool:
        item: Item = {"ty": "suppression", "rs": after.reason, "at": iso(after.at), "v": (before or {}).get("v", 0) + 1}
        if after.lifted_at is not None:
            item["ly"] = iso(after.lifted_at)
        condition, values = ("v = :v", {"v": before["v"]}) if before else ("attribute_not_exists(pk)", {})
        return self._table.write(
            Write(self.key(org_id, channel, address), item=item, condition=condition, values=values)
        )


def refusal_of(item: Item | None) -> Refusal | None:
    """Read what holds against an address off its item."""
    known = _suppression(item)
    return known.reason if known is not None and known.lifted_at is None else None


def _suppression(item: Item | None) -> Suppression | None:
    if item is None:
        return None
    lifted = parse_instant(item["ly"]) if "ly" in item else None
    return Suppression(item["rs"], parse_instant(item["at"]), lifted)
