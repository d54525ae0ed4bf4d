"""Billing through its doors: from the first order to the ledger, by way of the page, the events and the queue."""

import json
from datetime import timedelta

import pytest

from carillon import bootstrap
from local.config import PACKAGES
from local.fakes.stripe import signed
from tests.integration.account import Aws, call, forget_services, new_organization
from tests.integration.till import (  # noqa: F401 - two of them are fixtures
    DETAILS,
    balance,
    keys_of,
    order,
    page_of,
    posted,
    server,
    settled,
    stripe,
    told,
)
from tests.stripe_server import Played


def test_an_order_is_paid_on_the_page_and_credited_once_however_often_it_is_told(aws: Aws, stripe: Played) -> None:  # noqa: F811 - the fixture
    assert call("PUT", "/v1/billing/details", DETAILS).status == 201
    aws.calls.clear()
    made = order()
    # Read, kept with its customer, stored; then read, paid for on a page, noted, and read for the answer.
    assert aws.calls == ["BatchGetItem", "PutItem", "TransactWriteItems", "GetItem", "PutItem", "GetItem"]
    assert (made.status, made.body["status"], balance()) == (201, "checkout_required", 10)
    stripe.act(lambda: stripe.stripe.tell(stripe.stripe.objects.buy(page_of(made), "good")))
    again = list(stripe.posts.bodies)
    assert set(told(stripe)) == {204}
    assert settled(aws) == 2  # the page's event and the invoice's; the others tell nothing new
    stripe.posts.bodies[:] = again * 2
    told(stripe)
    assert settled(aws) == 4
    assert balance() == 510
    view = call("GET", f"/v1/quota/top-ups/{made.body['id']}").body
    assert (view["status"], view["credited"], "checkout_url" in view) == ("paid", 500, False)


def test_the_next_order_charges_the_saved_payment_method(aws: Aws, stripe: Played) -> None:  # noqa: F811 - the fixture
    call("PUT", "/v1/billing/details", DETAILS)
    first = order()
    stripe.act(lambda: stripe.stripe.tell(stripe.stripe.objects.buy(page_of(first), "good")))
    told(stripe)
    settled(aws)
    aws.calls.clear()
    second = order("sms-100", key="k1")
    assert len(aws.calls) == 21
    assert (second.status, second.body["status"], second.body["credited"]) == (201, "paid", 100)
    assert order("sms-100", key="k1").body == second.body
    assert (balance(), len(stripe.act(lambda: stripe.stripe.objects.all("charge")))) == (610, 2)
    assert order("sms-500", key="k1").code == "idempotency_key_reused"


def test_money_that_goes_back_takes_its_units_along(aws: Aws, stripe: Played) -> None:  # noqa: F811 - the fixture
    call("PUT", "/v1/billing/details", DETAILS)
    made = order()
    objects, tell = stripe.stripe.objects, stripe.stripe.tell
    stripe.act(lambda: tell(objects.buy(page_of(made), "good")))
    session = stripe.act(lambda: objects.get(page_of(made), "checkout.session"))
    stripe.act(lambda: tell(objects.refund(session["payment_intent"], 1450)))
    stripe.act(lambda: tell(objects.dispute(session["payment_intent"])))
    # The dispute's event names no order; the payment does.
    stripe.posts.bodies.reverse()
    told(stripe)
    settled(aws)
    assert balance() == 10
    ledger = call("GET", "/v1/quota/ledger").body["items"]
    assert [entry["amount"] for entry in ledger] == [10]  # all of it had happened by the first look
    stripe.act(lambda: tell(objects.close_dispute(session["payment_intent"], won=True)))
    told(stripe)
    settled(aws)
    assert balance() == 260


def test_an_event_that_is_not_stripes_or_of_the_other_mode_is_refused(aws: Aws, stripe: Played) -> None:  # noqa: F811 - the fixture
    now = int(bootstrap.clock.now().timestamp())
    body = json.dumps({"id": "evt_1", "type": "invoice.paid", "livemode": True, "data": {"object": {}}})
    assert posted(body, None) == 403
    assert posted(body, signed(body, now, "whsec_other")) == 403
    assert posted(body, signed(body, now - 400)) == 403
    assert posted(body, signed(body, now)) == 403  # live money, and the deployment's key is a test's
    test = body.replace("true", "false")
    assert posted(test, signed(test, now)) == 204
    assert settled(aws) == 0
    assert stripe.posts.bodies == []


def test_a_payment_for_an_order_that_is_gone_is_said_and_not_repeated(aws: Aws, stripe: Played) -> None:  # noqa: F811 - the fixture
    marks = {"carillon": "test", "organization": "aurora", "top_up": "01KAP2Q0000000000000000001"}
    body = json.dumps({"id": "e", "type": "invoice.paid", "livemode": False, "data": {"object": {"metadata": marks}}})
    assert posted(body, signed(body, int(bootstrap.clock.now().timestamp()))) == 204
    assert settled(aws) == 1
    assert (balance(), stripe.posts.bodies) == (10, [])


def test_what_is_needed_first_is_said_in_the_callers_language(stripe: Played) -> None:  # noqa: F811 - the fixture
    for language, word in (("nl", "factuurgegevens"), ("pl", "faktury"), ("fr-BE", "facturation"), ("de", "billing")):
        headers = {"accept-language": language}
        refused = call("POST", "/v1/quota/top-ups", {"package": "sms-500"}, headers=headers)
        assert (refused.status, refused.code) == (409, "billing_details_missing")
        assert word in refused.body["detail"]
    assert order("sms-7").faults == {"/package": "unknown_reference"}
    assert order("email-5000").faults == {"/package": "unknown_reference"}  # e-mail isn't metered here
    assert stripe.calls == []


