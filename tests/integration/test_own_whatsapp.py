"""WhatsApp from an organization's own number: chosen in the settings, sent with its account, reported by its token."""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from twilio.request_validator import RequestValidator

from carillon.adapters.dynamodb.content_templates import ContentTemplates
from carillon.adapters.dynamodb.table import Table
from carillon.adapters.providers.twilio_whatsapp import TwilioWhatsapp
from carillon.ports.delivery import Outcome, Outgoing
from carillon.ports.texts import StoredTemplate, Submitted
from functions.callbacks.app import lambda_handler as callbacks
from tests.integration.account import Aws, activate, call, event, new_organization
from tests.integration.world import World, unwatch
from tests.twilio_http import (
    NUMBER,
    OTHER,
    OTHER_NUMBER,
    OTHER_TOKEN,
    SUBACCOUNT,
    SUBACCOUNT_TOKEN,
    TwilioBehindHttp,
    twilio_behind_http,
)

WHATSAPP = {"account_sid": SUBACCOUNT, "auth_token": SUBACCOUNT_TOKEN, "sender": NUMBER}
OWN_MODE = {"message_mode": {"mode": "own", "business_name": "Salon Aurora"}}
SHARED_TOKEN = "shared-token"


@pytest.fixture
def http(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TwilioBehindHttp]:
    with twilio_behind_http(tmp_path, monkeypatch) as played:
        yield played


