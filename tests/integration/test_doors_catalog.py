"""The catalog over HTTP: everything there is, in four languages, with what is connected."""

import pytest

from carillon.domain.catalog import AUDIENCES, EVENT_ROWS, ROWS
from carillon.domain.channels import ALL
from carillon.domain.reasons import REASONS
from tests.integration.account import Aws, call, new_organization

pytestmark = pytest.mark.usefixtures("organization")


@pytest.fixture
def organization(aws: Aws) -> None:
    new_organization()
    aws.calls.clear()


def test_it_lists_every_row_audience_and_channel_in_the_organizations_language(aws: Aws) -> None:
    found = call("GET", "/v1/catalog")
    assert (found.status, found.body["locale"]) == (200, "nl")
    assert aws.calls == ["BatchGetItem"]
    assert [row["key"] for row in found.body["events"]] == [row.key for row in EVENT_ROWS]
    booked = found.body["events"][0]
    assert (booked["label"], booked["event"], booked["sources"]) == ("Online geboekt", "appointment.booked", ["widget"])
    assert booked["audiences"][0] == {"audience": "client", "label": "Klant", "default_channels": ["email"]}
    assert [each["audience"] for each in found.body["audiences"]] == list(AUDIENCES)
    assert [each["channel"] for each in found.body["channels"]] == list(ALL)
    assert [each["key"] for each in found.body["template_keys"]] == list(ROWS)
    assert {"name": "client.first_name", "list": False} in found.body["variables"]


def test_a_channel_that_is_not_connected_says_why() -> None:
    channels = {each["channel"]: each for each in call("GET", "/v1/catalog", query={"locale": "en"}).body["channels"]}
    assert {name for name, each in channels.items() if each["available"]} == {"email", "sms", "whatsapp"}
    assert (channels["viber"]["reason"], channels["viber"]["reason_label"]) == (
        "channel_not_connected",
        "The channel is not connected",
    )
    assert (channels["push"]["configurable"], channels["push"]["metered"]) == (False, False)
    assert (channels["sms"]["unit"], channels["viber"]["manual_templates"]) == ("part", False)


@pytest.mark.parametrize(
    ("asked", "locale", "client"),
    [
        ("en", "en", "Client"),
        ("nl-BE", "nl", "Klant"),
        ("pl", "pl", "Klient"),
        ("fr", "fr", "Client"),
        ("de", "en", ""),
    ],
)
def test_labels_come_in_the_language_asked_for_or_in_english(asked: str, locale: str, client: str) -> None:
    body = call("GET", "/v1/catalog", query={"locale": asked}).body
    assert body["locale"] == locale
    assert client in body["audiences"][0]["label"]


@pytest.mark.parametrize("locale", ["en", "nl", "pl", "fr"])
def test_everything_has_a_label_in_each_language(locale: str) -> None:
    body = call("GET", "/v1/catalog", query={"locale": locale}).body
    shown = body["events"] + body["audiences"] + body["channels"] + body["template_keys"] + body["reasons"]
    assert all(each["label"].strip() for each in shown)
    assert [each["reason"] for each in body["reasons"]] == list(REASONS)


def test_it_is_open_to_everybody_inside_also_while_inactive() -> None:
    for role in ("org_admin", "manager", "staff", "integration"):
        assert call("GET", "/v1/catalog", role=role).status == 200
    assert call("GET", "/v1/catalog", role="operator").status == 403


def test_a_locale_that_is_none_is_refused() -> None:
    assert call("GET", "/v1/catalog", query={"locale": "Klingon!"}).faults == {"/locale": "invalid_value"}
