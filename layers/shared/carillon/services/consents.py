"""Consent, stated by integrators: the ledger grows, what is in force follows in the same write."""

from dataclasses import replace

from carillon.domain.clients import Client, Consents
from carillon.domain.consents import Changed, ConsentHistory, faults, history, stated_by
from carillon.domain.errors import Invalid, NotFound
from carillon.domain.organizations import Caller
from carillon.ports.directory import Clients
from carillon.ports.system import Clock, Ids
from carillon.services.client_editing import ClientEditing


class ConsentKeeping:
    """Use cases on a client's consents."""

    def __init__(self, clients: Clients, clock: Clock, ids: Ids) -> None:
        self._clients = clients
        self._clock = clock
        self._editing = ClientEditing(clients, clock, ids)

    def read(self, org_id: str, client_id: str) -> ConsentHistory:
        """Give what is in force and how it came about."""
        client, entries = self._clients.consents(org_id, client_id)
        if client is None or client.removed:
            raise NotFound(f"there is no client {client_id!r}")
        return ConsentHistory(
            service=client.consents.service,
            marketing=client.consents.marketing,
            opted_out=client.opted_out,
            history=history(entries),
        )

    def state(self, caller: Caller, client_id: str, stated: Consents) -> ConsentHistory:
        """Record what a client agreed to or withdrew; a channel left out is unchanged.

        Everything stated goes into the ledger, also what was in force: a repeated consent is worth proving.
        """
        now = self._clock.now()
        if problems := faults(stated, now):
            raise Invalid(problems)

        def agree(client: Client) -> Changed:
            if client.removed:
                return Changed(client)
            consents, entry = stated_by(client.consents, stated, caller.actor, now)
            return Changed(replace(client, consents=consents), entry)

        self._editing.edit(caller.org_id, client_id, agree)
        return self.read(caller.org_id, client_id)
