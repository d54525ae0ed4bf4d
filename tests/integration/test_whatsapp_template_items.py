"""Where the templates of the shared WhatsApp sender are kept, and who finds only the approved ones."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import boto3
import pytest
from moto import mock_aws

from carillon.adapters.connections import DeploymentConnections
from carillon.adapters.dynamodb.content_templates import ContentTemplates
from carillon.adapters.dynamodb.table import Table
from carillon.domain.organizations import Organization
from carillon.domain.settings import Settings
from carillon.ports.texts import StoredTemplate, Submitted
from tests.aws_rules import watching


class Clock:
    def __init__(self) -> None:
        self.time = datetime(2026, 11, 22, 12, tzinfo=UTC)

    def now(self) -> datetime:
        return self.time


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch) -> Iterator[Table]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with mock_aws():
        client = boto3.client("dynamodb", region_name="eu-central-1")
        client.create_table(
            TableName="t",
            BillingMode="PAY_PER_REQUEST",
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")],
        )
        with watching(client.meta.events, Clock().now):
            yield Table(client, "t")


def submitted(status: str, name: str = "a") -> Submitted:
    return Submitted(name, "HX1", "Cześć {{ client.first_name }}!", {"1": "client.first_name"}, status)


def test_a_template_is_stored_with_the_one_that_waits(table: Table) -> None:
    store = ContentTemplates(table, Clock())
    stored = StoredTemplate("reminder.day_before", "client", "pl", submitted("approved"), submitted("pending", "b"))
    store.put(stored)
    assert store.all() == [stored]
    assert store.find("reminder.day_before", "client", "pl") == stored


def test_one_that_is_not_approved_is_not_found(table: Table) -> None:
    store, clock = ContentTemplates(table, Clock()), Clock()
    store.put(StoredTemplate("review", "client", "pl", submitted("rejected")))
    assert store.find("review", "client", "pl") is None
    assert store.find("review", "client", "nl") is None
    settings = Settings(name="A", time_zone="Europe/Warsaw", locale="pl", country="PL")
    organization = Organization(id="a", name="A", time_zone="Europe/Warsaw", locale="pl", country="PL")
    connections = DeploymentConnections(table, {"whatsapp": "whatsapp:+15550001111"}, clock)
    assert connections.whatsapp_templates(organization, settings) == frozenset()


def test_an_approval_is_noticed_at_once_and_a_new_text_after_a_while(table: Table) -> None:
    clock = Clock()
    store = ContentTemplates(table, clock)
    assert store.find("review", "client", "pl") is None
    store.put(StoredTemplate("review", "client", "pl", submitted("approved", "a")))
    assert names(store) == "a"
    store.put(StoredTemplate("review", "client", "pl", submitted("approved", "b")))
    assert names(store) == "a"
    clock.time += timedelta(minutes=6)
    assert names(store) == "b"


def names(store: ContentTemplates) -> str | None:
    found = store.find("review", "client", "pl")
    return found.current.name if found is not None else None
