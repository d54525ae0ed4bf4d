"""Replans an organization's pending appointments after a change of its time zone, and counts what that takes.

    python bench/replan.py [APPOINTMENTS]

Everything runs in this process, on moto or on whatever AWS_ENDPOINT_URL_DYNAMODB names (DynamoDB Local reads indexes as
such, moto looks through the whole table for each query): the seconds are the emulator's; the calls are what DynamoDB
would be asked. One page in ten is delivered twice, as SQS may, and a newer change arrives half way.
"""

from __future__ import annotations

import os
import sys
import time
from collections import Counter, deque
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "layers" / "shared")]
os.environ |= {
    "MOTO_ACCOUNT_ID": "000000000000",
    "AWS_ACCESS_KEY_ID": "bench",
    "AWS_SECRET_ACCESS_KEY": "bench",
    "AWS_DEFAULT_REGION": "eu-central-1",
}

import boto3
from moto import mock_aws

from carillon.adapters.dynamodb import keys
from carillon.adapters.dynamodb.clients import DynamoClients
from carillon.adapters.dynamodb.reader import DynamoReader
from carillon.adapters.dynamodb.records import DynamoRecords
from carillon.adapters.dynamodb.runs import DynamoRuns
from carillon.adapters.dynamodb.table import Table, Write
from carillon.adapters.phones import NumberPlans
from carillon.adapters.system import RandomIds
from carillon.domain import codec
from carillon.domain.clients import Client
from carillon.domain.organizations import Caller, Organization
from carillon.domain.settings import Settings, default_reminders
from carillon.services.appointments import AppointmentInput, Appointments
from carillon.services.clients import ClientKeeping
from carillon.services.replanning import Replanner
from local import resources
from local.template import Template, load

ORG = "salon"
NOW = datetime(2026, 12, 1, 9, 0, tzinfo=UTC)
CLIENTS = 200
TWICE_EVERY = 10


class Jobs:
    """The jobs queue in memory."""

    def __init__(self) -> None:
        self.waiting: deque[Mapping[str, Any]] = deque()

    def send_job(self, job: Mapping[str, Any], *, delay: int = 0) -> None:
        """Queue a job; the pace is SQS's business."""
        self.waiting.append({**job, "delay": delay})

    def send_ready(self, messages: Sequence[object]) -> None:
        """Nothing is sent here."""

    def send_due(self, reminders: Sequence[object]) -> None:
        """Nothing is due here."""

    def send_wait(self, message: object, at: datetime) -> None:
        """Nothing waits here."""


class Clock:
    """A clock that stands still."""

    def now(self) -> datetime:
        """Give the bench's instant."""
        return NOW


def main(appointments: int) -> None:
    """Make the appointments, change the zone, and print what the run took."""
    with nullcontext() if "AWS_ENDPOINT_URL_DYNAMODB" in os.environ else mock_aws():
        template = Template(processed=load(ROOT / "template.yaml"), region="eu-central-1", stack_name="bench",
                            parameters={}, queue_url=lambda name: name, api_url="https://bench.example")  # fmt: skip
        client = boto3.client("dynamodb")
        resources.create_tables(template, client)
        calls: Counter[str] = Counter()
        client.meta.events.register("before-call.dynamodb", lambda model, **_: calls.update([model.name]))
        table = Table(client, template.resources("AWS::DynamoDB::Table")[0].name)
        records, reader, clock, ids = DynamoRecords(table), DynamoReader(table), Clock(), RandomIds()
        _people(table)
        keeping = ClientKeeping(DynamoClients(table), records, NumberPlans(), clock, ids)
        book = Appointments(reader=reader, records=records, clients=keeping, clock=clock)
        for number in range(appointments):
            book.put(Caller(ORG, "integration", "bench", "live"), str(number), _appointment(number))
        jobs = Jobs()
        replanner = Replanner(reader, records, DynamoRuns(table), jobs, clock, ids)
        calls.clear()
        begun, changed, pages = time.perf_counter(), 0, 0
        _save(table, "America/New_York", 2)
        replanner.begin(ORG, "settings", 2)
        while jobs.waiting:
            job = jobs.waiting.popleft()
            for _ in range(2 if pages % TWICE_EVERY == 0 else 1):
                changed += replanner.page(ORG, job["run"], job["position"])
            pages += 1
            if pages == appointments // 200:
                _save(table, "Europe/London", 3)
                replanner.begin(ORG, "settings", 3)
        took = time.perf_counter() - begun
        wrong = _wrong(records, appointments)
        print(f"appointments {appointments}, pages {pages}, plans written {changed}, {took:.1f} s on the emulator")
        print("DynamoDB calls: " + ", ".join(f"{name} {count}" for name, count in sorted(calls.items())))
        print(f"plans that are not what Europe/London calls for: {wrong}")
        sys.exit(1 if wrong else 0)


def _people(table: Table) -> None:
    organization = Organization(
        id=ORG, name="Salon", time_zone="Europe/Amsterdam", locale="nl", country="NL", active=True
    )
    table.write(Write(keys.organization(ORG), item={"ty": "organization", "doc": codec.dumps(organization), "v": 1}))
    _save(table, "Europe/Amsterdam", 1)
    table.put_many(
        [(keys.client(ORG, f"c{n}"), {"ty": "client", "doc": codec.dumps(_client(n)), "v": 1}) for n in range(CLIENTS)]
    )


def _client(number: int) -> Client:
    return Client(id=f"c{number}", first_name="Anna", enrolled=True, reminders=default_reminders())


def _save(table: Table, zone: str, version: int) -> None:
    settings = Settings(name="Salon", time_zone=zone, locale="nl", country="NL")
    table.write(Write(keys.settings(ORG), item={"ty": "settings", "doc": codec.dumps(settings), "v": version}))


def _appointment(number: int) -> AppointmentInput:
    start = datetime(2026, 12, 3, 9, 0) + timedelta(days=number % 300, minutes=15 * (number % 37))  # noqa: DTZ001
    return AppointmentInput(
        client_id=f"c{number % CLIENTS}", start=start.isoformat(), duration_minutes=30, status="booked"
    )


def _wrong(records: DynamoRecords, appointments: int) -> int:
    """Count plans whose reminders do not stand where the last zone puts them, by plain arithmetic."""
    from zoneinfo import ZoneInfo  # noqa: PLC0415

    london, seen, wrong, position = ZoneInfo("Europe/London"), 0, 0, None
    while True:
        page = records.page(ORG, "appointments", limit=100, position=position, since=NOW)
        for record in page.items:
            seen += 1
            day = datetime.fromisoformat(record.appointment.start).date()
            eve = datetime(day.year, day.month, day.day, 18, tzinfo=london) - timedelta(days=1)
            morning = datetime(day.year, day.month, day.day, 8, tzinfo=london)
            planned = {entry.at for entry in record.plan if entry.state == "planned"}
            wrong += planned != {eve.astimezone(UTC), morning.astimezone(UTC)}
        position = page.position
        if position is None:
            return wrong + (appointments - seen)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000)
