"""Ordering top-ups: stored before Stripe hears of them, and told to Stripe in words that follow from what is stored.

So a call that died anywhere is simply made again: with the same `Idempotency-Key` it finds its top-up and goes on from
where that stands; Stripe knows each request by the top-up and does it once. There is one way to pay a top-up at a time:
an invoice that was declined is made void before a page opens to pay on.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Literal, Protocol

from carillon.domain.billing import BillingDetails, details_missing
from carillon.domain.channels import Bucket
from carillon.domain.codec import loads
from carillon.domain.constraints import Id, Url, document
from carillon.domain.errors import Conflict, Contended, Fault, Invalid, NotFound
from carillon.domain.idempotency import Attempt, StoredAnswer
from carillon.domain.listing import Page
from carillon.domain.organizations import Caller, Organization
from carillon.domain.packages import Money, Package
from carillon.domain.simulation import is_test_data
from carillon.domain.times import iso
from carillon.domain.top_ups import Buyer, PaymentsUnreachable, TopUp, TopUpView, shown
from carillon.domain.values import value
from carillon.ports.billing import BillingStore, BillingView, Payments
from carillon.ports.directory import Answers, AuditEntry, Stored
from carillon.ports.system import Clock, Ids
from carillon.services.settling_payments import Settling

ROUNDS = 8


class KeepsAnswers(Answers, Protocol):
    """Answers of calls that may be repeated; this service keeps its own."""

    def finish(self, org_id: str, answer: StoredAnswer) -> None:
        """Store an answer."""


@document
class PackageView:
    """A package on offer: `amount` units of a bucket."""

    id: Id
    bucket: Bucket
    amount: int
    price: Money
    name: str


@document
class TopUpInput:
    """An order.

    `return_url`: where Stripe's page leads back to, if there is to be one. `new_payment_method`: go to that page even
    if a payment method is saved; the one used there is saved in its place.
    """

    package: Id
    return_url: Url | None = None
    new_payment_method: bool = False


@document
class DoneQuery:
    """How the page for paying was left, as its way back says."""

    top_up: Id | None = None
    result: Literal["paid", "cancelled"] = "paid"


@value
class TopUps:
    """Use cases of whoever buys. `payments` None: no payments are connected."""

    store: BillingStore
    payments: Payments
    connected: "Connected"
    settling: Settling
    answers: KeepsAnswers
    packages: Mapping[str, Package]
    clock: Clock
    ids: Ids

    def offered(self, org_id: str) -> Page[PackageView]:
        """List the packages of buckets that are metered: of others nobody needs any."""
        organization = _known(self.store.read(org_id).organization)
        return Page([_view(package) for package in self.packages.values() if _sold(package, organization)])

    def order(
        self, caller: Caller, wanted: TopUpInput, attempt: Attempt | None, *, language: str, return_url: str
    ) -> TopUpView:
        """Order a package and have it paid, as far as that goes without the buyer.

        Raises Conflict (`payments_not_connected`, `billing_details_missing`), Invalid for an unknown package.
        """
        org_id = caller.org_id
        if attempt is not None and (stored := self.answers.find(org_id, attempt.key)):
            return loads(TopUpView, attempt.same(stored).body)
        top_up = self.store.begun(org_id, attempt, self.clock.now()) if attempt is not None else None
        if top_up is None:
            top_up = self._store(caller, wanted, attempt, language, return_url)
        answer = shown(self._pursue(org_id, top_up))
        if attempt is not None:
            self.answers.finish(org_id, attempt.answered(201, answer))
        return answer

    def page(self, org_id: str, limit: int, position: str | None) -> Page[TopUpView]:
        """List what was ordered, newest first."""
        page = self.store.page(org_id, limit=limit, position=position)
        return Page([shown(top_up) for top_up in page.items], page.position)

    def get(self, org_id: str, top_up_id: str) -> TopUpView:
        """Show one."""
        stored = self.store.load(org_id, top_up_id)
        if stored is None:
            raise NotFound("there is no such top-up")
        return shown(stored.document)

    def _store(
        self, caller: Caller, wanted: TopUpInput, attempt: Attempt | None, language: str, return_url: str
    ) -> TopUp:
        org_id, now = caller.org_id, self.clock.now()
        view = self.store.read(org_id)
        package = self.packages.get(wanted.package)
        if package is None or not _sold(package, _known(view.organization)):
            fault = Fault("/package", "unknown_reference", f"there is no package {wanted.package!r}")
            raise Invalid([fault])
        test = is_test_data(org_id)
        if not test and not self.connected():
            raise Conflict("payments_not_connected", "this deployment takes no payments; its operator can give credits")
        if view.details is None:
            raise Conflict("billing_details_missing", details_missing(language))
        buyer = Buyer("", 0) if test else self._buyer(org_id, view, view.details)
        method = buyer.method if not wanted.new_payment_method else None
        top_up = TopUp(
            id=self.ids.ulid(now),
            package=package,
            created_at=iso(now),
            actor=caller.actor,
            way="charge" if method else "checkout",
            customer=buyer.customer,
            language=language,
            return_url=wanted.return_url or return_url,
            method=method,
            state="paid" if test else "open",  # nothing of test data leaves, and it takes no units
        )
        if self.store.create(org_id, top_up, attempt, now):
            return top_up
        begun = self.store.begun(org_id, attempt, now) if attempt is not None else None
        if begun is None:
            raise Contended("another call with the same Idempotency-Key came between")
        return begun

    def _buyer(self, org_id: str, view: BillingView, details: Stored[BillingDetails]) -> Buyer:
        """Have the customer at Stripe be as the billing details are."""
        known = view.buyer
        if known is not None and known.details == details.version:
            return known
        country = _known(view.organization).country
        customer = self.payments.customer(
            org_id, known.customer if known else None, details.document, details.version, country
        )
        buyer = Buyer(customer, details.version, known.method if known else None)
        self.store.keep_buyer(org_id, buyer)
        return buyer

    def _pursue(self, org_id: str, top_up: TopUp) -> TopUp:
        """Go on with a top-up from where it stands, as far as it goes without the buyer."""
        for _ in range(ROUNDS):
            stored = self.store.load(org_id, top_up.id)
            if stored is None:
                raise NotFound("there is no such top-up")
            top_up = stored.document
            if top_up.state == "paid" and not top_up.settled:
                return self.settling.settle(org_id, top_up.id) or top_up
            if top_up.state != "open" or top_up.url is not None:
                return top_up
            if top_up.way == "checkout":
                session, url = self.payments.checkout(org_id, top_up)
                self.store.save(org_id, replace(top_up, session=session, url=url), stored.version)
            elif top_up.invoice is None:
                invoice = self.payments.invoice(org_id, top_up)
                self.store.save(org_id, replace(top_up, invoice=invoice), stored.version)
            else:
                try:
                    found = self._charge(org_id, top_up, stored.version)
                except PaymentsUnreachable:
                    # Nobody can say whether it was charged; an event of Stripe or a look-up will.
                    return top_up
                if found is not None:
                    return found
        raise Contended("the top-up is being changed by others")

    def _charge(self, org_id: str, top_up: TopUp, version: int) -> TopUp | None:
        """Charge the saved payment method; None when the buyer is needed after all."""
        if self.payments.pay(top_up):
            return self.settling.settle(org_id, top_up.id)
        self.payments.withdraw(top_up)
        if self.payments.look_up(top_up).payments:
            return self.settling.settle(org_id, top_up.id)
        self.store.save(org_id, replace(top_up, way="checkout"), version)
        return None


@value
class BillingKeeping:
    """Use cases on billing details."""

    store: BillingStore
    clock: Clock
    ids: Ids

    def read(self, org_id: str) -> BillingDetails:
        """Show them; NotFound before they were filled in."""
        details = self.store.read(org_id).details
        if details is None:
            raise NotFound("billing details have not been filled in yet")
        return details.document

    def save(self, caller: Caller, details: BillingDetails) -> tuple[BillingDetails, bool]:
        """Replace them; also tells whether they are new. The last one to save wins, and the audit shows each."""
        for _ in range(ROUNDS):
            before = self.store.read(caller.org_id).details
            if before is not None and before.document == details:
                return details, False
            now, version = self.clock.now(), before.version if before else 0
            entry = AuditEntry(self.ids.ulid(now), now, caller.actor, "billing_details", version + 1, details)
            if self.store.save_details(caller.org_id, details, version, entry):
                return details, before is None
        raise Contended("the billing details are being changed by others")


class Connected(Protocol):
    """Tells whether payments are connected."""

    def __call__(self) -> bool:
        """Tell."""


def _known(organization: Organization | None) -> Organization:
    if organization is None:
        raise NotFound("there is no such organization")
    return organization


def _sold(package: Package, organization: Organization) -> bool:
    return package.bucket in (organization.metering or {})


def _view(package: Package) -> PackageView:
    price = Money(amount=package.price, currency=package.currency)
    return PackageView(id=package.id, bucket=package.bucket, amount=package.amount, price=price, name=package.name)
