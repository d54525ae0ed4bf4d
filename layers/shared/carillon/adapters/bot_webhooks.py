"""Webhooks of own senders: whose a channel id is, and with which token its calls are to be signed."""

from datetime import datetime, timedelta

from carillon.adapters.dynamodb import keys
from carillon.adapters.dynamodb.channels import read_channel
from carillon.adapters.dynamodb.table import Table
from carillon.domain.channels import Channel
from carillon.domain.own_channels import OwnSender, StoredChannel
from carillon.domain.values import value
from carillon.ports.channels import Vault
from carillon.ports.system import Clock

KEPT = timedelta(minutes=5)
"""How long opened credentials are remembered; what is sealed anew is opened anew, so new ones count at once."""
LONGEST_ID = 64


@value
class CalledBot:
    """A bot (or number) that a webhook is about. `senders`: it, and the one that is being connected in its place."""

    org_id: str
    stored: StoredChannel
    senders: tuple[OwnSender, ...]


class BotWebhooks:
    """Finds bots by their channel's id."""

    def __init__(self, table: Table, vault: Vault, clock: Clock) -> None:
        self._table = table
        self._vault = vault
        self._clock = clock
        self._opened: dict[tuple[str, str], tuple[datetime, OwnSender]] = {}

    def find(self, channel: Channel, channel_id: str) -> CalledBot | None:
        """Find a bot: two reads, and KMS for credentials that are not remembered. None for an id of none."""
        if not channel_id or len(channel_id) > LONGEST_ID:
            return None
        reference = self._table.get(keys.channel_reference(channel_id))
        if reference is None or reference["ch"] != channel:
            return None
        found = self.of(str(reference["o"]), channel)
        return found if found is not None and found.stored.id == channel_id else None

    def of(self, org_id: str, channel: Channel) -> CalledBot | None:
        """Find an organization's own sender: a read, and KMS as above."""
        item = self._table.get(keys.channel(org_id, channel))
        if item is None:
            return None
        stored = read_channel(channel, item)
        sealed = (text for text in (stored.sealed, stored.trying) if text is not None)
        return CalledBot(org_id, stored, tuple(self._open(org_id, stored, text) for text in sealed))

    def _open(self, org_id: str, stored: StoredChannel, sealed: str) -> OwnSender:
        now, known = self._clock.now(), self._opened.get((org_id, sealed))
        if known is not None and now < known[0]:
            return known[1]
        opened = stored.opened(self._vault.open(org_id, sealed))
        self._opened = {place: entry for place, entry in self._opened.items() if now < entry[0]}
        self._opened[org_id, sealed] = (now + KEPT, opened)
        return opened
