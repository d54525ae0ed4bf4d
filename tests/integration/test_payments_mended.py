"""What is repaired: events that never came, units that were used before their money went back, settling that dies."""

import json
from contextlib import suppress
from datetime import timedelta
from functools import partial

from functions.settle_payments.app import lambda_handler as settle_payments
from tests.integration.account import Aws, call
from tests.integration.till import (  # noqa: F401 - two of them are fixtures
    DETAILS,
    balance,
    order,
    page_of,
    server,
    settled,
    stripe,
    told,
)
from tests.integration.world import DeathError
from tests.stripe_server import Played


def test_what_no_event_told_the_sweep_has_looked_up(aws: Aws, stripe: Played) -> None:  # noqa: F811 - the fixture
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


def test_units_that_were_used_are_owed_and_no_balance_is_below_zero(aws: Aws, stripe: Played) -> None:  # noqa: F811 - the fixture
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


def test_settling_that_dies_at_any_write_ends_the_same(stripe: Played, deaths: list[int]) -> None:  # noqa: F811 - the fixture
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
