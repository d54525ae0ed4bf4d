"""Changing one client from whatever it is at the moment: read, changed, saved, and again if somebody came first."""

from collections.abc import Callable

from carillon.domain.clients import Client
from carillon.domain.consents import Changed
from carillon.domain.errors import Contended
from carillon.domain.values import value
from carillon.ports.directory import ClientChange, Clients
from carillon.ports.system import Clock, Ids

ROUNDS = 8


@value
class ClientEditing:
    """Changes clients, each in one conditional write; may be repeated wherever the change may."""

    clients: Clients
    clock: Clock
    ids: Ids

    def edit(self, org_id: str, client_id: str, change: Callable[[Client], Changed]) -> bool:
        """Change a client (an id that was merged means the one it went into); True if that changed something.

        `change` gives the client as it is to be, with what its consent ledger adds; it may be asked several times.
        Raises Contended when other writers kept coming first, NotFound without the organization.
        """
        for _ in range(ROUNDS):
            stored = self.clients.read(org_id, client_id).client
            if stored is None:
                return False
            changed, now = change(stored.document), self.clock.now()
            wanted = ClientChange(
                stored, changed.client, guarded=False, entry=changed.entry, entry_id=self.ids.ulid(now)
            )
            if not wanted.differs:
                return False
            if self.clients.save(org_id, wanted, now).version is not None:
                return True
        raise Contended(f"client {client_id} is being changed by others")
