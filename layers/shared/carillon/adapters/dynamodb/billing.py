"""Billing in the table: details, customer and top-ups of an organization in one partition.

A top-up of which something is still to come also stands in gsi3, for the sweep.
"""

from collections.abc import Sequence
from datetime import datetime

from carillon.adapters.dynamodb import keys
from carillon.adapters.dynamodb.audit import audit_write
from carillon.adapters.dynamodb.items import Item
from carillon.adapters.dynamodb.table import ConditionsFailed, Table, Write
from carillon.domain import codec
from carillon.domain.billing import BillingDetails
from carillon.domain.idempotency import KEEP_SECONDS, Attempt, StoredAnswer
from carillon.domain.listing import Page
from carillon.domain.organizations import Organization
from carillon.domain.times import epoch
from carillon.domain.top_ups import Buyer, TopUp
from carillon.ports.billing import BillingView
from carillon.ports.directory import AuditEntry, Stored

UNSETTLED = "topup"
"""The status under which gsi3 lists top-ups that are not settled."""
MOST = 100
"""Top-ups that one look takes; the next one takes the rest."""


class DynamoBilling:
    """See the port `BillingStore`."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def read(self, org_id: str) -> BillingView:
        """Read organization, details and customer in one strongly consistent call."""
        organization, details = keys.organization(org_id), keys.billing(org_id, "DETAILS")
        customer = keys.billing(org_id, "CUSTOMER")
        found = self._table.get_many([organization, details, customer])
        kept = found.get(customer)
        stored = found.get(details)
        return BillingView(
            codec.loads(Organization, found[organization]["doc"]) if organization in found else None,
            Stored(codec.loads(BillingDetails, stored["doc"]), stored["v"]) if stored else None,
            Buyer(kept["cu"], kept["dv"], kept.get("pm")) if kept else None,
        )

    def save_details(self, org_id: str, details: BillingDetails, over: int, entry: AuditEntry) -> bool:
        """Write the details and what the audit shows of them."""
        written = Write(
            keys.billing(org_id, "DETAILS"),
            item={"ty": "billing", "doc": codec.dumps(details), "v": over + 1},
            condition="v = :v" if over else "attribute_not_exists(pk)",
            values={"v": over} if over else {},
        )
        return self._transact([written, audit_write(org_id, entry)])

    def keep_buyer(self, org_id: str, buyer: Buyer) -> None:
        """Remember the customer and its payment method."""
        item: Item = {"ty": "buyer", "cu": buyer.customer, "dv": buyer.details, "pm": buyer.method}
        self._table.write(Write(keys.billing(org_id, "CUSTOMER"), item=item))

    def create(self, org_id: str, top_up: TopUp, attempt: Attempt | None, now: datetime) -> bool:
        """Store a new top-up, and under which key it was ordered."""
        writes = [_write(org_id, top_up, 0)]
        if attempt is not None:
            seconds = epoch(now)
            item = {"ty": "top_up_key", "id": top_up.id, "h": attempt.fingerprint, "ttl": seconds + KEEP_SECONDS}
            free = "attribute_not_exists(pk) OR #until <= :now"
            place = keys.billing(org_id, f"K#{attempt.key}")
            writes.append(Write(place, item=item, condition=free, values={"now": seconds}, names={"until": "ttl"}))
        return self._transact(writes)

    def begun(self, org_id: str, attempt: Attempt, now: datetime) -> TopUp | None:
        """Give the top-up that was ordered under a key; TTL deletes late, so what is over is passed over here."""
        item = self._table.get(keys.billing(org_id, f"K#{attempt.key}"))
        if item is None or item["ttl"] <= epoch(now):
            return None
        attempt.same(StoredAnswer(attempt.key, item["h"], 201))
        stored = self.load(org_id, item["id"])
        return stored.document if stored else None

    def load(self, org_id: str, top_up_id: str) -> Stored[TopUp] | None:
        """Read one."""
        item = self._table.get(keys.billing(org_id, f"T#{top_up_id}"))
        return Stored(codec.loads(TopUp, item["doc"]), item["v"]) if item else None

    def save(self, org_id: str, top_up: TopUp, over: int) -> bool:
        """Write one over the version that was read."""
        return self._table.write(_write(org_id, top_up, over))

    def page(self, org_id: str, *, limit: int, position: str | None) -> Page[TopUp]:
        """List them, newest first."""
        last = f"T#{position}" if position is not None else "T#~"
        page = self._table.query(
            keys.billing(org_id, "")[0], between=("T#", last), limit=limit + 2, descending=True, consistent=True
        )
        found = [codec.loads(TopUp, item["doc"]) for item in page.items if item["sk"] != last]
        return Page(found[:limit], found[limit - 1].id if len(found) > limit else None)

    def unsettled(self, org_id: str) -> Sequence[str]:
        """Ask the index."""
        page = self._table.query(keys.problem_messages(org_id, UNSETTLED), index="gsi3", limit=MOST)
        return [row["sk3"] for row in page.items]

    def _transact(self, writes: list[Write]) -> bool:
        try:
            self._table.transact(writes)
        except ConditionsFailed:
            return False
        return True


def _write(o: str, top_up: TopUp, over: int) -> Write:
    item: Item = {"ty": "top_up", "doc": codec.dumps(top_up), "v": over + 1}
    if not top_up.settled:
        item |= {"pk3": keys.problem_messages(o, UNSETTLED), "sk3": top_up.id}
    return Write(
        keys.billing(o, f"T#{top_up.id}"),
        item=item,
        condition="v = :v" if over else "attribute_not_exists(pk)",
        values={"v": over} if over else {},
    )
