"""Organizations' own senders, opened when one is needed and remembered for a while."""

from datetime import datetime, timedelta
from threading import Lock

from carillon.adapters.dynamodb import keys
from carillon.adapters.dynamodb.channels import read_channel
from carillon.adapters.dynamodb.table import Table
from carillon.domain.channel_states import ChannelState
from carillon.domain.channels import Channel
from carillon.domain.own_channels import OwnSender, StoredChannel
from carillon.ports.channels import Vault
from carillon.ports.system import Clock

KEPT = timedelta(minutes=5)
"""How long an opened sender is remembered; new credentials have a new revision, so they count at once."""

MOST_KEPT = 1000


class StoredOwnSenders:
    """See the port `OwnSenders`. Without a vault it serves channels that have no secrets."""

    def __init__(self, table: Table, vault: Vault | None, clock: Clock) -> None:
        self._table = table
        self._vault = vault
        self._clock = clock
        self._known: dict[tuple[str, Channel], tuple[int, datetime, OwnSender]] = {}
        self._lock = Lock()

    def of(self, org_id: str, channel: Channel, state: ChannelState | None) -> OwnSender | None:
        """Give the own sender that a state stands for; None for none. Raises LookupError when it is gone meanwhile."""
        if state is None:
            return None
        # One at a time, so that the threads of a batch ask KMS once; the provider's calls are not held by it.
        with self._lock:
            now, known = self._clock.now(), self._known.get((org_id, channel))
            if known is not None and known[0] == state.revision and now < known[1]:
                return known[2]
            item = self._table.get(keys.channel(org_id, channel))
            stored = read_channel(channel, item) if item is not None else None
            if stored is None or stored.phase != "connected":
                raise LookupError(f"the own sender of {channel} is gone")
            opened = open_channel(org_id, stored, self._vault)
            if len(self._known) >= MOST_KEPT:
                self._known.clear()
            self._known[org_id, channel] = (stored.revision, now + KEPT, opened)
            return opened


def open_channel(org_id: str, stored: StoredChannel, vault: Vault | None) -> OwnSender:
    """Open a stored sender; raises LookupError where there is no vault to open it with."""
    if stored.sealed is None:
        return stored.opened({})
    if vault is None:
        raise LookupError(f"nothing here opens the credentials of {stored.channel}")
    return stored.opened(vault.open(org_id, stored.sealed))
