"""The settings document in the table."""

from carillon.adapters.dynamodb import keys
from carillon.adapters.dynamodb.audit import audit_write
from carillon.adapters.dynamodb.table import ConditionsFailed, Table, Write
from carillon.domain import codec
from carillon.domain.organizations import Organization
from carillon.domain.settings import Settings
from carillon.ports.directory import AuditEntry, Stored


class DynamoSettings:
    """See the port `SettingsStore`."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def load(self, org_id: str) -> Stored[Settings] | None:
        """Read it."""
        item = self._table.get(keys.settings(org_id))
        return Stored(codec.loads(Settings, item["doc"]), item["v"]) if item else None

    def save(
        self,
        org_id: str,
        settings: Stored[Settings],
        audit: AuditEntry,
        *,
        holds: Stored[Organization] | None = None,
    ) -> bool:
        """Write it with its audit entry in one transaction; False when another writer came first."""
        write = Write(
            keys.settings(org_id),
            item={"ty": "settings", "doc": codec.dumps(settings.document), "v": settings.version + 1},
            condition="v = :v",
            values={"v": settings.version},
        )
        checks = [Write(keys.organization(org_id), condition="v = :v", values={"v": holds.version})] if holds else []
        try:
            self._table.transact([write, audit_write(org_id, audit), *checks])
        except ConditionsFailed:
            return False
        return True
