"""Claims to mail domains in the table, under the reserved tenant: they are what keeps organizations apart."""

from datetime import timedelta

from carillon.adapters.dynamodb import keys
from carillon.adapters.dynamodb.table import Table, Write
from carillon.domain import codec
from carillon.domain.organizations import Organization
from carillon.domain.times import epoch
from carillon.ports.identities import Standing
from carillon.ports.system import Clock

TURN = timedelta(hours=1)
"""How long a claim that isn't proven keeps others from trying."""


class DynamoIdentityClaims:
    """See the port `IdentityClaims`."""

    def __init__(self, table: Table, clock: Clock) -> None:
        self._table = table
        self._clock = clock

    def take(self, domain: str, org_id: str) -> bool:
        """Claim a domain to prove it; False while it is another's, or another tries for this hour."""
        item = self._table.get(keys.mail_domain(domain))
        if item is not None and item["o"] == org_id:
            # Asking again takes no new turn, or one organization could keep all others away.
            return True
        now = self._clock.now()
        claim = {"ty": "claim", "o": org_id, "at": epoch(now), "ok": False}
        condition, values = "attribute_not_exists(pk) OR (ok = :no AND #at < :turn)", {"turn": epoch(now - TURN)}
        if item is not None and self._is_gone(item["o"]):
            condition, values = f"{condition} OR o = :gone", values | {"gone": item["o"]}
        return self._table.write(
            Write(
                keys.mail_domain(domain),
                item=claim,
                condition=condition,
                values=values | {"no": False},
                names={"at": "at"},
            )
        )

    def _is_gone(self, org_id: str) -> bool:
        """Whether an organization was removed, and its claims with it."""
        item = self._table.get(keys.organization(org_id))
        return item is None or codec.loads(Organization, item["doc"]).deleted

    def confirm(self, domain: str, org_id: str) -> bool:
        """Note that the claim is proven; False when it was lost meanwhile."""
        return self._table.write(
            Write(
                keys.mail_domain(domain),
                update="SET ok = :yes",
                condition="o = :o",
                values={"yes": True, "o": org_id},
            )
        )

    def standing(self, domain: str, org_id: str) -> Standing:
        """Tell how far an organization's claim to a domain has come."""
        item = self._table.get(keys.mail_domain(domain))
        if item is None or item["o"] != org_id:
            return "none"
        return "proven" if item["ok"] else "trying"

    def release(self, domain: str, org_id: str) -> None:
        """Give a claim up; another's stays."""
        self._table.write(Write(keys.mail_domain(domain), delete=True, condition="o = :o", values={"o": org_id}))
