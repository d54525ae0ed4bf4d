"""A removed organization's own senders: their providers' side is undone as far as the providers let us.

What it needs is read before the organization is removed, since its items go from then on.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from carillon.domain.channels import Channel
from carillon.domain.errors import NotFound
from carillon.domain.own_channels import OwnSender
from carillon.domain.values import value
from carillon.ports.channels import ChannelAdmin, ChannelStore, Vault


@value
class Parting:
    """A sender that is to be undone."""

    channel: Channel
    channel_id: str
    own: OwnSender


@value
class ChannelParting:
    """Undoes own senders of an organization that goes. Its test data has none that a provider knows."""

    store: ChannelStore
    vault: Vault
    admins: Callable[[Channel, str], ChannelAdmin]

    def of(self, org_id: str) -> list[Parting]:
        """Read and open what there is to undo; nothing for an organization that there isn't."""
        try:
            known = self.store.read(org_id).channels.values()
        except NotFound:
            return []
        return [
            Parting(each.channel, each.id, each.opened(self.vault.open(org_id, sealed) if sealed is not None else {}))
            for each in known
            for sealed in [each.trying if each.phase == "reserved" else each.sealed]
        ]

    def leave(self, org_id: str, partings: Sequence[Parting], public_url: str) -> list[tuple[Channel, Exception]]:
        """Undo them side by side, since one provider may be slow; gives those that could not be, and why."""

        def undo(parting: Parting) -> Exception | None:
            try:
                self.admins(parting.channel, public_url).disconnect(org_id, parting.channel_id, parting.own)
            except Exception as error:  # noqa: BLE001 - the organization goes all the same
                return error
            return None

        if not partings:
            return []
        with ThreadPoolExecutor(max_workers=len(partings)) as threads:
            outcomes = list(threads.map(undo, partings))
        return [(parting.channel, error) for parting, error in zip(partings, outcomes, strict=True) if error]
