"""Ordering a top-up: what is asked first, what is charged, and what a repeated call does."""

from dataclasses import replace
from datetime import timedelta

import pytest

from carillon.domain.errors import Conflict, Invalid
from carillon.domain.organizations import Caller
from carillon.domain.top_ups import PaymentsUnreachable
from carillon.ports.directory import Stored
from tests.faults import Died, Failed, Line, lines
from tests.payments_rig import DETAILS, NOW, ORG, Shop

TEST_CALLER = Caller(f"{ORG}~test", "org_admin", "key-1", "test")


def test_the_first_order_leads_to_a_page() -> None:
    shop = Shop()
    order = shop.order()
    assert (order.status, order.checkout_url, order.credited) == (
        "checkout_required",
        f"https://pay.example/{order.id}",
        0,
    )


def test_a_saved_payment_method_is_charged_at_once_and_credited_before_the_answer() -> None:
    shop = Shop()
    shop.save_method()
    order = shop.order()
    assert (order.status, order.checkout_url, order.credited, shop.stripe.charges) == ("paid", None, 500, 1)
    assert shop.ledger.left == 600


def test_a_declined_one_leads_to_a_page_and_can_not_be_charged_any_more() -> None:
    shop = Shop()
    shop.save_method()
    shop.stripe.declines = True
    order = shop.order()
    assert (order.status, shop.stripe.invoices[order.id]) == ("checkout_required", "closed")
    assert shop.ledger.left == 100


def test_another_payment_method_may_be_asked_for() -> None:
    shop = Shop()
    shop.save_method()
    assert shop.order(anew=True).status == "checkout_required"
    assert shop.stripe.charges == 0


def test_a_bank_that_takes_its_time_is_pending() -> None:
    shop = Shop()
    shop.save_method()
    shop.stripe.slow = True
    order = shop.order()
    assert order.status == "pending"
    shop.stripe.arrive(order.id)
    assert (shop.settle(order.id).status, shop.ledger.left) == ("paid", 600)


def test_a_charge_that_nobody_can_say_of_is_pending_and_never_charged_twice() -> None:
    shop = Shop()
    shop.save_method()
    shop.stripe.unreachable = 1
    order = shop.order(key="k1")
    assert order.status == "pending"
    assert shop.order(key="k1") == order  # the same answer for a day
    assert shop.settle(order.id).status == "paid"
    assert (shop.stripe.charges, shop.ledger.left) == (1, 600)


def test_a_charge_that_was_never_made_ends_after_an_hour() -> None:
    watched = prepared(Line(), charged=True, declined=False)
    watched.order(key="k1")
    shop = prepared(Line(at=watched.line.calls.index("pay") + 1, kind="dies_before"), charged=True, declined=False)
    with pytest.raises(Died):
        shop.order(key="k1")
    shop.line = Line()
    top_up = max(shop.store.top_ups)
    assert shop.settle(top_up).state == "open"
    shop.clock.at = NOW + timedelta(hours=2)
    assert shop.settle(top_up).state == "closed"
    assert shop.stripe.invoices[top_up] == "closed"
    assert shop.order(key="k1").status == "expired"
    assert (shop.stripe.charges, shop.ledger.left) == (0, 100)


def test_the_same_key_is_the_same_order_and_another_body_is_refused() -> None:
    shop = Shop()
    order = shop.order(key="k1")
    assert shop.order(key="k1") == order
    with pytest.raises(Invalid) as refused:
        shop.order("sms-100", key="k1")
    assert refused.value.code == "idempotency_key_reused"
    assert len(shop.store.top_ups) == 1


def test_what_is_missing_is_said_before_anything_is_made() -> None:
    shop = Shop(connected=False)
    with pytest.raises(Conflict) as refused:
        shop.order()
    assert refused.value.code == "payments_not_connected"
    shop.connected, shop.store.details = True, None
    with pytest.raises(Conflict, match="PUT /v1/billing/details") as refused:
        shop.order()
    assert refused.value.code == "billing_details_missing"
    assert (shop.stripe.customers, shop.store.top_ups) == ([], {})


@pytest.mark.parametrize("metering", [None, {"email": 5}])
def test_units_that_nobody_needs_are_not_sold(metering: dict[str, int] | None) -> None:
    shop = Shop()
    shop.store.organization = replace(shop.store.organization, metering=metering)  # type: ignore[arg-type]
    assert shop.top_ups.offered(ORG).items == []
    with pytest.raises(Invalid) as refused:
        shop.order()
    assert refused.value.faults[0].pointer == "/package"


def test_test_data_buys_without_money_and_without_units() -> None:
    shop = Shop(connected=False)
    order = shop.order(caller=TEST_CALLER)
    assert (order.status, order.credited, shop.stripe.customers) == ("paid", 0, [])
    assert shop.store.unsettled(TEST_CALLER.org_id) == []


def test_the_customer_follows_the_billing_details() -> None:
    shop = Shop()
    shop.order()
    shop.store.details = Stored(replace(DETAILS, company="Aurora NV"), 2)
    shop.order()
    assert shop.store.buyer is not None
    assert (shop.store.buyer.details, len(shop.stripe.customers)) == (2, 1)


def steps(*, charged: bool, declined: bool = False) -> list[tuple[bool, bool, Line]]:
    shop = prepared(Line(), charged=charged, declined=declined)
    shop.order(key="k1")
    return [(charged, declined, line) for line in lines(len(shop.line.calls))]


def prepared(line: Line, *, charged: bool, declined: bool) -> Shop:
    shop = Shop()
    if charged:
        shop.save_method()
    shop.stripe.declines = declined
    shop.line = line
    return shop


@pytest.mark.parametrize(
    ("charged", "declined", "line"), [*steps(charged=False), *steps(charged=True), *steps(charged=True, declined=True)]
)
def test_dying_at_any_call_and_repeating_it_with_its_key_buys_once(charged: bool, declined: bool, line: Line) -> None:
    shop = prepared(line, charged=charged, declined=declined)
    before = set(shop.store.top_ups)
    order = None
    for _ in range(3):
        try:
            order = shop.order(key="k1")
        except (Died, Failed, PaymentsUnreachable):
            continue
        break
    assert order is not None
    (made,) = set(shop.store.top_ups) - before
    assert made == order.id
    paid = charged and not declined
    assert order.status == ("paid" if paid else "checkout_required")
    assert shop.ledger.of(made) == (500 if paid else 0)
    assert shop.stripe.charges == paid
    # Never two ways to pay at a time.
    assert [shop.stripe.pages.get(made), shop.stripe.invoices.get(made)].count("open") <= 1
    assert len(shop.stripe.customers) == 1
