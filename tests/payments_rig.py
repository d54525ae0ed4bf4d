"""Payments in memory: the store, the books, and a Stripe that a test plays buyer and bank of."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import cast

from carillon.domain.billing import BillingDetails, PostalAddress
from carillon.domain.channels import Bucket
from carillon.domain.idempotency import Attempt, StoredAnswer
from carillon.domain.listing import Page
from carillon.domain.organizations import Caller, Organization
from carillon.domain.packages import Package
from carillon.domain.quota import Books, Credit, Exhausted
from carillon.domain.top_ups import Buyer, Facts, Payment, PaymentsUnreachable, State, TopUp, TopUpView
from carillon.ports.billing import BillingView, Payments
from carillon.ports.directory import AuditEntry, Stored
from carillon.services.settling_payments import Settling
from carillon.services.top_ups import TopUpInput, TopUps
from tests.faults import Line

ORG = "aurora"
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
CALLER = Caller(ORG, "org_admin", "key-1", "live")
DETAILS = BillingDetails(company="Salon Aurora BV", address=PostalAddress(line1="Damrak 1"))
PACKAGE = Package(id="sms-500", bucket="sms", amount=500, price="29.00", currency="EUR", name="500 SMS")
SMALL = Package(id="sms-100", bucket="sms", amount=100, price="7.50", currency="EUR", name="100 SMS")
PACKAGES = {each.id: each for each in (PACKAGE, SMALL)}


class Store:
    """The port `BillingStore`."""

    def __init__(self, metering: dict[str, int] | None) -> None:
        self.organization = Organization(
            id=ORG,
            name="Aurora",
            time_zone="Europe/Amsterdam",
            locale="nl",
            country="NL",
            metering=metering,  # type: ignore[arg-type]
        )
        self.details: Stored[BillingDetails] | None = Stored(DETAILS, 1)
        self.buyer: Buyer | None = None
        self.top_ups: dict[str, Stored[TopUp]] = {}
        self.keys: dict[str, tuple[str, str]] = {}
        self.audit: list[AuditEntry] = []

    def read(self, org_id: str) -> BillingView:
        return BillingView(replace(self.organization, id=org_id), self.details, self.buyer)

    def save_details(self, org_id: str, details: BillingDetails, over: int, entry: AuditEntry) -> bool:  # noqa: ARG002
        if (self.details.version if self.details else 0) != over:
            return False
        self.details = Stored(details, over + 1)
        self.audit.append(entry)
        return True

    def keep_buyer(self, org_id: str, buyer: Buyer) -> None:  # noqa: ARG002
        self.buyer = buyer

    def create(self, org_id: str, top_up: TopUp, attempt: Attempt | None, now: datetime) -> bool:  # noqa: ARG002
        if attempt is not None and attempt.key in self.keys:
            return False
        if attempt is not None:
            self.keys[attempt.key] = (top_up.id, attempt.fingerprint)
        self.top_ups[top_up.id] = Stored(top_up, 1)
        return True

    def begun(self, org_id: str, attempt: Attempt, now: datetime) -> TopUp | None:  # noqa: ARG002
        if attempt.key not in self.keys:
            return None
        top_up_id, fingerprint = self.keys[attempt.key]
        attempt.same(StoredAnswer(attempt.key, fingerprint, 201))
        return self.top_ups[top_up_id].document

    def load(self, org_id: str, top_up_id: str) -> Stored[TopUp] | None:  # noqa: ARG002
        return self.top_ups.get(top_up_id)

    def save(self, org_id: str, top_up: TopUp, over: int) -> bool:  # noqa: ARG002
        if self.top_ups[top_up.id].version != over:
            return False
        self.top_ups[top_up.id] = Stored(top_up, over + 1)
        return True

    def page(self, org_id: str, *, limit: int, position: str | None) -> Page[TopUp]:  # noqa: ARG002
        return Page([each.document for each in self.top_ups.values()][:limit])

    def unsettled(self, org_id: str) -> Sequence[str]:  # noqa: ARG002
        return [each.document.id for each in self.top_ups.values() if not each.document.settled]


class Ledger:
    """The books of one bucket: what of the port `Quota` settling takes."""

    def __init__(self) -> None:
        self.credits: dict[str, Credit] = {}
        self.used = 0
        self.lowest = 0

    @property
    def left(self) -> int:
        return sum(each.units for each in self.credits.values()) - self.used

    def books(self, org_id: str, bucket: Bucket) -> Books:  # noqa: ARG002
        return Books(pool=self.left)

    def credit(self, org_id: str, bucket: Bucket, credit: Credit) -> bool:  # noqa: ARG002
        if credit.key in self.credits:
            return False
        if self.left + credit.units < 0:
            raise Exhausted(bucket)
        self.credits[credit.key] = credit
        self.lowest = min(self.lowest, self.left)
        return True

    def credited(self, org_id: str, bucket: Bucket, key: str) -> int | None:  # noqa: ARG002
        return self.credits[key].units if key in self.credits else None

    def use(self, units: int) -> int:
        """Send something, as far as there is quota for it."""
        taken = min(units, self.left)
        self.used += taken
        return taken

    def of(self, top_up_id: str) -> int:
        """What the ledger shows for one top-up."""
        return sum(each.units for key, each in self.credits.items() if key.split(":")[1] == top_up_id)


@dataclass
class Paid:
    total: int
    refunded: int = 0
    disputed: bool = False

    @property
    def returned(self) -> int:
        return self.refunded + (self.total if self.disputed else 0)


@dataclass
class Stripe:
    """The port `Payments`. Counts what was made and charged; each of it is made once per top-up."""

    saved: str = "pm_1"
    declines: bool = False
    slow: bool = False
    unreachable: int = 0
    """How many charges get no answer from now on, though they are done."""
    customers: list[str] = field(default_factory=list)
    pages: dict[str, State] = field(default_factory=dict)
    invoices: dict[str, State] = field(default_factory=dict)
    payments: dict[str, list[Paid]] = field(default_factory=dict)
    processing: set[str] = field(default_factory=set)
    charges: int = 0

    def customer(self, org_id: str, known: str | None, details: BillingDetails, version: int, country: str) -> str:  # noqa: ARG002
        if known is None and not self.customers:
            self.customers.append(f"cus_{org_id}")
        return known or self.customers[0]

    def checkout(self, org_id: str, top_up: TopUp) -> tuple[str, str]:  # noqa: ARG002
        self.pages.setdefault(top_up.id, "open")
        return f"cs_{top_up.id}", f"https://pay.example/{top_up.id}"

    def invoice(self, org_id: str, top_up: TopUp) -> str:  # noqa: ARG002
        self.invoices.setdefault(top_up.id, "open")
        return f"in_{top_up.id}"

    def pay(self, top_up: TopUp) -> bool:
        if self.invoices[top_up.id] != "open":
            return self.invoices[top_up.id] == "paid"
        if self.declines:
            return False
        if top_up.id not in self.processing:
            self.charges += 1
            self.processing.add(top_up.id)
            if not self.slow:
                self.arrive(top_up.id)
        if self.unreachable:
            self.unreachable -= 1
            raise PaymentsUnreachable("timeout")
        return True

    def withdraw(self, top_up: TopUp) -> None:
        if self.invoices.get(top_up.id) == "open" and top_up.id not in self.processing:
            self.invoices[top_up.id] = "closed"

    def look_up(self, top_up: TopUp) -> Facts:
        paid = [Payment(each.total, each.returned) for each in self.payments.get(top_up.id, ())]
        if paid:
            return Facts("paid", tuple(paid), self.saved)
        if top_up.id in self.processing:
            return Facts("processing")
        known = self.pages if top_up.session else self.invoices if top_up.way == "charge" else {}
        return Facts(known.get(top_up.id, "open"))

    def whose(self, payment: str) -> tuple[str, str] | None:
        top_up_id = payment.removeprefix("pi_")
        return (ORG, top_up_id) if top_up_id in self.payments else None

    def arrive(self, top_up_id: str, total: int = 2900, *, again: bool = True) -> None:
        """Let money come; unless `again`, only if none did."""
        if top_up_id in self.payments and not again:
            return
        self.processing.discard(top_up_id)
        if self.invoices.get(top_up_id) == "open":
            self.invoices[top_up_id] = "paid"
        if self.pages.get(top_up_id) == "open":
            self.pages[top_up_id] = "paid"
        self.payments.setdefault(top_up_id, []).append(Paid(total))


class Answers:
    """The port `KeepsAnswers`."""

    def __init__(self) -> None:
        self.kept: dict[str, StoredAnswer] = {}

    def find(self, org_id: str, key: str) -> StoredAnswer | None:  # noqa: ARG002
        return self.kept.get(key)

    def finish(self, org_id: str, answer: StoredAnswer) -> None:  # noqa: ARG002
        self.kept[answer.key] = answer


class Clock:
    at = NOW

    def now(self) -> datetime:
        return self.at


class Ids:
    """Ids in order, of the form of ULIDs."""

    def __init__(self) -> None:
        self.number = 0

    def ulid(self, now: datetime) -> str:  # noqa: ARG002
        self.number += 1
        return f"01KAP2Q0000000000000{self.number:06}"


class Shop:
    """Everything joined, behind a line that may break; whoever repeats a call after a crash is a new process."""

    def __init__(self, *, line: Line | None = None, connected: bool = True) -> None:
        self.store, self.ledger, self.stripe = Store({"sms": 10}), Ledger(), Stripe()
        self.answers, self.clock, self.ids = Answers(), Clock(), Ids()
        self.connected = connected
        self.line = line or Line()

    @property
    def settling(self) -> Settling:
        watch = self.line.watch
        payments = cast("Payments", watch(self.stripe))
        return Settling(watch(self.store), payments, watch(self.ledger), self.clock, self.ids)

    @property
    def top_ups(self) -> TopUps:
        watch = self.line.watch
        return TopUps(
            store=watch(self.store),
            payments=cast("Payments", watch(self.stripe)),
            connected=lambda: self.connected,
            settling=self.settling,
            answers=watch(self.answers),
            packages=PACKAGES,
            clock=self.clock,
            ids=self.ids,
        )

    def order(
        self, package: str = "sms-500", key: str | None = None, caller: Caller = CALLER, *, anew: bool = False
    ) -> TopUpView:
        attempt = Attempt(key, f"{package}{anew}") if key else None
        wanted = TopUpInput(package=package, new_payment_method=anew)
        return self.top_ups.order(caller, wanted, attempt, language="nl", return_url="https://c.example/done")

    def settle(self, top_up_id: str) -> TopUp:
        settled = self.settling.settle(ORG, top_up_id)
        assert settled is not None
        return settled

    def top_up(self, top_up_id: str) -> TopUp:
        return self.store.top_ups[top_up_id].document

    def save_method(self) -> None:
        """Let a first top-up be paid on a page."""
        first = self.order("sms-100")
        self.stripe.arrive(first.id, 750)
        self.settle(first.id)
