"""A till: an account at Stripe that the deployment has the keys of, its events, and the queue behind them."""

import json
from collections.abc import Iterator
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
