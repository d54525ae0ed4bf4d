"""A top-up: an order of a package, what became of its payment, and how much of that the ledger shows.

What is owed to the organization follows from what Stripe says now, never from which events came in which order:

    target  = for each payment its units, less their share of what was refunded or is withdrawn by a dispute
    applied = what the ledger was given so far

and the difference is put into the ledger in numbered steps. A step is written down before it is made, so whoever dies
in between finds it and makes it; its number is the credit's key, so it is made once.
"""

from dataclasses import field, replace
from typing import Literal

from carillon.domain.channels import Bucket
from carillon.domain.constraints import document
from carillon.domain.errors import CarillonError, Unavailable
from carillon.domain.packages import Money, Package
from carillon.domain.values import value

State = Literal["open", "processing", "paid", "closed"]
"""open: to be paid; processing: the bank takes its time; closed: ended unpaid. A payment counts in any of them."""
Status = Literal["paid", "pending", "checkout_required", "expired"]


class PaymentsUnreachable(Unavailable):
    """Stripe could not be asked, or nobody can say whether it did what it was asked; asking again is safe."""

    def __init__(self, reason: str) -> None:
        super().__init__("provider_unreachable", "payments can't be reached just now; repeat the call")
        self.reason = reason


class PaymentsMisconfigured(CarillonError):
    """Stripe refuses the deployment's key, or what it is configured to sell; `reason` is Stripe's code."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"Stripe refuses what it is told: {reason}")
        self.reason = reason


@document
class TopUp:
    """An order. Everything that Stripe is told follows from it, so that telling it again tells it the same.

    `way`: `charge` takes the saved payment method (`method`), `checkout` sends the buyer to Stripe's page (`session`,
    `url`). `step`, `doing`: the latest step, and its units while it may not be in the ledger yet.
    """

    id: str
    package: Package
    created_at: str
    actor: dict[str, str] = field(default_factory=dict)
    way: Literal["charge", "checkout"]
    customer: str
    language: str
    return_url: str
    method: str | None = None
    invoice: str | None = None
    session: str | None = None
    url: str | None = None
    state: State = "open"
    target: int = 0
    applied: int = 0
    step: int = 0
    doing: int | None = None

    @property
    def owed(self) -> int:
        """Units that were taken back by the bank and are still in use: the balance never goes below zero."""
        return max(0, self.applied - self.target)

    @property
    def settled(self) -> bool:
        """Whether nothing more is to be done unless Stripe reports something new."""
        return self.state in ("paid", "closed") and self.doing is None and self.applied == self.target

    @property
    def status(self) -> Status:
        """What the buyer is told: paid means that the units are there, too."""
        if self.state == "paid":
            return "paid" if self.doing is None and self.applied >= self.target else "pending"
        if self.state == "closed":
            return "expired"
        return "checkout_required" if self.state == "open" and self.way == "checkout" and self.url else "pending"

    def stepping(self, units: int) -> "TopUp":
        """Begin the next step."""
        return replace(self, step=self.step + 1, doing=units)

    def stepped(self, units: int) -> "TopUp":
        """Note that the step is in the ledger, with so many units."""
        return replace(self, applied=self.applied + units, doing=None)


@value
class Payment:
    """Money that came, in the currency's smallest unit, and how much of it went back or is withdrawn."""

    total: int
    returned: int = 0

    def units(self, amount: int) -> int:
        """Say how many units of a package it pays for; what is taken back is rounded in the buyer's favour."""
        if not self.total:
            return amount
        return amount - amount * min(self.returned, self.total) // self.total


@value
class Facts:
    """What Stripe says of a top-up now. `method`: the payment method that was saved with it."""

    state: State
    payments: tuple[Payment, ...] = ()
    method: str | None = None

    def units(self, amount: int) -> int:
        """Say how many units the ledger should show for it."""
        return sum(payment.units(amount) for payment in self.payments)


@value
class Buyer:
    """An organization at Stripe: its customer, to which version of its details, and its saved payment method."""

    customer: str
    details: int
    method: str | None = None


@value
class Reference:
    """What an event of Stripe is about: a top-up of ours, or a payment whose top-up must be asked for."""

    event: str
    type: str
    org_id: str | None = None
    top_up: str | None = None
    payment: str | None = None


@document
class TopUpView:
    """A top-up as its organization sees it.

    `checkout_url`: where to pay, while that is required. `credited`: units in the ledger for it now. `owed`: units that
    went back with their money but had been used; they are taken as soon as there are some.
    """

    __omit_none__ = True

    id: str
    package: str
    bucket: Bucket
    amount: int
    price: Money
    status: Status
    checkout_url: str | None = None
    created_at: str
    credited: int = 0
    owed: int = 0


def shown(top_up: TopUp) -> TopUpView:
    """Show a top-up."""
    package = top_up.package
    return TopUpView(
        id=top_up.id,
        package=package.id,
        bucket=package.bucket,
        amount=package.amount,
        price=Money(amount=package.price, currency=package.currency),
        status=top_up.status,
        checkout_url=top_up.url if top_up.status == "checkout_required" else None,
        created_at=top_up.created_at,
        credited=top_up.applied,
        owed=top_up.owed,
    )
