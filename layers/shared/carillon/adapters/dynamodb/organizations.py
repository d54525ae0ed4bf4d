"""Organizations and their keys in the table."""

from collections.abc import Sequence
from datetime import datetime

from carillon.adapters.dynamodb import keys
from carillon.adapters.dynamodb.audit import audit_write
from carillon.adapters.dynamodb.idempotency import answer_write
from carillon.adapters.dynamodb.items import Item
from carillon.adapters.dynamodb.quota import credit_writes
from carillon.adapters.dynamodb.sharded import sharded_page
from carillon.adapters.dynamodb.table import ConditionsFailed, Table, Write
from carillon.domain import codec
from carillon.domain.channels import Bucket
from carillon.domain.idempotency import RepeatedError, StoredAnswer
from carillon.domain.listing import Page
from carillon.domain.organizations import OPERATOR_ORG, TEST_SUFFIX, ApiKey, Organization
from carillon.domain.quota import Credit
from carillon.ports.directory import AuditEntry, NewTenant, Stored

DELETED = "@#DELETED"
"""GSI1 partition of tombstones, for whoever removes what is left of them."""


class DynamoOrganizations:
    """See the ports `Organizations` and `Credentials`."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def find(self, org_id: str, key_id: str) -> tuple[ApiKey | None, Organization | None]:
        """Read a key and its organization in one strongly consistent call."""
        key, organization = keys.api_key(org_id, key_id), keys.organization(org_id)
        found = self._table.get_many((key, organization))
        return (
            codec.loads(ApiKey, found[key]["doc"]) if key in found else None,
            codec.loads(Organization, found[organization]["doc"]) if organization in found else None,
        )

    def load(self, *org_ids: str) -> list[Stored[Organization]]:
        """Read data sets in one call."""
        found = self._table.get_many(keys.organization(org_id) for org_id in org_ids)
        items = (found.get(keys.organization(org_id)) for org_id in org_ids)
        return [Stored(codec.loads(Organization, item["doc"]), item["v"]) for item in items if item]

    def create(self, tenant: NewTenant, now: datetime, remember: StoredAnswer | None) -> bool:
        """Store a new organization in one transaction; False when its id is taken."""
        writes = [
            Write(keys.organization(org.id), item=organization_item(org, 1), condition="attribute_not_exists(pk)")
            for org in tenant.organizations
        ]
        for organization, settings in zip(tenant.organizations, tenant.settings, strict=True):
            item = {"ty": "settings", "doc": codec.dumps(settings), "v": 1}
            writes.append(Write(keys.settings(organization.id), item=item))
        home = tenant.organizations[0].id
        writes += [
            Write(keys.api_key(home, key.id), item={"ty": "key", "doc": codec.dumps(key)}) for key in tenant.keys
        ]
        writes += [write for bucket, credit in tenant.credits for write in credit_writes(home, bucket, credit)]
        return self._transact(writes, OPERATOR_ORG, now, remember)

    def save(
        self,
        changed: Sequence[Stored[Organization]],
        now: datetime,
        *,
        audit: AuditEntry | None = None,
        remember: StoredAnswer | None = None,
        given: Sequence[tuple[Bucket, Credit]] = (),
    ) -> bool:
        """Write data sets at once; False when another writer came first."""
        writes = [
            Write(
                keys.organization(stored.document.id),
                item=organization_item(stored.document, stored.version + 1),
                condition="v = :v",
                values={"v": stored.version},
            )
            for stored in changed
        ]
        home = changed[0].document.id
        if audit is not None:
            writes.append(audit_write(home, audit))
        writes += [write for bucket, credit in given for write in credit_writes(home, bucket, credit)]
        return self._transact(writes, home, now, remember)

    def _transact(self, writes: list[Write], o: str, now: datetime, remember: StoredAnswer | None) -> bool:
        if remember is not None:
            writes.append(answer_write(o, remember, now))
        try:
            self._table.transact(writes)
        except ConditionsFailed as error:
            if remember is not None and len(writes) - 1 in error.failed:
                raise RepeatedError from error
            return False
        return True

    def page(self, limit: int, position: str | None) -> Page[Organization]:
        """List organizations by id."""
        partitions = [keys.organizations(number) for number in range(keys.SHARDS)]
        rows, last = sharded_page(self._table, partitions, limit, position)
        wanted = [keys.organization(row["sk1"]) for row in rows]
        found = self._table.get_many(wanted)
        documents = [codec.loads(Organization, found[key]["doc"]) for key in wanted if key in found]
        return Page([document for document in documents if not document.deleted], last)


def organization_item(organization: Organization, version: int) -> Item:
    """Give the item of a data set as it is written whole."""
    item: Item = {"ty": "organization", "doc": codec.dumps(organization), "v": version}
    if organization.id.endswith(TEST_SUFFIX):
        return item
    listed = keys.organizations(keys.shard(organization.id))
    return item | {"pk1": DELETED if organization.deleted else listed, "sk1": organization.id}
