"""What the deployment can send with: its secret, its senders, its approved templates."""

import json
from datetime import timedelta
from typing import Any

import pytest

from carillon.adapters import aws
from carillon.adapters.connections import DeploymentConnections
from carillon.adapters.dynamodb.table import Page, Table
from carillon.adapters.secrets import DeploymentSecret
from carillon.adapters.system import RandomIds, SystemClock
from carillon.domain.channels import Channel
from carillon.domain.ids import ulid_time
from tests.builders import NOW, organization, settings
from tests.doubles import SetClock


class PlayedSecrets:
    """Secrets Manager with one secret, counting reads."""

    def __init__(self, **content: str) -> None:
        self.content = content
        self.reads: list[str] = []

    def get_secret_value(self, *, SecretId: str) -> dict[str, str]:  # noqa: N803 - AWS's name
        self.reads.append(SecretId)
        return {"SecretString": json.dumps(self.content)}


def test_the_secret_is_read_once_in_five_minutes() -> None:
    client, clock = PlayedSecrets(signing_key="k1", twilio_account_sid="AC", twilio_auth_token="t"), SetClock(NOW)
    secret = DeploymentSecret(client, "arn:secret", clock)  # type: ignore[arg-type]
    assert client.reads == []
    assert [secret.signing_key(), secret.read().twilio_account_sid] == ["k1", "AC"]
    clock.advance(minutes=4, seconds=59)
    client.content["signing_key"] = "k2"
    assert secret.signing_key() == "k1"
    clock.advance(seconds=1)
    assert secret.signing_key() == "k2"
    assert client.reads == ["arn:secret", "arn:secret"]


def test_what_is_not_set_up_is_empty_and_what_is_unknown_is_passed_over() -> None:
    secret = DeploymentSecret(PlayedSecrets(signing_key="k", later="x"), "arn", SetClock(NOW))  # type: ignore[arg-type]
    assert (secret.read().twilio_account_sid, secret.read().twilio_auth_token) == ("", "")


class PlayedTable(Table):
    """A table with approved templates on two pages, counting queries."""

    def __init__(self) -> None:
        self.queries: list[Any] = []

    def query(self, pk: str, **how: Any) -> Page:
        self.queries.append(pk)
        if how.get("after") is None:
            first = [
                {"sk": "reminder#client#nl", "status": "approved"},
                {"sk": "reminder#client#pl", "status": "pending"},
            ]
            return Page(first, {"pk": "x", "sk": "y"})
        return Page([{"sk": "review#client#nl", "status": "approved"}, {"sk": "review#client#fr"}], None)


def connections(table: Table, clock: SetClock, **senders: str) -> DeploymentConnections:
    named: Any = {"email": "no-reply@example.com", "sms": "", "whatsapp": "whatsapp:+15550001111"}
    return DeploymentConnections(table, named | senders, clock)


@pytest.mark.parametrize(
    ("senders", "connected"),
    [
        ({}, {"email", "sms", "whatsapp"}),
        ({"whatsapp": ""}, {"email", "sms"}),
        ({"email": ""}, {"sms", "whatsapp"}),
        ({"sms": "Aurora"}, {"email", "sms", "whatsapp"}),
    ],
)
def test_a_channel_is_connected_when_it_has_a_sender(senders: dict[str, str], connected: set[Channel]) -> None:
    known = connections(PlayedTable(), SetClock(NOW), **senders)
    assert known.connected(organization(), settings()) == connected


def test_approved_templates_are_read_every_five_minutes_page_by_page() -> None:
    table, clock = PlayedTable(), SetClock(NOW)
    known = connections(table, clock)
    expected = {("reminder", "client", "nl"), ("review", "client", "nl")}
    assert known.whatsapp_templates(organization(), settings()) == expected
    assert known.whatsapp_templates(organization(), settings()) == expected
    assert len(table.queries) == 2
    clock.advance(minutes=5)
    known.whatsapp_templates(organization(), settings())
    assert len(table.queries) == 4


def test_without_a_whatsapp_sender_no_templates_are_read() -> None:
    table = PlayedTable()
    known = connections(table, SetClock(NOW), whatsapp="")
    assert known.whatsapp_templates(organization(), settings()) == frozenset()
    assert table.queries == []


def test_a_client_that_sends_to_people_never_repeats_a_call_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "x")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    made = (aws._session, aws.client, aws.sending_client)
    try:
        config = aws.sending_client("sesv2").meta.config
        assert config.retries["total_max_attempts"] == 1
        assert config.connect_timeout + config.read_timeout <= 10
        assert aws.client("sqs").meta.config.retries["total_max_attempts"] > 1
        assert aws.client("sqs") is aws.client("sqs")
    finally:
        for cached in made:
            cached.cache_clear()


def test_the_machines_clock_is_aware_and_its_ids_know_their_time() -> None:
    now = SystemClock().now()
    assert now.utcoffset() == timedelta(0)
    one, other = RandomIds().ulid(now), RandomIds().ulid(now)
    assert one != other
    assert abs(ulid_time(one) - now) < timedelta(seconds=1)
