"""What Stripe says of a top-up, the ledger shows once: in whatever order, however often, whoever dies in between."""

from collections import Counter
from datetime import timedelta

import pytest
from hypothesis import event, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, multiple, rule

from carillon.domain.top_ups import Payment, Reference
from tests.faults import KINDS, Died, Failed, Line, lines
from tests.payments_rig import ORG, Shop


def bought(shop: Shop, package: str = "sms-500", total: int = 2900) -> str:
    order = shop.order(package, anew=True)
    shop.stripe.arrive(order.id, total)
    shop.settle(order.id)
    return order.id


@pytest.mark.parametrize(
    ("total", "returned", "units"),
    [(2900, 0, 500), (2900, 1450, 250), (2900, 2900, 0), (2900, 2901, 0), (2900, 1, 500), (3, 1, 334), (0, 0, 500)],
)
def test_units_go_back_in_proportion_rounded_for_the_buyer(total: int, returned: int, units: int) -> None:
    assert Payment(total, returned).units(500) == units


def test_a_payment_is_credited_once_however_often_it_is_told() -> None:
    shop = Shop()
    top_up = bought(shop)
    for _ in range(5):
        assert shop.settle(top_up).status == "paid"
    assert (shop.ledger.left, len(shop.ledger.credits)) == (500, 1)


def test_nothing_is_credited_before_it_is_paid() -> None:
    shop = Shop()
    order = shop.order()
    assert shop.settle(order.id).status == "checkout_required"
    assert shop.ledger.left == 0


def test_a_page_that_expires_ends_the_order_and_money_that_comes_all_the_same_is_credited() -> None:
    shop = Shop()
    order = shop.order()
    shop.stripe.pages[order.id] = "closed"
    assert shop.settle(order.id).status == "expired"
    assert shop.store.unsettled(ORG) == []
    shop.stripe.arrive(order.id)
    assert (shop.settle(order.id).status, shop.ledger.left) == ("paid", 500)


def test_a_dispute_takes_the_units_and_winning_it_brings_them_back() -> None:
    shop = Shop()
    top_up = bought(shop)
    (paid,) = shop.stripe.payments[top_up]
    paid.disputed = True
    shop.settle(top_up)
    assert shop.ledger.left == 0
    paid.disputed = False
    shop.settle(top_up)
    assert shop.ledger.left == 500
    assert [each.units for each in shop.ledger.credits.values()] == [500, -500, 500]


def test_what_was_used_before_its_money_went_back_is_taken_from_the_next_credit() -> None:
    shop = Shop()
    first = bought(shop)
    shop.ledger.use(400)
    shop.stripe.payments[first][0].refunded = 2900
    assert (shop.settle(first).owed, shop.ledger.left) == (400, 0)
    assert list(shop.store.unsettled(ORG)) == [first]  # the sweep looks at it again
    bought(shop, "sms-100", 750)
    assert (shop.top_up(first).owed, shop.ledger.left) == (300, 0)
    bought(shop)
    assert (shop.top_up(first).owed, shop.ledger.left) == (0, 200)
    assert (shop.store.unsettled(ORG), shop.ledger.lowest) == ([], 0)


def test_what_was_used_between_planning_and_taking_is_taken_later() -> None:
    shop = Shop()
    first = bought(shop)
    shop.stripe.payments[first][0].refunded = 2900
    shop.line = Line(at=7, kind="dies_after")
    with pytest.raises(Died):
        shop.settle(first)
    assert (shop.line.calls[-1], shop.top_up(first).doing) == ("save", -500)
    shop.line = Line()
    shop.ledger.use(400)
    assert (shop.settle(first).owed, shop.ledger.left) == (400, 0)
    bought(shop)
    assert (shop.top_up(first).owed, shop.ledger.left) == (0, 100)


def test_a_refund_that_fails_gives_the_units_back() -> None:
    shop = Shop()
    top_up = bought(shop)
    shop.stripe.payments[top_up][0].refunded = 2900
    shop.settle(top_up)
    shop.stripe.payments[top_up][0].refunded = 0
    assert (shop.settle(top_up).applied, shop.ledger.left) == (500, 500)


def test_a_payment_of_somebody_else_on_the_same_account_is_left_alone() -> None:
    shop = Shop()
    assert shop.settling.take(Reference("evt", "charge.refunded", payment="pi_foreign")) is None
    assert shop.settling.take(Reference("evt", "invoice.paid", ORG, "01GONE")) is None
    top_up = bought(shop)
    shop.stripe.payments[top_up][0].refunded = 1450
    settled = shop.settling.take(Reference("evt", "charge.refunded", payment=f"pi_{top_up}"))
    assert settled is not None
    assert settled.applied == 250


def test_the_saved_payment_method_is_remembered_for_the_next_time() -> None:
    shop = Shop()
    bought(shop)
    assert shop.store.buyer is not None
    assert shop.store.buyer.method == "pm_1"


