"""Billing through its doors: from the first order to the ledger, by way of the page, the events and the queue."""

import json
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from functools import partial
from typing import Any

import boto3
import pytest

from carillon import bootstrap
from carillon.adapters import aws as aws_clients
from functions.callbacks.app import lambda_handler as callbacks
from functions.settle_payments.app import lambda_handler as settle_payments
from local.config import PACKAGES, STRIPE_ACCOUNT
from local.fakes.stripe import signed
from tests.integration.account import REGION, Aws, Response, call, event, forget_services, new_organization
from tests.integration.world import DeathError
from tests.stripe_server import Played

DETAILS = {"company": "Salon Aurora BV", "vat_id": "NL123456789B01", "address": {"line1": "Damrak 1", "country": "NL"}}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Played]:
    found = Played(tmp_path_factory.mktemp("stripe"))
    yield found
    found.stop()


@pytest.fixture
def stripe(aws: Aws, server: Played, monkeypatch: pytest.MonkeyPatch) -> Played:
    """An account at Stripe that the deployment has the keys of, and an organization with metered SMS."""
    server.act(server.store.clear)
    server.posts.bodies.clear()
    server.calls.clear()
    monkeypatch.setenv("STRIPE_API_URL", server.url)
    monkeypatch.setenv("TOP_UP_PACKAGES", PACKAGES)
    keys_of(aws, stripe_secret_key=STRIPE_ACCOUNT[0], stripe_webhook_secret=STRIPE_ACCOUNT[1])
    forget_services()
    heard = aws_clients.client("dynamodb").meta.events
    heard.register("before-call.dynamodb", lambda model, **_: aws.heard(model.name))
    assert new_organization(metering={"sms": 10}).status == 201
    return server


def keys_of(aws: Aws, **added: str) -> None:
    """Fill in the deployment's secret, as an operator does by hand."""
    manager = boto3.client("secretsmanager", region_name=REGION)
    arn = aws.environment["DEPLOYMENT_SECRET_ARN"]
    known = json.loads(manager.get_secret_value(SecretId=arn)["SecretString"])
    manager.put_secret_value(SecretId=arn, SecretString=json.dumps(known | added))
    forget_services()


def order(package: str = "sms-500", key: str | None = None, **more: Any) -> Response:
    headers = {"idempotency-key": key} if key else {}
    return call("POST", "/v1/quota/top-ups", {"package": package, **more}, headers=headers)


def told(stripe: Played) -> list[int]:
    """Post what Stripe has to tell, as it signs it; gives the answers' statuses."""
    now = int(bootstrap.clock.now().timestamp())
    bodies, stripe.posts.bodies[:] = list(stripe.posts.bodies), []
    return [posted(body, signed(body, now)) for body in bodies]


def posted(body: str, signature: str | None) -> int:
    headers = {"stripe-signature": signature} if signature else {}
    made = event("POST", "/callbacks/stripe", body, headers=headers)
    return int(callbacks(made, None)["statusCode"])


def settled(aws: Aws) -> int:
    """Work off the queue of payments; gives how many there were."""
    queue = boto3.client("sqs", region_name=REGION)
    url, count = aws.environment["PAYMENTS_QUEUE_URL"], 0
    while messages := queue.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", []):
        records = [{"messageId": each["MessageId"], "body": each["Body"]} for each in messages]
        assert settle_payments({"Records": records}, None) == {"batchItemFailures": []}
        for each in messages:
            queue.delete_message(QueueUrl=url, ReceiptHandle=each["ReceiptHandle"])
        count += len(messages)
    return count


def balance() -> int:
    found: int = call("GET", "/v1/quota").body["buckets"]["sms"]["balance"]
    return found


def page_of(answer: Response) -> str:
    return str(answer.body["checkout_url"]).rpartition("/")[2]


def test_an_order_is_paid_on_the_page_and_credited_once_however_often_it_is_told(aws: Aws, stripe: Played) -> None:
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


def test_the_next_order_charges_the_saved_payment_method(aws: Aws, stripe: Played) -> None:
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


def test_money_that_goes_back_takes_its_units_along(aws: Aws, stripe: Played) -> None:
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


def test_an_event_that_is_not_stripes_or_of_the_other_mode_is_refused(aws: Aws, stripe: Played) -> None:
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


def test_a_payment_for_an_order_that_is_gone_is_said_and_not_repeated(aws: Aws, stripe: Played) -> None:
    marks = {"carillon": "test", "organization": "aurora", "top_up": "01KAP2Q0000000000000000001"}
    body = json.dumps({"id": "e", "type": "invoice.paid", "livemode": False, "data": {"object": {"metadata": marks}}})
    assert posted(body, signed(body, int(bootstrap.clock.now().timestamp()))) == 204
    assert settled(aws) == 1
    assert (balance(), stripe.posts.bodies) == (10, [])


