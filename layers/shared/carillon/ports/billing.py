"""Payments: what is stored of them, and who takes them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from carillon.domain.billing import BillingDetails
from carillon.domain.idempotency import Attempt
from carillon.domain.listing import Page
from carillon.domain.organizations import Organization
from carillon.domain.top_ups import Buyer, Facts, Reference, TopUp
from carillon.domain.values import value
from carillon.ports.directory import AuditEntry, Stored


@value
class BillingView:
    """What ordering a top-up takes; None for what there isn't."""

    organization: Organization | None
    details: Stored[BillingDetails] | None
    buyer: Buyer | None


class BillingStore(Protocol):
    """Billing details, the customer at Stripe, and top-ups of each organization."""

    def read(self, org_id: str) -> BillingView:
        """Read all but the top-ups in one call."""

    def save_details(self, org_id: str, details: BillingDetails, over: int, entry: AuditEntry) -> bool:
        """Write the details (`over`: the version they replace, 0 for none); False when another writer came first."""

    def keep_buyer(self, org_id: str, buyer: Buyer) -> None:
        """Remember the customer and its payment method."""

    def create(self, org_id: str, top_up: TopUp, attempt: Attempt | None, now: datetime) -> bool:
        """Store a new top-up with its `Idempotency-Key`, if any; False when a call with that key stored one before."""

    def begun(self, org_id: str, attempt: Attempt, now: datetime) -> TopUp | None:
        """Give the top-up that a call with this key stored within a day; raises Invalid where it was another call."""

    def load(self, org_id: str, top_up_id: str) -> Stored[TopUp] | None:
        """Read one."""

    def save(self, org_id: str, top_up: TopUp, over: int) -> bool:
        """Write one over the version that was read; False when another writer came first."""

    def page(self, org_id: str, *, limit: int, position: str | None) -> Page[TopUp]:
        """List them, newest first."""

    def unsettled(self, org_id: str) -> Sequence[str]:
        """Name those of which something is still to come: oldest first, as an index shows them."""


class Payments(Protocol):
    """Who takes the money. Each call may be repeated: it has its effect once.

    Raises PaymentsUnreachable when nobody can say whether it had its effect, PaymentsMisconfigured when the deployment
    is set up wrongly.
    """

    def customer(self, org_id: str, known: str | None, details: BillingDetails, version: int, country: str) -> str:
        """Make the organization's customer, or bring it up to date; gives its id."""

    def checkout(self, org_id: str, top_up: TopUp) -> tuple[str, str]:
        """Open a page to pay a top-up on; gives its id and its address."""

    def invoice(self, org_id: str, top_up: TopUp) -> str:
        """Write an invoice that the saved payment method is to pay; nothing is charged yet. Gives its id."""

    def pay(self, top_up: TopUp) -> bool:
        """Charge the saved payment method; False when it is declined, or the buyer has to confirm."""

    def withdraw(self, top_up: TopUp) -> None:
        """See to it that the invoice of a top-up can't be paid any more; one that is paid stays so."""

    def look_up(self, top_up: TopUp) -> Facts:
        """Say what became of a top-up."""

    def whose(self, payment: str) -> tuple[str, str] | None:
        """Say whose payment it is, and for which top-up; None where it isn't ours."""


class PaymentsQueue(Protocol):
    """The queue of top-ups that are to be settled."""

    def send(self, references: Sequence[Reference]) -> None:
        """Have them looked up and settled."""
