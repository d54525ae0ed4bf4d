"""The official client against the local Stripe, which takes what Stripe's own description of its API names.

Nothing here reaches Stripe. The fake's answers are held to the client's types by being read through it.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest

from carillon.adapters.providers.stripe_payments import StripePayments
from carillon.domain.billing import BillingDetails, PostalAddress
from carillon.domain.packages import Package
from carillon.domain.top_ups import Facts, Payment, PaymentsMisconfigured, PaymentsUnreachable, TopUp
from local.config import STRIPE_ACCOUNT
from local.fakes.stripe import BASE
from local.fakes.stripe_rules import RefusedError, check, read_form
from local.faults import Fault
from tests.stripe_server import Played

DETAILS = BillingDetails(
    company="Salon Aurora BV",
    vat_id="NL123456789B01",
    address=PostalAddress(line1="Damrak 1", postal_code="1012 LG", city="Amsterdam"),
    email="billing@example.com",
)
PACKAGE = Package(id="sms-500", bucket="sms", amount=500, price="29.00", currency="EUR", name="500 SMS")
TAXED = replace(PACKAGE, tax_behavior="exclusive", tax_code="txcd_10000000", tax_rates=["txr_1"])
PRICED = replace(PACKAGE, stripe_price="price_1")
ORG = "aurora"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Played]:
    found = Played(tmp_path_factory.mktemp("stripe"))
    yield found
    found.stop()


@pytest.fixture
def played(server: Played) -> Played:
    server.act(server.store.clear)
    server.faults.clear()
    server.calls.clear()
    server.posts.bodies.clear()
    return server


def order(customer: str, package: Package = PACKAGE, **fields: Any) -> TopUp:
    known: dict[str, Any] = {"way": "checkout", "language": "nl", "return_url": "https://a.example/done?a=1"} | fields
    at = datetime(2026, 11, 22, tzinfo=UTC).isoformat()
    return TopUp(id="01KAP2Q0000000000000000001", package=package, created_at=at, customer=customer, **known)


def bought(played: Played, method: str = "good") -> tuple[StripePayments, TopUp, TopUp]:
    """Pay a first order on its page; gives it, and a second one that is to charge what was saved."""
    payments = played.payments()
    customer = payments.customer(ORG, None, DETAILS, 1, "NL")
    first = order(customer)
    session, url = payments.checkout(ORG, first)
    first = replace(first, session=session, url=url)
    played.act(lambda: played.stripe.objects.buy(session, method))
    saved = payments.look_up(first).method
    second = order(customer, way="charge", method=saved)
    return payments, first, second


def test_a_customer_is_made_once_and_follows_its_details(played: Played) -> None:
    payments = played.payments()
    made = payments.customer(ORG, None, DETAILS, 1, "NL")
    assert payments.customer(ORG, None, DETAILS, 1, "NL") == made  # the process died before it was kept
    moved = replace(DETAILS, vat_id="PL5260001246", email=None)
    assert payments.customer(ORG, made, moved, 2, "NL") == made
    objects = played.stripe.objects
    (customer,) = played.act(lambda: objects.all("customer"))
    assert (customer["name"], customer["email"], customer["address"]["country"]) == ("Salon Aurora BV", "", "NL")
    assert [each["value"] for each in played.act(lambda: objects.all("tax_id"))] == ["PL5260001246"]


def test_no_name_or_address_is_logged(played: Played, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        played.payments().customer(ORG, None, DETAILS, 1, "NL")
    assert [record.name for record in caplog.records if record.name == "stripe"] == []
    assert not any(word in caplog.text for word in ("Damrak", "billing%40", "billing@", STRIPE_ACCOUNT[0]))


def test_a_vat_number_that_stripe_has_no_kind_for_is_printed(played: Played) -> None:
    payments = played.payments()
    payments.customer(ORG, None, replace(DETAILS, vat_id="AU 51 824 753 556"), 1, "AU")
    (customer,) = played.act(lambda: played.stripe.objects.all("customer"))
    assert customer["invoice_settings"]["custom_fields"] == [{"name": "VAT", "value": "AU 51 824 753 556"}]


@pytest.mark.parametrize("package", [PACKAGE, TAXED, PRICED], ids=["plain", "taxed", "priced"])
@pytest.mark.parametrize("automatic_tax", [False, True])
def test_a_page_and_an_invoice_take_what_stripe_knows(played: Played, package: Package, automatic_tax: bool) -> None:
    payments = played.payments(automatic_tax=automatic_tax)
    customer = payments.customer(ORG, None, DETAILS, 1, "NL")
    session, url = payments.checkout(ORG, order(customer, package))
    assert url == f"http://pay.local/checkout/{session}"
    played.act(lambda: played.stripe.objects.buy(session, "good"))
    saved = payments.look_up(order(customer, package, session=session)).method
    charged = order(customer, package, way="charge", method=saved)
    charged = replace(charged, invoice=payments.invoice(ORG, charged))
    assert payments.pay(charged)
    assert payments.look_up(charged) == Facts("paid", (Payment(2900),), saved)


def test_asking_again_is_the_same_page_and_charges_once(played: Played) -> None:
    payments, _, second = bought(played)
    first = order(second.customer)
    assert len({payments.checkout(ORG, first) for _ in range(3)}) == 1
    assert {payments.invoice(ORG, second) for _ in range(3)} == {payments.invoice(ORG, second)}
    second = replace(second, invoice=payments.invoice(ORG, second))
    assert [payments.pay(second) for _ in range(3)] == [True] * 3
    assert len(played.act(lambda: played.stripe.objects.all("charge"))) == 2


def test_every_call_that_makes_or_changes_something_has_a_key_of_its_order(played: Played) -> None:
    payments, _, second = bought(played)
    second = replace(second, invoice=payments.invoice(ORG, second))
    payments.pay(second)
    posts = [(path, key) for method, path, key in played.calls if method == "POST"]
    assert all(key is not None and key.startswith("carillon:") for _, key in posts)
    assert len({key for _, key in posts}) == len(posts)


def test_a_key_that_comes_with_other_parameters_is_refused(played: Played) -> None:
    payments = played.payments()
    customer = payments.customer(ORG, None, DETAILS, 1, "NL")
    payments.checkout(ORG, order(customer))
    with pytest.raises(PaymentsMisconfigured, match="IdempotencyError"):
        payments.checkout(ORG, order(customer, PRICED))


@pytest.mark.parametrize("method", ["confirms", "declines"])
def test_a_declined_invoice_is_made_void_and_stays_unpaid(played: Played, method: str) -> None:
    payments, _, second = bought(played, method)
    second = replace(second, invoice=payments.invoice(ORG, second))
    assert [payments.pay(second), payments.pay(second)] == [False, False]
    assert payments.look_up(second) == Facts("open")
    payments.withdraw(second)
    payments.withdraw(second)
    assert payments.look_up(second) == Facts("closed")
    assert not payments.pay(second)


def test_an_invoice_that_was_never_charged_goes(played: Played) -> None:
    payments, _, second = bought(played)
    second = replace(second, invoice=payments.invoice(ORG, second))
    payments.withdraw(second)
    payments.withdraw(second)
    assert payments.look_up(second) == Facts("closed")


def test_a_payment_method_that_is_gone_is_declined(played: Played) -> None:
    payments, _, second = bought(played)
    second = replace(second, method="pm_gone")
    second = replace(second, invoice=payments.invoice(ORG, second))
    assert not payments.pay(second)


def test_a_bank_debit_is_in_hand_until_the_bank_says_what_became_of_it(played: Played) -> None:
    for good, state in ((True, "paid"), (False, "closed")):
        payments = played.payments()
        customer = payments.customer(ORG, None, DETAILS, 1, "NL")
        first = replace(order(customer), id=f"01KAP2Q0000000000000000{good:03}")
        session, _ = payments.checkout(ORG, first)
        first = replace(first, session=session)
        assert payments.look_up(first).state == "open"
        played.act(partial(played.stripe.objects.buy, session, "slow"))
        assert payments.look_up(first).state == "processing"
        played.act(partial(played.stripe.objects.arrive, session, good=good))
        assert payments.look_up(first).state == state


def test_a_charge_by_bank_debit_can_not_be_withdrawn(played: Played) -> None:
    payments, _, second = bought(played, "slow")
    # The bank of the first one has said yes by now.
    (session,) = played.act(lambda: played.stripe.objects.all("checkout.session"))
    played.act(lambda: played.stripe.objects.arrive(session["id"], good=True))
    second = replace(second, method=payments.look_up(order("c", session=session["id"])).method)
    second = replace(second, invoice=payments.invoice(ORG, second))
    assert payments.pay(second)
    assert payments.look_up(second).state == "processing"


def test_refunds_and_disputes_show_in_what_is_looked_up(played: Played) -> None:
    payments, first, _ = bought(played)
    session = played.act(lambda: played.stripe.objects.get(str(first.session), "checkout.session"))
    intent, objects = session["payment_intent"], played.stripe.objects
    played.act(lambda: objects.refund(intent, 1450))
    assert payments.look_up(first).payments == (Payment(2900, 1450),)
    played.act(lambda: objects.dispute(intent))
    assert payments.look_up(first).units(500) == 0
    played.act(lambda: objects.close_dispute(intent, won=True))
    assert payments.look_up(first).units(500) == 250


def test_a_payment_leads_to_its_order_by_itself_or_by_its_invoice(played: Played) -> None:
    payments, first, second = bought(played)
    second = replace(second, invoice=payments.invoice(ORG, second))
    payments.pay(second)
    intents = [each["id"] for each in played.act(lambda: played.stripe.objects.all("payment_intent"))]
    assert [payments.whose(each) for each in intents] == [(ORG, second.id), (ORG, first.id)]
    foreign = played.act(lambda: played.stripe.objects.new("payment_intent", "pi", metadata={}, latest_charge=None))
    assert payments.whose(foreign["id"]) is None


def test_a_page_that_expires_says_so(played: Played) -> None:
    payments = played.payments()
    first = order(payments.customer(ORG, None, DETAILS, 1, "NL"))
    session, _ = payments.checkout(ORG, first)
    played.act(lambda: played.stripe.objects.expire(session))
    assert payments.look_up(replace(first, session=session)) == Facts("closed")


@pytest.mark.parametrize("kind", ["error_5xx", "throttle"])
def test_what_gets_no_answer_is_asked_once_more_and_then_called_so(
    played: Played, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stripe._http_client.time.sleep", lambda _: None)
    payments = played.payments()
    played.faults.add(Fault("stripe", kind, count=1))
    customer = payments.customer(ORG, None, DETAILS, 1, "NL")
    if kind == "error_5xx":
        assert [path for _, path, _ in played.calls] == [f"{BASE}/v1/customers"] * 2
    played.faults.add(Fault("stripe", kind))
    with pytest.raises(PaymentsUnreachable):
        payments.checkout(ORG, order(customer))


def test_a_key_that_stripe_does_not_know_is_the_deployments_to_mend(played: Played) -> None:
    for key in ("sk_test_other", ""):
        with pytest.raises(PaymentsMisconfigured) as refused:
            played.payments(key=key).customer(ORG, None, DETAILS, 1, "NL")
        assert "sk_test" not in str(refused.value)
        assert refused.value.__context__ is None or refused.value.__suppress_context__


@pytest.mark.parametrize(
    ("form", "param", "code"),
    [
        ("foo=1", "foo", "parameter_unknown"),
        ("line_items[0][colour]=red", "line_items[0][colour]", "parameter_unknown"),
        ("invoice_creation[invoice_data][x]=1", "invoice_creation[enabled]", "parameter_missing"),
        ("mode=gift", "mode", None),
        ("payment_intent_data[setup_future_usage]=never", "payment_intent_data[setup_future_usage]", None),
        ("line_items[0][quantity]=one", "line_items[0][quantity]", None),
        ("success_url=", "success_url", "parameter_invalid_empty"),
    ],
)
def test_what_the_description_does_not_name_is_refused_as_stripe_refuses_it(
    form: str, param: str, code: str | None
) -> None:
    with pytest.raises(RefusedError) as refused:
        check("POST", "checkout/sessions", read_form(form))
    assert (refused.value.status, refused.value.error["param"], refused.value.error["code"]) == (400, param, code)
