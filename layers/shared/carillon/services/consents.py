"""Consent, stated by integrators: the ledger grows, what is in force follows in the same write."""

from dataclasses import replace

from carillon.domain.clients import Consents
from carillon.domain.consents import ConsentHistory, faults, history, stated_by
from carillon.domain.errors import Contended, Invalid, NotFound
from carillon.domain.organizations import Caller
from carillon.ports.directory import ClientChange, Clients
from carillon.ports.system import Clock, Ids
from carillon.services.clients import existing

ROUNDS = 8


class ConsentKeeping:
    """Use cases on a client's consents."""

    def __init__(self, clients: Clients, clock: Clock, ids: Ids) -> None:
        self._clients = clients
        self._clock = clock
        self._ids = ids

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
        for _ in range(ROUNDS):
            stored = existing(self._clients.read(caller.org_id, client_id), client_id)
            consents, entry = stated_by(stored.document.consents, stated, caller.actor, now)
            if entry is None:
                break
            after = replace(stored.document, consents=consents)
            change = ClientChange(stored, after, guarded=False, entry=entry, entry_id=self._ids.ulid(now))
            if self._clients.save(caller.org_id, change, now).version:
                break
        else:
            raise Contended(f"client {client_id} is being changed by others")
        return self.read(caller.org_id, client_id)
