"""Daily recaps from the settings to the inbox, on the real functions and the account of template.yaml."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest

from tests.integration.account import REGION, Aws, activate, call, new_organization
from tests.integration.world import DeathError, Deaths, World, unwatch

SEVEN = datetime(2026, 12, 1, 6, 0, tzinfo=UTC)
"""07:00 in Amsterdam."""
ON = {"enabled": True, "day": "same_day", "at": "07:00", "channels": ["email"]}
OFF = {"enabled": False, "day": "same_day", "at": "07:00", "channels": ["email"]}
STAFF = (
    {"id": "sara", "name": "Sara", "email": "sara@example.com", "mobile": "+31612345601", "locale": "en"},
    {"id": "tom", "name": "Tom", "email": "tom@example.com", "mobile": "+31612345602", "locale": "pl"},
    {"id": "mia", "name": "Mia", "email": "mia@example.com", "locale": "fr", "roles": ["manager"]},
)


def save_settings(org: str = "aurora", mode: str = "live", **fields: Any) -> None:
    assert call("PUT", "/v1/settings", fields, headers={"if-match": "*"}, org=org, mode=mode).status == 200


def furnish(mode: str = "live") -> None:
    activate(mode=mode)
    call("POST", "/v1/clients", {"id": "anna", "first_name": "Anna", "last_name": "de Vries"}, mode=mode)
    for member in STAFF:
        assert call("POST", "/v1/staff", member, mode=mode).status == 201


def recaps(org: str = "aurora", mode: str = "live", **fields: Any) -> None:
    save_settings(org, mode, recap={"staff": OFF, "managers": OFF, "send_empty": False} | fields)


def book(number: str, start: str, *staff: str, mode: str = "live", **fields: Any) -> None:
    body = {"client_id": "anna", "start": start, "duration_minutes": 45, "status": "booked", "service": "Cut"}
    answer = call("PUT", f"/v1/appointments/{number}", {**body, "staff_ids": list(staff), **fields}, mode=mode)
    assert answer.status in (200, 201), answer.body


@pytest.fixture
def world(aws: Aws, short_runs: None) -> Iterator[World]:  # noqa: ARG001 - sets what it says
    new_organization()
    made = World(aws)
    furnish()
    book("1", "2026-12-01T14:30:00", "sara", notify=False)
    book("2", "2026-12-01T09:00:00", "sara", "tom", notify=False)
    made.settle()
    made.sent.clear()
    yield made
    unwatch()


def crons(world: World) -> list[dict[str, Any]]:
    client, group = boto3.client("scheduler", region_name=REGION), world.aws.environment["RECAPS_GROUP"]
    names = [each["Name"] for each in client.list_schedules(GroupName=group)["Schedules"]]
    found: list[Any] = [client.get_schedule(GroupName=group, Name=name) for name in names]
    return sorted(found, key=lambda each: str(each["Target"]["Input"]))


def times(world: World) -> list[tuple[str, str, str]]:
    return [
        (
            json.loads(each["Target"]["Input"])["recap"],
            each["ScheduleExpression"],
            each["ScheduleExpressionTimezone"],
        )
        for each in crons(world)
    ]


def fire(world: World, at: datetime, only: str | None = None) -> None:
    """Let the schedules fire for an instant."""
    world.aws.clock.at = max(world.aws.clock.at, at)
    for each in crons(world):
        text = each["Target"]["Input"].replace("<aws.scheduler.scheduled-time>", f"{at:%Y-%m-%dT%H:%M:%SZ}")
        if only in (None, json.loads(text)["recap"]):
            url = world.aws.environment["RECAPS_QUEUE_URL"]
            boto3.client("sqs", region_name=REGION).send_message(QueueUrl=url, MessageBody=text)
    world.settle()


def test_schedules_follow_the_settings(world: World) -> None:
    assert times(world) == []
    recaps(staff=ON, managers={**ON, "at": "18:30", "day": "day_before"})
    world.settle()
    assert times(world) == [
        ("managers", "cron(30 18 * * ? *)", "Europe/Amsterdam"),
        ("staff", "cron(0 7 * * ? *)", "Europe/Amsterdam"),
    ]
    save_settings(time_zone="America/New_York")
    recaps(staff=ON)
    world.settle()
    assert times(world) == [("staff", "cron(0 7 * * ? *)", "America/New_York")]
    recaps()
    world.settle()
    assert times(world) == []


def test_schedules_follow_activation_suspension_and_removal(world: World) -> None:
    activate(mode="test")
    recaps(staff=ON)
    recaps(mode="test", staff=ON)
    world.settle()
    assert len(times(world)) == 2
    call("POST", "/v1/integrations/notifications/deactivate")
    world.settle()
    assert [json.loads(each["Target"]["Input"])["o"] for each in crons(world)] == ["aurora~test"]
    activate()
    call("PATCH", "/v1/organizations/aurora", {"suspended": True}, role="operator")
    world.settle()
    assert times(world) == []
    call("PATCH", "/v1/organizations/aurora", {"suspended": False}, role="operator")
    world.settle()
    assert len(times(world)) == 2
    assert call("DELETE", "/v1/organizations/aurora", role="operator").status == 202
    world.settle()
    assert times(world) == []
    assert {item["pk"] for item in world.aws.items()} == {"aurora#ORG", "aurora~test#ORG"}


def test_each_reads_his_list_in_his_language_once(world: World) -> None:
    recaps(staff=ON, managers=ON)
    world.settle()
    fire(world, SEVEN)
    fire(world, SEVEN)
    assert sorted(world.sent) == [
        ("email", "mia@example.com", "Tous les rendez-vous : mardi 1er décembre"),
        ("email", "sara@example.com", "Your appointments: Tuesday, 1 December"),
        ("email", "tom@example.com", "Lista wizyt: wtorek, 1 grudnia"),
    ]
    shown = call("GET", "/v1/messages", query={"limit": "10"}).body["items"]
    told = {(item["staff_id"], item["audience"], item["key"], item["status"]) for item in shown}
    assert ("mia", "manager", "recap", "sent") in told
    assert ("tom", "collaborator", "recap", "sent") in told


def test_an_sms_lists_them_and_a_cancelled_appointment_vanishes_before_it_goes(world: World) -> None:
    recaps(staff={**ON, "channels": ["sms"]})
    book("3", "2026-12-01T11:00:00", "tom", notify=False, service="Beard", fields={})
    world.settle()
    url = world.aws.environment["RECAPS_QUEUE_URL"]
    body = json.dumps({"o": "aurora", "recap": "staff", "at": "2026-12-01T06:00:00Z"})
    world.aws.clock.at = SEVEN
    boto3.client("sqs", region_name=REGION).send_message(QueueUrl=url, MessageBody=body)
    world._queue("recaps")
    book("2", "2026-12-01T09:00:00", "sara", "tom", notify=False, status="cancelled")
    world.settle()
    assert sorted(world.sent) == [
        ("sms", "+31612345601", "Salon Aurora: Tuesday, 1 December: 1 appointment. 14:30 Anna de Vries, Cut"),
        ("sms", "+31612345602", "Salon Aurora: wtorek, 1 grudnia: 1 wizyta. 11:00 Anna de Vries, Beard"),
    ]


def test_an_own_text_is_used(world: World) -> None:
    text = {"body": "{{ recap.count }}: {% for one in recap.items %}{{ one.time }} {{ one.client }}|{% endfor %}"}
    answer = call("PUT", "/v1/templates/recap/collaborator/sms/en", text, headers={"if-match": "*"})
    assert answer.status == 200, answer.body
    recaps(staff={**ON, "channels": ["sms"]})
    world.settle()
    fire(world, SEVEN)
    assert ("sms", "+31612345601", "2 appointments: 09:00 Anna de Vries|14:30 Anna de Vries|") in world.sent


def test_a_test_data_set_is_told_and_nothing_leaves(world: World) -> None:
    furnish("test")
    recaps(mode="test", staff=ON)
    book("1", "2026-12-01T14:30:00", "sara", mode="test", notify=False)
    world.settle()
    fire(world, SEVEN)
    assert world.sent == []
    (told,) = call("GET", "/v1/messages", mode="test").body["items"]
    assert (told["key"], told["staff_id"], told["status"]) == ("recap", "sara", "delivered")


def test_the_sweep_tells_what_no_schedule_fired_for(world: World) -> None:
    recaps(staff=ON)
    world.settle()
    world.aws.clock.at = SEVEN + timedelta(minutes=20)
    jobs = boto3.client("sqs", region_name=REGION)
    for _ in range(2):
        body = json.dumps({"kind": "sweep", "o": "aurora"})
        jobs.send_message(QueueUrl=world.aws.environment["JOBS_QUEUE_URL"], MessageBody=body)
        world.settle()
    assert {to for _, to, _ in world.sent} == {"sara@example.com", "tom@example.com"}
    assert len(world.sent) == 2


@pytest.mark.parametrize("at", [6, 13])
def test_a_death_anywhere_loses_nobody_and_tells_nobody_twice(world: World, at: int) -> None:
    world.deaths = Deaths(at=at)
    try:
        recaps(staff=ON)
    except DeathError:
        world.listen()
        recaps(staff=ON)
    world.settle()
    assert times(world) == [("staff", "cron(0 7 * * ? *)", "Europe/Amsterdam")]
    fire(world, SEVEN)
    assert sorted(to for _, to, _ in world.sent) in (
        ["sara@example.com", "tom@example.com"],
        ["sara@example.com"],
        ["tom@example.com"],
    )
    statuses = world.statuses()
    recapped = {place: number for place, number in statuses.items() if place[0] == "email"}
    assert sum(recapped.values()) == 2
    if len(world.sent) == 1:
        # Died between its claim and the provider's answer: nobody can say.
        assert {status for _, status, _ in recapped} == {"sent", "unknown"}


def test_the_night_the_clocks_change_has_its_recap(world: World) -> None:
    recaps(staff={**ON, "at": "02:30"})
    book("4", "2027-03-28T14:00:00", "sara", notify=False)
    world.settle()
    assert times(world) == [("staff", "cron(30 2,3 * * ? *)", "Europe/Amsterdam")]
    fire(world, datetime(2027, 3, 27, 1, 30, tzinfo=UTC))  # 02:30: nothing on the list
    fire(world, datetime(2027, 3, 27, 2, 30, tzinfo=UTC))  # 03:30 is not its time
    assert world.sent == []
    fire(world, datetime(2027, 3, 28, 1, 30, tzinfo=UTC))  # 03:30 in summer time: there is no 02:30
    assert [to for _, to, _ in world.sent] == ["sara@example.com"]
