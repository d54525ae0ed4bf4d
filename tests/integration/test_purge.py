"""What a removed organization leaves: its tombstone, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest

from carillon.adapters.dynamodb.last_writers import DynamoLastWriters
from carillon.adapters.dynamodb.table import Table
from carillon.domain.messages import MessageKey
from tests.integration.account import REGION, Aws, activate, call, new_organization
from tests.integration.world import Deaths, World, unwatch

BOOKING: dict[str, Any] = {
    "client": {"first_name": "Anna", "email": "anna@example.com", "consents": {"service": {"email": True}}},
    "start": "2026-12-01T14:30:00",
    "duration_minutes": 45,
    "status": "booked",
}


@pytest.fixture
def world(aws: Aws) -> Iterator[World]:
    for org in ("aurora", "aurora2"):
        new_organization(org)
        activate(org)
        activate(org, mode="test")
    made = World(aws)
    for org, mode in (("aurora", "live"), ("aurora", "test"), ("aurora2", "live")):
        assert call("PUT", "/v1/appointments/42", BOOKING, org=org, mode=mode).status == 201
        assert call("PUT", "/v1/channels/sms", {"sender_id": "Salon"}, org=org, mode=mode).status == 201
    made.settle()
    yield made
    unwatch()


def left(world: World, org: str) -> set[str]:
    items = world.aws.items()
    return {f"{item['pk']} {item['sk']}" for item in items if item["pk"].startswith((f"{org}#", f"{org}~test#"))}


def remove(world: World) -> None:
    assert call("DELETE", "/v1/organizations/aurora", role="operator").status == 202
    world.settle()


def test_everything_goes_with_its_schedules_and_no_neighbour_is_touched(world: World) -> None:
    before = left(world, "aurora2")
    assert len(left(world, "aurora")) > len(before) > 5
    remove(world)
    assert left(world, "aurora") == {"aurora#ORG ORG", "aurora~test#ORG ORG"}
    assert left(world, "aurora2") == before
    assert [item["o"] for item in world.aws.items("@#CH#")] == ["aurora2"]
    assert len(world.schedules()) == 2
    world.advance_to(datetime(2026, 12, 2, tzinfo=UTC))
    assert {to for _, to, _ in world.sent} == {"anna@example.com"}


@pytest.mark.parametrize("at", [4, 8, 12])
def test_a_death_in_a_purge_leaves_nothing_behind(world: World, at: int) -> None:
    world.deaths = Deaths(at=at)
    remove(world)
    assert left(world, "aurora") == {"aurora#ORG ORG", "aurora~test#ORG ORG"}
    assert len(world.schedules()) == 2


def test_nobody_is_known_any_more_as_someone_it_wrote_to(world: World) -> None:
    writers = DynamoLastWriters(
        Table(boto3.client("dynamodb", region_name=REGION), world.aws.environment["TABLE_NAME"])
    )
    stories = {
        "+31600000001": ["aurora"],
        "+31600000002": ["aurora2", "aurora"],
        "+31600000003": ["aurora", "aurora2"],
        "+31600000004": ["aurora2"],
    }
    for phone, orgs in stories.items():
        for org in orgs:
            writers.note("sms", phone, org, MessageKey("c:anna", org), datetime(2027, 12, 1, tzinfo=UTC))
    remove(world)
    kept = {phone: [org for org, _ in writers.of("sms", phone)] for phone in stories}
    others = ["aurora2"]
    assert kept == {"+31600000001": [], "+31600000002": others, "+31600000003": others, "+31600000004": others}
    assert len(world.aws.items("@#W#")) == 3