def test_what_is_needed_first_is_said_in_the_callers_language(stripe: Played) -> None:
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


def test_test_data_has_details_of_its_own_and_pays_nothing(stripe: Played) -> None:
    path, body = "/v1/quota/top-ups", {"package": "sms-500"}
    call("PUT", "/v1/billing/details", DETAILS)
    assert call("POST", path, body, mode="test").code == "billing_details_missing"
    call("PUT", "/v1/billing/details", DETAILS, mode="test")
    bought = call("POST", path, body, mode="test")
    assert (bought.status, bought.body["status"], bought.body["credited"]) == (201, "paid", 0)
    assert stripe.act(lambda: stripe.stripe.objects.all("customer")) == []
    assert call("GET", path).body["items"] == []
    assert [each["id"] for each in call("GET", path, mode="test").body["items"]] == [bought.body["id"]]


def test_top_ups_are_listed_page_by_page(stripe: Played) -> None:
    call("PUT", "/v1/billing/details", DETAILS)
    made = [order().body["id"] for _ in range(3)]
    first = call("GET", "/v1/quota/top-ups", query={"limit": "2"}).body
    rest = call("GET", "/v1/quota/top-ups", query={"limit": "2", "cursor": first["next_cursor"]}).body
    found = [each["id"] for each in (*first["items"], *rest["items"])]
    assert sorted(found) == sorted(made)
    assert (len(rest["items"]), rest["next_cursor"]) == (1, None)
    assert call("GET", "/v1/quota/top-ups/01KAP2Q0000000000000000001").status == 404
    assert stripe.posts.bodies == []


def test_a_key_is_free_again_after_a_day(aws: Aws, stripe: Played) -> None:
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


def test_what_no_event_told_the_sweep_has_looked_up(aws: Aws, stripe: Played) -> None:
    from carillon.bootstrap import jobs  # noqa: PLC0415 - after the account is there

    call("PUT", "/v1/billing/details", DETAILS)
    paid, left = order(), order("sms-100")
    stripe.act(lambda: stripe.stripe.objects.buy(page_of(paid), "good"))
    stripe.posts.bodies.clear()  # its events are lost
    aws.clock.at += timedelta(minutes=16)
    young = order("sms-100")
    assert jobs.payments().mend("aurora") == 2
    assert settled(aws) == 2
    assert balance() == 510
    stripe.act(lambda: stripe.stripe.objects.expire(page_of(left)))
    assert jobs.payments().mend("aurora") == 1
    settled(aws)
    statuses = {each["id"]: each["status"] for each in call("GET", "/v1/quota/top-ups").body["items"]}
    assert statuses == {paid.body["id"]: "paid", left.body["id"]: "expired", young.body["id"]: "checkout_required"}
    assert jobs.payments().mend("aurora") == 0


def test_units_that_were_used_are_owed_and_no_balance_is_below_zero(aws: Aws, stripe: Played) -> None:
    call("PUT", "/v1/billing/details", DETAILS)
    objects, tell = stripe.stripe.objects, stripe.stripe.tell
    first = order()
    stripe.act(lambda: tell(objects.buy(page_of(first), "good")))
    told(stripe)
    settled(aws)
    given = {"bucket": "sms", "amount": -450, "reason": "used"}
    assert call("POST", "/v1/organizations/aurora/credits", given, role="operator").status < 300
    intent = stripe.act(lambda: objects.get(page_of(first), "checkout.session"))["payment_intent"]
    stripe.act(lambda: tell(objects.refund(intent)))
    told(stripe)
    settled(aws)
    assert (balance(), call("GET", f"/v1/quota/top-ups/{first.body['id']}").body["owed"]) == (0, 440)
    second = order("sms-500", new_payment_method=True)
    stripe.act(lambda: tell(objects.buy(page_of(second), "good")))
    told(stripe)
    settled(aws)
    assert (balance(), call("GET", f"/v1/quota/top-ups/{first.body['id']}").body["owed"]) == (60, 0)


def test_settling_that_dies_at_any_write_ends_the_same(stripe: Played, deaths: list[int]) -> None:
    call("PUT", "/v1/billing/details", DETAILS)
    died = 0
    for at in range(1, 14):
        made = order("sms-100", new_payment_method=True)
        stripe.act(partial(stripe.stripe.objects.buy, page_of(made), "good"))
        body = {"o": "aurora", "id": made.body["id"], "pi": None, "event": "e", "type": "invoice.paid"}
        records = {"Records": [{"messageId": "m", "body": json.dumps(body)}]}
        deaths[0] = at
        with suppress(DeathError):
            settle_payments(records, None)
        died += deaths[0] == 0
        deaths[0] = 0
        assert settle_payments(records, None) == {"batchItemFailures": []}
        assert balance() == 10 + 100 * at
    assert died >= 10
    assert stripe.posts.bodies == []