def test_an_order_whose_page_nobody_was_given_ends_by_itself() -> None:
    watched = Shop()
    watched.order(key="k1")
    shop = Shop(line=Line(at=watched.line.calls.index("checkout") + 1, kind="dies_after"))
    with pytest.raises(Died):
        shop.order(key="k1")
    shop.line = Line()
    (top_up,) = shop.store.top_ups
    assert shop.settle(top_up).state == "open"
    shop.clock.at += timedelta(hours=2)
    assert shop.settle(top_up).state == "closed"
    assert shop.store.unsettled(ORG) == []


def step_by_step() -> list[Line]:
    """Every way to break a settlement that credits, one that takes back, and one that collects."""
    shop = Shop()
    history(shop)
    return list(lines(len(shop.line.calls)))


def history(shop: Shop) -> None:
    """Buy, use, have it refunded, and buy again: with a queue that brings each event until it is taken."""
    first, second = (shop.order("sms-500", key="a", anew=True), shop.order("sms-100", key="b", anew=True))
    shop.stripe.arrive(first.id, again=False)
    shop.settle(first.id)
    if not shop.ledger.used:
        shop.ledger.use(400)
    shop.stripe.payments[first.id][0].refunded = 2900
    shop.settle(first.id)
    shop.stripe.arrive(second.id, 750, again=False)
    shop.settle(second.id)


@pytest.mark.parametrize("line", step_by_step(), ids=lambda line: f"{line.kind}-{line.at}")
def test_dying_at_any_call_and_doing_it_again_ends_the_same(line: Line) -> None:
    shop = Shop(line=line)
    for _ in range(3):
        try:
            history(shop)
        except (Died, Failed):
            continue
        break
    for top_up in list(shop.store.unsettled(ORG)):
        shop.settle(top_up)
    (first, second) = sorted(shop.store.top_ups)
    assert (shop.top_up(first).owed, shop.ledger.left, shop.ledger.lowest) == (300, 0, 0)
    assert [shop.ledger.of(each) for each in (first, second)] == [300, 100]
    assert [shop.top_up(each).applied for each in (first, second)] == [300, 100]
    assert len(shop.store.top_ups) == 2


SEEN: Counter[str] = Counter()


class Bank(RuleBasedStateMachine):
    """Buyers, banks, senders, repeated and shuffled events, and processes that die, all mixed."""

    orders = Bundle("orders")

    @initialize()
    def open(self) -> None:
        self.shop = Shop()

    @rule(target=orders, package=st.sampled_from(["sms-500", "sms-100"]))
    def order(self, package: str) -> str:
        return self.shop.order(package, anew=True).id

    @rule(top_up=consumes(orders), target=orders)
    def pay(self, top_up: str) -> object:
        if top_up in self.shop.stripe.payments:
            return multiple(top_up)
        self.shop.stripe.arrive(top_up, 2900)
        return top_up

    @rule(top_up=orders, part=st.integers(0, 2900))
    def refund(self, top_up: str, part: int) -> None:
        for paid in self.shop.stripe.payments.get(top_up, ()):
            paid.refunded = part

    @rule(top_up=orders, disputed=st.booleans())
    def dispute(self, top_up: str, disputed: bool) -> None:
        for paid in self.shop.stripe.payments.get(top_up, ()):
            paid.disputed = disputed

    @rule(units=st.integers(1, 400))
    def send(self, units: int) -> None:
        self.shop.ledger.use(units)

    @rule(top_up=orders, at=st.integers(1, 14), kind=st.sampled_from(KINDS))
    def told_to_one_who_dies(self, top_up: str, at: int, kind: str) -> None:
        self.shop.line = Line(at, kind)  # type: ignore[arg-type]
        try:
            self.shop.settle(top_up)
        except (Died, Failed) as error:
            event(type(error).__name__)
            SEEN["deaths"] += 1
        finally:
            self.shop.line = Line()

    @rule(top_up=orders)
    def told(self, top_up: str) -> None:
        SEEN["events"] += 1
        self.shop.settle(top_up)

    @invariant()
    def the_balance_is_never_below_zero(self) -> None:
        if hasattr(self, "shop"):
            assert self.shop.ledger.lowest == 0
            assert self.shop.ledger.left >= 0

    def teardown(self) -> None:
        """When everything was told once more, the books are what Stripe says, less what is owed."""
        if not hasattr(self, "shop"):
            return
        SEEN["histories"] += 1
        for _ in range(2):
            for top_up in self.shop.store.top_ups:
                self.shop.settle(top_up)
        for stored in self.shop.store.top_ups.values():
            order = stored.document
            paid = self.shop.stripe.payments.get(order.id, [])
            due = sum(Payment(each.total, each.returned).units(order.package.amount) for each in paid)
            assert self.shop.ledger.of(order.id) == order.applied == due + order.owed
            assert order.owed == 0 or self.shop.ledger.left == 0


Bank.TestCase.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
TestBank = Bank.TestCase
