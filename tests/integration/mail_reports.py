"""What SES reports about mail, as the function that takes it is handed it; and what the diagnosis says afterwards."""

import json
from datetime import timedelta
from typing import Any

from carillon.adapters.aws import client as aws_client
from carillon.adapters.tokens import SignedTokens
from carillon.domain.messages import MessageKey
from functions.record_delivery.app import lambda_handler
from tests.integration.account import Aws, call

ADDRESS = "anna@example.com"


def key(aws: Aws) -> str:
    arn = aws.environment["DEPLOYMENT_SECRET_ARN"]
    return str(json.loads(aws_client("secretsmanager").get_secret_value(SecretId=arn)["SecretString"])["signing_key"])


def event(aws: Aws, kind: str, recipient: str = "c:anna", org: str = "aurora", **detail: Any) -> dict[str, Any]:
    token = SignedTokens(lambda: key(aws)).issue(org, MessageKey(recipient, "0" * 32))
    sent_at = (aws.clock.now() - timedelta(minutes=1)).isoformat()
    mail = {"messageId": "m-1", "timestamp": sent_at, "destination": [ADDRESS], "tags": {"message": [token]}}
    return {"eventType": kind, "mail": mail, **detail}


def bounced(aws: Aws, address: str = ADDRESS, **more: Any) -> dict[str, Any]:
    detail = {"bounceType": "Permanent", "bouncedRecipients": [{"emailAddress": address}]}
    return event(aws, "Bounce", bounce=detail, **more)


def complained(aws: Aws, **more: Any) -> dict[str, Any]:
    detail = {"complainedRecipients": [{"emailAddress": ADDRESS}], "timestamp": aws.clock.now().isoformat()}
    return event(aws, "Complaint", complaint=detail, **more)


def report(*events: dict[str, Any]) -> list[Any]:
    records = [{"messageId": str(n), "body": json.dumps(each), "attributes": {}} for n, each in enumerate(events)]
    failed: list[Any] = lambda_handler({"Records": records}, None)["batchItemFailures"]
    return failed


def checked(client_id: str = "anna", org: str = "aurora") -> dict[str, Any]:
    answer = call("GET", f"/v1/clients/{client_id}/diagnosis", org=org)
    found: dict[str, Any] = next(
        each for each in answer.body["checks"] if (each["check"], each["channel"]) == ("bounces", "email")
    )
    return found


def code(client_id: str = "anna", org: str = "aurora") -> Any:
    return checked(client_id, org)["code"]
