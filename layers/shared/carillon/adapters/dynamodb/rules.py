"""The rules document in the table."""

from carillon.adapters.dynamodb import keys
from carillon.adapters.dynamodb.audit import audit_write
from carillon.adapters.dynamodb.table import ConditionsFailed, Table, Write
from carillon.domain import codec
from carillon.domain.organizations import Organization
from carillon.domain.rules import SavedRules, rules_in_force
from carillon.domain.settings import Settings
from carillon.ports.directory import AuditEntry, RulesState, Stored


class DynamoRules:
    """See the port `RulesStore`."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def load(self, org_id: str) -> RulesState | None:
        """Read rules, organization and settings."""
        places = keys.organization(org_id), keys.settings(org_id), keys.rules(org_id)
        organization, settings, rules = map(self._table.get_many(places).get, places)
        if organization is None or settings is None:
            return None
        return RulesState(
            codec.loads(Organization, organization["doc"]),
            codec.loads(Settings, settings["doc"]),
            rules_in_force(rules["doc"] if rules else None),
            rules["v"] if rules else 0,
        )

    def save(self, org_id: str, rules: Stored[SavedRules], audit: AuditEntry) -> bool:
        """Write them with their audit entry in one transaction."""
        first = rules.version == 0
        write = Write(
            keys.rules(org_id),
            item={"ty": "rules", "doc": codec.dumps(rules.document), "v": rules.version + 1},
            condition="attribute_not_exists(pk)" if first else "v = :v",
            values={} if first else {"v": rules.version},
        )
        try:
            self._table.transact([write, audit_write(org_id, audit)])
        except ConditionsFailed:
            return False
        return True