@pytest.fixture
def world(aws: Aws, http: TwilioBehindHttp, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:  # noqa: ARG001
    made = World(aws)
    secrets = aws_secret(aws)
    secrets["client"].put_secret_value(
        SecretId=secrets["arn"],
        SecretString=json.dumps(
            {"signing_key": "k" * 32, "twilio_account_sid": "AC" + "0" * 31 + "1", "twilio_auth_token": SHARED_TOKEN}
        ),
    )
    monkeypatch.setattr(TwilioWhatsapp, "send", lambda _self, outgoing: made.twilio(outgoing))
    new_organization()
    activate()
    yield made
    unwatch()


def aws_secret(aws: Aws) -> dict[str, Any]:
    import boto3  # noqa: PLC0415 - of the account that is mocked

    return {
        "client": boto3.client("secretsmanager", region_name="eu-central-1"),
        "arn": aws.environment["DEPLOYMENT_SECRET_ARN"],
    }


def save(body: dict[str, Any]) -> Any:
    return call("PUT", "/v1/settings", body, headers={"if-match": "*"})


def connect() -> None:
    assert call("PUT", "/v1/channels/whatsapp", WHATSAPP).body["status"] == "active"


def approve(world: World, owner: str, content_sid: str) -> None:
    """Have a sender's template for a booked appointment approved."""
    table = Table(_dynamodb(), world.aws.environment["TABLE_NAME"])
    text = Submitted("n", content_sid, "Dag {{1}}", {"1": "client.first_name"}, "approved")
    for key in ("appointment.booked.console", "appointment.booked"):
        ContentTemplates(table, world.aws.clock, owner).put(StoredTemplate(key, "client", "nl", text))


def _dynamodb() -> Any:
    import boto3  # noqa: PLC0415

    return boto3.client("dynamodb", region_name="eu-central-1")


def book(world: World) -> None:
    rules = call("GET", "/v1/settings/rules")
    changed = [
        rule | {"channels": rule["channels"] | {"whatsapp": {"enabled": True}, "email": {"enabled": False}}}
        if rule["audience"] == "client"
        else rule
        for rule in rules.body["rules"]
    ]
    saved = call("PUT", "/v1/settings/rules", {"rules": changed}, headers={"if-match": rules.headers["ETag"]})
    assert saved.status == 200, saved.body
    person = {"id": "anna", "first_name": "Anna", "phone": "0612345678", "consents": {"service": {"whatsapp": True}}}
    assert call("POST", "/v1/clients", person).status == 201
    booking = {"client_id": "anna", "start": "2026-12-01T14:30:00", "duration_minutes": 30, "status": "booked"}
    assert call("PUT", "/v1/appointments/a1", booking | {"source": "console"}).status == 201
    world.settle()


def messages(status: str | None = None) -> list[dict[str, Any]]:
    found = call("GET", "/v1/messages", query={"client_id": "anna"}).body["items"]
    return [each for each in found if status in (None, each["status"])]


@pytest.mark.usefixtures("world")
def test_own_mode_needs_a_connected_number_and_the_cards_show_it() -> None:
    refused = save(OWN_MODE)
    assert (refused.status, refused.code) == (409, "channel_not_connected")
    connect()
    assert card("whatsapp") == {"id": "whatsapp", "status": "active", "own": "active"}
    assert save(OWN_MODE).body["message_mode"] == OWN_MODE["message_mode"]
    assert card("whatsapp") == {"id": "whatsapp", "status": "active", "own": "active"}


@pytest.mark.usefixtures("world")
def test_a_number_that_is_not_online_is_no_sender_to_choose(http: TwilioBehindHttp) -> None:
    assert http.requests == []
    offline = WHATSAPP | {"sender": "+15005550022"}
    assert call("PUT", "/v1/channels/whatsapp", offline).body["status"] == "pending"
    assert save(OWN_MODE).code == "channel_not_connected"
    assert card("whatsapp") == {"id": "whatsapp", "status": "active", "own": "pending"}


@pytest.mark.usefixtures("world")
def test_a_number_that_went_offline_is_an_error_and_the_other_settings_can_still_be_saved(
    http: TwilioBehindHttp,
) -> None:
    connect()
    save(OWN_MODE)
    account = http.twilio.accounts._known[SUBACCOUNT]
    object.__setattr__(account, "numbers", {NUMBER: "OFFLINE"})
    assert call("POST", "/v1/channels/whatsapp/check").body["status"] == "pending"
    assert card("whatsapp") == {"id": "whatsapp", "status": "error", "own": "pending"}
    assert save({"retention_days": 60}).status == 200
    listed = {each["channel"]: each["available"] for each in call("GET", "/v1/catalog").body["channels"]}
    assert listed["whatsapp"] is False


@pytest.mark.usefixtures("http")
def test_a_number_given_up_between_the_check_and_the_save_is_not_chosen(aws: Aws) -> None:
    new_organization()
    connect()
    answers: list[int] = []
    aws.just_before("TransactWriteItems", lambda: answers.append(call("DELETE", "/v1/channels/whatsapp").status))
    refused = save(OWN_MODE)
    assert (refused.code, answers) == ("channel_not_connected", [204])
    assert call("GET", "/v1/settings").body["message_mode"] == {"mode": "shared"}


def test_giving_the_number_up_goes_back_to_the_shared_one_in_the_same_write(world: World) -> None:
    connect()
    save(OWN_MODE)
    approve(world, "aurora", "HX" + "a" * 32)
    assert call("DELETE", "/v1/channels/whatsapp").status == 204
    assert call("GET", "/v1/settings").body["message_mode"] == {"mode": "shared", "business_name": "Salon Aurora"}
    assert world.aws.items("aurora#WAT") == []
    told = [json.loads(each["doc"]) for each in world.aws.items("aurora#AUD#")]
    assert [entry["what"] for entry in told if entry["what"] == "settings"] == ["settings", "settings"]


def test_a_message_goes_out_from_the_own_number_with_its_own_template(world: World) -> None:
    sent: list[Outgoing] = []
    world.answer = lambda outgoing: sent.append(outgoing) or Outcome("accepted", provider_id="SM1")  # type: ignore[func-returns-value]
    connect()
    save(OWN_MODE)
    approve(world, "@", "HX" + "b" * 32)
    approve(world, "aurora", "HX" + "a" * 32)
    book(world)
    (outgoing,) = sent
    assert outgoing.rendered.content_sid == "HX" + "a" * 32
    assert outgoing.own is not None
    assert (outgoing.own.sender, outgoing.own.secrets) == (NUMBER, {"auth_token": SUBACCOUNT_TOKEN})
    assert SUBACCOUNT_TOKEN not in repr(outgoing)


def test_in_shared_mode_a_connected_number_is_not_used(world: World) -> None:
    sent: list[Outgoing] = []
    world.answer = lambda outgoing: sent.append(outgoing) or Outcome("accepted", provider_id="SM1")  # type: ignore[func-returns-value]
    connect()
    approve(world, "@", "HX" + "b" * 32)
    approve(world, "aurora", "HX" + "a" * 32)
    book(world)
    assert [(each.own, each.rendered.content_sid) for each in sent] == [(None, "HX" + "b" * 32)]


def test_without_an_own_approved_template_nothing_is_sent_with_the_shared_one(world: World) -> None:
    connect()
    save(OWN_MODE)
    approve(world, "@", "HX" + "b" * 32)
    book(world)
    assert world.sent == []
    assert [each["reason"] for each in messages("suppressed")] == ["whatsapp_template_missing"]


def test_a_message_whose_sender_cannot_be_opened_waits_and_comes_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect()
    save(OWN_MODE)
    approve(world, "aurora", "HX" + "a" * 32)
    from carillon.adapters.vault import KmsVault  # noqa: PLC0415 - only this test breaks it

    opened = KmsVault.open
    broken = [True]

    def now_and_then(self: KmsVault, org_id: str, sealed: str) -> dict[str, str]:
        if broken and broken.pop():
            raise ConnectionError("KMS does not answer")
        return opened(self, org_id, sealed)

    monkeypatch.setattr(KmsVault, "open", now_and_then)
    book(world)
    assert [each["status"] for each in messages()] == ["sent"]
    assert len(world.sent) == 1


def callback(world: World, token: str, account: str, signed_with: str, status: str = "delivered") -> int:
    """Post a status callback of a message, as an account's, signed with a token."""
    (message,) = [each for each in world.aws.items("aurora#P#") if each["ty"] == "message"]
    assert message["st"] in ("sent", "delivered")
    form = {"MessageSid": "SM1", "MessageStatus": status, "AccountSid": account, "ErrorCode": ""}
    base = world.aws.environment["PUBLIC_BASE_URL"] or "https://api.example.com"
    url = f"{base}/callbacks/twilio/status?m={token}"
    signature = RequestValidator(signed_with).compute_signature(url, form)
    made = event("POST", "/callbacks/twilio/status", urlencode(form), query={"m": token})
    made["headers"] = {"x-twilio-signature": signature}
    return int(callbacks(made, None)["statusCode"])


def test_a_receipt_of_the_own_account_is_known_by_its_own_token_and_no_other(world: World) -> None:
    tokens: list[str] = []
    world.answer = lambda outgoing: tokens.append(outgoing.token) or Outcome("accepted", provider_id="SM1")  # type: ignore[func-returns-value]
    connect()
    save(OWN_MODE)
    approve(world, "aurora", "HX" + "a" * 32)
    book(world)
    (token,) = tokens
    assert callback(world, token, SUBACCOUNT, "another-token") == 403
    assert callback(world, token, OTHER, OTHER_TOKEN) == 403
    assert callback(world, token, OTHER, SUBACCOUNT_TOKEN) == 403
    assert callback(world, "forged", SUBACCOUNT, SUBACCOUNT_TOKEN) == 403
    assert [each["status"] for each in messages()] == ["sent"]
    assert callback(world, token, SUBACCOUNT, SUBACCOUNT_TOKEN) == 204
    assert [each["status"] for each in messages()] == ["delivered"]


def test_another_organizations_account_cannot_report_on_a_message(world: World) -> None:
    tokens: list[str] = []
    world.answer = lambda outgoing: tokens.append(outgoing.token) or Outcome("accepted", provider_id="SM1")  # type: ignore[func-returns-value]
    new_organization("borealis")
    other = {"account_sid": OTHER, "auth_token": OTHER_TOKEN, "sender": OTHER_NUMBER}
    assert call("PUT", "/v1/channels/whatsapp", other, org="borealis").status == 201
    connect()
    save(OWN_MODE)
    approve(world, "aurora", "HX" + "a" * 32)
    book(world)
    assert callback(world, tokens[0], OTHER, OTHER_TOKEN) == 403


def test_rotated_credentials_count_at_once_for_sending_and_for_receipts(world: World, http: TwilioBehindHttp) -> None:
    connect()
    save(OWN_MODE)
    approve(world, "aurora", "HX" + "a" * 32)
    sent: list[Outgoing] = []
    world.answer = lambda outgoing: sent.append(outgoing) or Outcome("accepted", provider_id="SM1")  # type: ignore[func-returns-value]
    account = http.twilio.accounts._known[SUBACCOUNT]
    object.__setattr__(account, "token", "rotated-token-of-aurora")
    assert call("PUT", "/v1/channels/whatsapp", WHATSAPP | {"auth_token": "rotated-token-of-aurora"}).status == 200
    world.aws.clock.advance(timedelta(seconds=1))
    book(world)
    assert [each.own.secrets for each in sent if each.own] == [{"auth_token": "rotated-token-of-aurora"}]
    assert callback(world, sent[0].token, SUBACCOUNT, SUBACCOUNT_TOKEN) == 403
    assert callback(world, sent[0].token, SUBACCOUNT, "rotated-token-of-aurora") == 204


def card(name: str) -> dict[str, Any]:
    (found,) = [each for each in call("GET", "/v1/integrations").body["items"] if each["id"] == name]
    return dict(found)


def reply(world: World, http: TwilioBehindHttp, text: str, signed_with: str, account: str = SUBACCOUNT) -> int:
    """Post what Anna wrote to the own number, where Twilio was told to bring it."""
    address, _, _ = str(http.twilio.accounts.inbound_url(NUMBER)).partition("#")
    channel_id = address.partition("?c=")[2]
    form = {"MessageSid": f"SM{text}", "AccountSid": account, "Body": text, "NumMedia": "0"}
    form |= {"From": "whatsapp:+31612345678", "To": f"whatsapp:{NUMBER}"}
    made = event("POST", "/callbacks/twilio/inbound", urlencode(form), query={"c": channel_id})
    base = world.aws.environment["PUBLIC_BASE_URL"] or "https://api.example.com"
    url = f"{base}/callbacks/twilio/inbound?c={channel_id}"
    made["headers"] = {"x-twilio-signature": RequestValidator(signed_with).compute_signature(url, form)}
    return int(callbacks(made, None)["statusCode"])


def test_a_reply_to_the_own_number_is_its_organizations_and_opens_that_numbers_window(
    world: World, http: TwilioBehindHttp
) -> None:
    sent: list[Outgoing] = []
    world.answer = lambda outgoing: sent.append(outgoing) or Outcome("accepted", provider_id="SM1")  # type: ignore[func-returns-value]
    connect()
    save(OWN_MODE)
    approve(world, "aurora", "HX" + "a" * 32)
    book(world)
    assert world.aws.items("@#W#") == []
    assert reply(world, http, "Hoi", "another-token") == 403
    assert reply(world, http, "Hoi", OTHER_TOKEN, OTHER) == 403
    assert reply(world, http, "Hoi", SUBACCOUNT_TOKEN) == 200
    (kept,) = call("GET", "/v1/inbound").body["items"]
    assert (kept["text"], kept["client_id"], kept["record"]) == ("Hoi", "anna", "appointments/a1")
    booking = {"client_id": "anna", "start": "2026-12-02T14:30:00", "duration_minutes": 30, "status": "booked"}
    assert call("PUT", "/v1/appointments/a2", booking | {"source": "console"}).status == 201
    world.settle()
    assert [each.rendered.content_sid is None for each in sent] == [False, True]
    assert save({"message_mode": {"mode": "shared"}}).status == 200
    assert (
        call("PUT", "/v1/appointments/a3", booking | {"start": "2026-12-03T14:30:00", "source": "console"}).status
        == 201
    )
    world.settle()
    assert [each["reason"] for each in messages("suppressed")] == ["whatsapp_template_missing"]
