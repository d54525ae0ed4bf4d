"""What the tests on moto prove of AWS: each request was one that AWS takes, though moto would have taken any."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from carillon.adapters import aws as aws_clients
from tests.integration.account import REGION, Aws, activate, call, new_organization
from tests.integration.world import World, unwatch

ZOE = {
    "id": "zoe",
    "first_name": "Zoë",
    "email": "zoe@example.com",
    "phone": "+31612345678",
    "enrolled": True,
    "consents": {"service": {"sms": True, "email": True}},
}
BOOKING = {"client_id": "zoe", "start": "2026-12-01T14:30:00", "duration_minutes": 45, "status": "booked"}


@pytest.fixture
def world(aws: Aws) -> Iterator[World]:
    new_organization(name="Salon Zażółć Gęślą Jaźń")
    activate()
    assert call("POST", "/v1/clients", ZOE).status == 201
    yield World(aws)
    unwatch()


def test_a_booking_asks_every_service_for_what_it_takes(world: World) -> None:
    assert call("PUT", "/v1/appointments/42", BOOKING).status == 201
    world.settle()
    assert world.sent
    asked = {service for service, _ in world.aws.watch.seen}
    assert {"dynamodb", "sqs", "scheduler"} <= asked
    assert asked & {"sesv2", "sns"}
    assert world.aws.watch.refused == []


LIES: list[tuple[Any, str, dict[str, Any]]] = [
    (
        "scheduler",
        "create_schedule",
        {
            "Name": "one#two",
            "ScheduleExpression": "at(2020-01-01T00:00:00Z)",
            "ScheduleExpressionTimezone": "Mars/Olympus",
            "FlexibleTimeWindow": {"Mode": "OFF"},
            "Target": {"Arn": "arn:aws:sqs:eu-central-1:000000000000:x", "RoleArn": "arn:aws:iam::000000000000:role/x"},
        },
    ),
    (
        "sns",
        "publish",
        {
            "PhoneNumber": "+31612345678",
            "Message": "x",
            "MessageAttributes": {"AWS.SNS.SMS.SenderID": {"DataType": "String", "StringValue": "Salon Zażółć"}},
        },
    ),
]


@pytest.mark.parametrize(("service", "operation", "request_"), LIES, ids=[operation for _, operation, _ in LIES])
def test_what_moto_takes_and_aws_does_not_is_refused_here(
    aws: Aws, service: Any, operation: str, request_: dict[str, Any]
) -> None:
    assert getattr(boto3.client(service, region_name=REGION), operation)(**request_)
    with pytest.raises(ClientError):
        getattr(aws_clients.client(service), operation)(**request_)
    assert aws.watch.refused
    # The account's fixture would fail this test otherwise, which is what it is there for.
    aws.watch.refused.clear()
