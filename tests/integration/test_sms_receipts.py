"""Events and replies of AWS End User Messaging, from the receipts queue's function to what the API shows."""

from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest

from carillon.adapters.dynamodb.last_writers import DynamoLastWriters
from carillon.adapters.dynamodb.messages import DynamoMessages
from carillon.adapters.dynamodb.table import Table
from carillon.adapters.system import RandomIds
from carillon.adapters.tokens import SignedTokens
from carillon.domain.messages import Message
from carillon.ports.messages import Claim, Moved
from carillon.services.shared_numbers import SHARED_SMS
from tests.builders import message, reminder_occasion
from tests.integration.account import REGION, Aws, activate, call, new_organization
from tests.integration.mail_reports import key, report

PHONE = "+31612345678"
NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
ANNA = {"id": "anna", "first_name": "Anna", "phone": PHONE, "consents": {"service": {"sms": True}}}


@pytest.fixture
def account(aws: Aws) -> Aws:
    """Two organizations that both know Anna; the first has sent her an SMS, whose answer was lost."""
    for org in ("aurora", "borealis"):
        new_organization(org)
        activate(org)
        assert call("POST", "/v1/clients", ANNA, org=org).status == 201
    return aws


def table(aws: Aws) -> Table:
    return Table(boto3.client("dynamodb", region_name=REGION), aws.environment["TABLE_NAME"])


def texted(aws: Aws, org: str = "aurora", status: str = "unknown") -> Message:
    """Store an SMS to Anna that was handed over, noted as the last from the shared number."""
    messages, made = DynamoMessages(table(aws)), message(reminder_occasion(), "sms", to=PHONE, id=RandomIds().ulid(NOW))
    messages.create(org, made, retention_days=90)
    messages.claim(org, made, Claim("owner", NOW, PHONE, 1))
    messages.finish(org, made, Moved(status, NOW, "provider_timeout" if status == "unknown" else None), owner="owner")
    DynamoLastWriters(table(aws)).note(SHARED_SMS, PHONE, org, made.key, NOW + timedelta(days=400))
    return made


def told(aws: Aws, made: Message, kind: str, org: str = "aurora", **changes: Any) -> dict[str, Any]:
    token = SignedTokens(lambda: key(aws)).issue(org, made.key)
    return {
        "eventType": kind,
        "isFinal": True,
        "messageId": "eum-1",
        "destinationPhoneNumber": PHONE,
        "context": {"message": token},
    } | changes


def replied(text: str, number: int = 1) -> dict[str, Any]:
    return {
        "originationNumber": PHONE,
        "destinationNumber": "+3197010250000",
        "messageKeyword": "UNKNOWN",
        "messageBody": text,
        "inboundMessageId": f"in-{number}",
    }


def status(org: str = "aurora") -> list[tuple[str, str | None, str | None]]:
    items = call("GET", "/v1/messages", org=org, query={"channel": "sms"}).body["items"]
    return [(item["status"], item["reason"], item["provider_id"]) for item in items]


def test_an_event_closes_what_the_answer_left_unknown(account: Aws) -> None:
    made = texted(account)
    assert status() == [("unknown", "provider_timeout", None)]
    assert report(told(account, made, "TEXT_SUCCESSFUL", isFinal=False)) == []
    assert status() == [("sent", None, "eum-1")]
    assert report(told(account, made, "TEXT_DELIVERED")) == []
    assert status() == [("delivered", None, "eum-1")]


def test_events_that_come_late_twice_or_out_of_order_change_nothing(account: Aws) -> None:
    made = texted(account, status="sent")
    delivered = told(account, made, "TEXT_DELIVERED")
    assert report(delivered, delivered, told(account, made, "TEXT_SUCCESSFUL")) == []
    assert status() == [("delivered", None, "eum-1")]


@pytest.mark.parametrize(
    ("kind", "reason"),
    [("TEXT_INVALID", "recipient_rejected"), ("TEXT_TTL_EXPIRED", "unreachable"), ("TEXT_SPAM", "content_rejected")],
)
def test_a_failure_that_is_told_later_fails_the_message(account: Aws, kind: str, reason: str) -> None:
    made = texted(account, status="sent")
    assert report(told(account, made, kind)) == []
    assert status() == [("failed", reason, "eum-1")]


def test_what_aws_never_heard_of_again_is_no_failure(account: Aws) -> None:
    made = texted(account, status="sent")
    assert report(told(account, made, "TEXT_UNKNOWN")) == []
    assert [each[0] for each in status()] == ["sent"]


def test_an_event_with_a_token_that_is_not_ours_moves_nothing(account: Aws) -> None:
    made = texted(account, status="sent")
    forged = SignedTokens(lambda: "another key").issue("aurora", made.key)
    assert report(told(account, made, "TEXT_INVALID", context={"message": forged})) == []
    assert [each[0] for each in status()] == ["sent"]


def test_a_reply_goes_to_whoever_wrote_last(account: Aws) -> None:
    texted(account, "aurora", status="sent")
    texted(account, "borealis", status="sent")
    assert report(replied("Ik ben iets later")) == []
    (item,) = call("GET", "/v1/inbound", org="borealis").body["items"]
    assert (item["channel"], item["from"], item["client_id"], item["text"]) == (
        "sms",
        PHONE,
        "anna",
        "Ik ben iets later",
    )
    assert call("GET", "/v1/inbound").body["items"] == []


@pytest.mark.parametrize("words", ["STOP", "stop please", "arrêt", "rezygnuję"])
def test_stop_by_sms_opts_out_of_sms_alone_and_start_takes_it_back(account: Aws, words: str) -> None:
    texted(account, status="sent")
    assert report(replied(words), replied(words)) == []
    assert call("GET", "/v1/clients/anna").body["can_message"]["sms"] is False
    assert call("GET", "/v1/clients/anna", org="borealis").body["can_message"]["sms"] is True
    history = call("GET", "/v1/clients/anna/consents").body["history"]
    assert {each["source"] for each in history if not each["granted"]} == {"sms_reply"}
    account.clock.advance(timedelta(minutes=1))
    assert report(replied("START", 2)) == []
    assert call("GET", "/v1/clients/anna").body["can_message"]["sms"] is True


def test_a_reply_of_somebody_nobody_wrote_to_is_dropped(account: Aws) -> None:
    assert report(replied("Wie is dit?")) == []
    assert account.items("aurora#IN") == []
    assert call("GET", "/v1/inbound").body["items"] == []


def test_mail_and_sms_share_a_batch(account: Aws) -> None:
    made = texted(account, status="sent")
    mail = {"eventType": "Delivery", "mail": {"messageId": "m", "timestamp": "2026-11-23T09:00:00Z", "tags": {}}}
    assert report(mail, told(account, made, "TEXT_DELIVERED"), {"unheard": "of"}) == []
    assert [each[0] for each in status()] == ["delivered"]
