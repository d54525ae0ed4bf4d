"""The diagnosis of a client: one reading, the contacts it shares, and its next reminder."""

from dataclasses import replace

from carillon.domain.channels import Channel
from carillon.domain.clients import Client
from carillon.domain.decisions import Account
from carillon.domain.diagnosis import Ahead, Diagnosis, diagnose
from carillon.domain.errors import NotFound
from carillon.ports.delivery import Connections
from carillon.ports.directory import Clients
from carillon.ports.quota import Quota
from carillon.ports.reading import Reader, Snapshot, Want
from carillon.ports.records import Records
from carillon.ports.system import Clock
from carillon.services.facts import exhausted_of, facts_of


class Diagnosing:
    """Says why a client would or wouldn't be told; open also while notifications are inactive."""

    def __init__(
        self,
        reader: Reader,
        clients: Clients,
        records: Records,
        connections: Connections,
        clock: Clock,
        quota: Quota | None = None,
    ) -> None:
        self._reader = reader
        self._clients = clients
        self._records = records
        self._connections = connections
        self._clock = clock
        self._quota = quota

    def of(self, org_id: str, client_id: str) -> Diagnosis:
        """Check everything; NotFound for a client that is unknown or removed."""
        snapshot = self._reader.read([Want(org_id, clients=(client_id,), texts=True)])[0]
        client, organization, settings = snapshot.clients.get(client_id), snapshot.organization, snapshot.settings
        if client is None or client.removed or organization is None or settings is None:
            raise NotFound(f"there is no client {client_id!r}")
        account = Account(
            organization=organization,
            settings=settings,
            connected=self._connections.connected(organization, settings),
            whatsapp_templates=self._connections.whatsapp_templates(organization, settings),
            own_texts=snapshot.own_texts,
            now=self._clock.now(),
            exhausted=exhausted_of(self._quota, organization),
        )
        sharing = self._clients.sharing(org_id, client)
        return diagnose(client, account, sharing, self._ahead(org_id, client, snapshot, account.exhausted))

    def _ahead(self, org_id: str, client: Client, snapshot: Snapshot, exhausted: frozenset[Channel]) -> Ahead | None:
        """Find the client's next planned reminder."""
        now = self._clock.now()
        planned = [
            (entry.at, entry.key, record, entry)
            for record in self._records.of_client(org_id, client.id, since=now)
            for entry in record.plan
            if entry.state == "planned" and entry.at > now
        ]
        if not planned:
            return None
        _, _, record, entry = min(planned, key=lambda each: each[:2])
        facts = facts_of(snapshot, record, self._connections, client=client, now=now)
        return Ahead(record.ref, entry, replace(facts, exhausted=exhausted)) if facts is not None else None