def test_without_a_key_payments_are_not_connected_and_credits_still_work(aws: Aws) -> None:
    new_organization(metering={"sms": 10})
    cards = {card["id"]: card["status"] for card in call("GET", "/v1/integrations").body["items"]}
    assert cards["payments"] == "not_connected"
    call("PUT", "/v1/billing/details", DETAILS)
    assert order("sms-500").faults == {"/package": "unknown_reference"}  # there are no packages either
    given = {"bucket": "sms", "amount": 5, "reason": "goodwill"}
    assert call("POST", "/v1/organizations/aurora/credits", given, role="operator").status in (200, 201)
    assert balance() == 15
    keys_of(aws, stripe_secret_key="sk_test_1")
    cards = {card["id"]: card["status"] for card in call("GET", "/v1/integrations").body["items"]}
    assert cards["payments"] == "error"  # nobody would hear what became of a payment


def test_packages_without_a_key_are_shown_and_can_not_be_bought(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOP_UP_PACKAGES", PACKAGES)
    forget_services()
    new_organization(metering={"sms": 10})
    call("PUT", "/v1/billing/details", DETAILS)
    shown = call("GET", "/v1/quota/packages").body["items"]
    assert [each["id"] for each in shown] == ["sms-100", "sms-500"]
    assert shown[1]["price"] == {"amount": "29.00", "currency": "EUR"}
    assert (order().status, order().code) == (409, "payments_not_connected")
    assert aws.items("aurora#BIL")[0]["sk"] == "DETAILS"


def test_packages_that_are_wrong_stop_the_door_and_are_named_in_the_log(
    aws: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    from carillon.bootstrap.billing_api import services  # noqa: PLC0415 - after the account is there

    monkeypatch.setenv("TOP_UP_PACKAGES", '[{"id": "x", "bucket": "fax"}]')
    forget_services()
    assert aws.environment["TOP_UP_PACKAGES"] == "[]"
    with pytest.raises(ValueError, match=r"package 1: amount is missing; .*bucket must be one of"):
        services()
    assert call("GET", "/v1/quota/packages").code == "internal_error"


def test_billing_details_are_replaced_whole_and_audited(aws: Aws) -> None:
    new_organization()
    assert call("GET", "/v1/billing/details").status == 404
    assert call("PUT", "/v1/billing/details", DETAILS).status == 201
    changed = {"company": "Aurora NV", "address": "Damrak 2\n1012 LG Amsterdam"}
    saved = call("PUT", "/v1/billing/details", changed, role="org_admin")
    assert (saved.status, saved.body["vat_id"]) == (200, None)
    assert saved.body["address"]["line1"] == "Damrak 2, 1012 LG Amsterdam"
    assert call("PUT", "/v1/billing/details", saved.body).body == call("GET", "/v1/billing/details").body
    entries = [json.loads(item["doc"]) for item in aws.items("aurora#AUD") if "billing" in item["doc"]]
    assert {entry["version"]: entry["after"]["company"] for entry in entries} == {1: "Salon Aurora BV", 2: "Aurora NV"}
    assert call("GET", "/v1/billing/details", role="manager").status == 200
    assert call("PUT", "/v1/billing/details", DETAILS, role="manager").code == "role_not_allowed"


def test_test_data_has_details_of_its_own_and_pays_nothing(stripe: Played) -> None:  # noqa: F811 - the fixture
    path, body = "/v1/quota/top-ups", {"package": "sms-500"}
    call("PUT", "/v1/billing/details", DETAILS)
    assert call("POST", path, body, mode="test").code == "billing_details_missing"
    call("PUT", "/v1/billing/details", DETAILS, mode="test")
    bought = call("POST", path, body, mode="test")
    assert (bought.status, bought.body["status"], bought.body["credited"]) == (201, "paid", 0)
    assert stripe.act(lambda: stripe.stripe.objects.all("customer")) == []
    assert call("GET", path).body["items"] == []
    assert [each["id"] for each in call("GET", path, mode="test").body["items"]] == [bought.body["id"]]


def test_top_ups_are_listed_page_by_page(stripe: Played) -> None:  # noqa: F811 - the fixture
    call("PUT", "/v1/billing/details", DETAILS)
    made = [order().body["id"] for _ in range(3)]
    first = call("GET", "/v1/quota/top-ups", query={"limit": "2"}).body
    rest = call("GET", "/v1/quota/top-ups", query={"limit": "2", "cursor": first["next_cursor"]}).body
    found = [each["id"] for each in (*first["items"], *rest["items"])]
    assert sorted(found) == sorted(made)
    assert (len(rest["items"]), rest["next_cursor"]) == (1, None)
    assert call("GET", "/v1/quota/top-ups/01KAP2Q0000000000000000001").status == 404
    assert stripe.posts.bodies == []


def test_a_key_is_free_again_after_a_day(aws: Aws, stripe: Played) -> None:  # noqa: F811 - the fixture
    call("PUT", "/v1/billing/details", DETAILS)
    first = order(key="k1")
    aws.clock.at += timedelta(hours=25)
    assert order("sms-100", key="k1").body["id"] != first.body["id"]
    assert stripe.posts.bodies == []


def test_the_page_that_a_buyer_comes_back_to_says_how_it_ended() -> None:
    for result, language, word in (("paid", "nl", "Dank u wel"), ("cancelled", "pl", "Nic nie zapłacono")):
        query = {"top_up": "01K", "result": result}
        page = call("GET", "/billing/done", query=query, headers={"accept-language": language})
        assert (page.status, word in page.body) == (200, True)
