"""Replies over WhatsApp, on the whole account: whose they are, what follows from them, and who may read them."""

import json
from base64 import b64encode
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import boto3
import pytest
from twilio.request_validator import RequestValidator

from carillon.adapters.dynamodb.content_templates import ContentTemplates
from carillon.adapters.dynamodb.table import Table
from carillon.adapters.providers.twilio_whatsapp import TwilioWhatsapp
from carillon.ports.delivery import Outcome, Outgoing
from carillon.ports.texts import StoredTemplate, Submitted
from carillon.services import sending
from functions.callbacks.app import lambda_handler as callbacks
from functions.run_jobs.app import lambda_handler as run_jobs
from tests.integration.account import REGION, Aws, Response, activate, call, event, new_organization
from tests.integration.world import DeathError, World, unwatch
from tests.logs import listening

PHONE, SHARED = "+31612345678", "+15550001111"
TOKEN, ACCOUNT = "shared-token", "AC" + "0" * 31 + "1"
PATH = "/callbacks/twilio/inbound"
BOOKED = "appointment.booked.console"


@pytest.fixture
def world(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """Two organizations that share the number and both have Anna as a client."""
    made = World(aws)
    boto3.client("secretsmanager", region_name=REGION).put_secret_value(
        SecretId=aws.environment["DEPLOYMENT_SECRET_ARN"],
        SecretString=json.dumps({"signing_key": "k" * 32, "twilio_account_sid": ACCOUNT, "twilio_auth_token": TOKEN}),
    )
    sent: list[Outgoing] = []
    monkeypatch.setattr(TwilioWhatsapp, "send", lambda _self, outgoing: made.twilio(outgoing))
    # moto's conditions don't hold between threads, and one queue message may lie in a batch twice.
    monkeypatch.setattr(sending, "ThreadPoolExecutor", lambda **_: ThreadPoolExecutor(1))
    # Nothing here depends on planning anew, which every saved document would start.
    monkeypatch.setattr(World, "_is_news", lambda _self, _image: False)
    made.answer = lambda outgoing: sent.append(outgoing) or Outcome("accepted", provider_id=f"SM{len(sent)}")  # type: ignore[func-returns-value]
    made.outgoing = sent  # type: ignore[attr-defined]
    table = Table(boto3.client("dynamodb", region_name=REGION), aws.environment["TABLE_NAME"])
    text = Submitted("n", "HX" + "a" * 32, "Dag {{1}}", {"1": "client.first_name"}, "approved")
    for key in (BOOKED, "reminder"):
        ContentTemplates(table, aws.clock, "@").put(StoredTemplate(key, "client", "nl", text))
    for org in ("aurora", "borealis"):
        new_organization(org)
        activate(org)
        furnish(org)
    yield made
    unwatch()


def furnish(org: str) -> None:
    rules = call("GET", "/v1/settings/rules", org=org)
    changed = [
        rule | {"channels": rule["channels"] | {"whatsapp": {"enabled": True}, "email": {"enabled": False}}}
        if rule["audience"] == "client"
        else rule
        for rule in rules.body["rules"]
    ]
    body = {"rules": changed}
    saved = call("PUT", "/v1/settings/rules", body, headers={"if-match": rules.headers["ETag"]}, org=org)
    assert saved.status == 200, saved.body
    person = {"id": "anna", "first_name": "Anna", "phone": PHONE, "consents": {"service": {"whatsapp": True}}}
    assert call("POST", "/v1/clients", person, org=org).status == 201


def book(world: World, org: str, name: str = "a1", start: str = "2026-12-01T14:30:00") -> None:
    booking = {"client_id": "anna", "start": start, "duration_minutes": 30, "status": "booked", "source": "console"}
    world.aws.clock.advance(timedelta(seconds=1))
    assert call("PUT", f"/v1/appointments/{name}", booking, org=org).status in (200, 201)
    world.settle()


def post(
    world: World,
    text: str,
    sid: str = "SM-in-1",
    *,
    sender: str = PHONE,
    signed_with: str | None = TOKEN,
    to: str = SHARED,
    more: Mapping[str, str] | None = None,
    encoded: bool = False,
) -> dict[str, Any]:
    form = {"MessageSid": sid, "Body": text, "From": f"whatsapp:{sender}", "To": f"whatsapp:{to}"}
    form |= {"AccountSid": ACCOUNT, "NumMedia": "0", "ProfileName": "", "WaId": sender[1:], **(more or {})}
    made = event("POST", PATH, urlencode(form))
    base = world.aws.environment["PUBLIC_BASE_URL"] or "https://api.example.com"
    made["headers"] = {"content-type": "application/x-www-form-urlencoded"}
    if signed_with is not None:
        made["headers"]["x-twilio-signature"] = RequestValidator(signed_with).compute_signature(f"{base}{PATH}", form)
    if encoded:
        made |= {"body": b64encode(made["body"].encode()).decode(), "isBase64Encoded": True}
    return callbacks(made, None)


def inbound(org: str = "aurora", **query: str) -> Response:
    return call("GET", "/v1/inbound", query=query, org=org)


def client(org: str = "aurora") -> dict[str, Any]:
    return dict(call("GET", "/v1/clients/anna", org=org).body)


def history(org: str = "aurora") -> list[tuple[str, str, bool, str, str | None]]:
    found = call("GET", "/v1/clients/anna/consents", org=org).body["history"]
    kept = (each for each in found if each["channel"] == "whatsapp")
    return [(e["channel"], e["purpose"], e["granted"], e["source"], e["wording"]) for e in kept]


def test_a_reply_is_answered_with_empty_twiml_and_listed(world: World) -> None:
    book(world, "aurora")
    answer = post(world, "Tot dan!")
    assert (answer["statusCode"], answer["body"]) == (200, "<Response/>")
    assert answer["headers"]["content-type"] == "text/xml"
    (told,) = call("GET", "/v1/messages", query={"channel": "whatsapp"}).body["items"]
    (reply,) = inbound().body["items"]
    assert reply.pop("id")
    assert reply == {
        "channel": "whatsapp",
        "from": PHONE,
        "client_id": "anna",
        "text": "Tot dan!",
        "in_reply_to": told["id"],
        "record": "appointments/a1",
        "opt": None,
        "at": world.aws.clock.at.isoformat().replace("+00:00", "Z"),
    }


def test_a_reply_that_api_gateway_encoded_is_the_same_reply(world: World) -> None:
    book(world, "aurora")
    assert post(world, "Tot morgen!", encoded=True)["statusCode"] == 200
    assert [item["text"] for item in inbound().body["items"]] == ["Tot morgen!"]


@pytest.mark.parametrize("token", ["another-token", None])
def test_what_is_not_signed_by_the_account_is_refused_and_kept_nowhere(world: World, token: str | None) -> None:
    book(world, "aurora")
    refused = post(world, "STOP", signed_with=token)
    assert (refused["statusCode"], json.loads(refused["body"])["code"]) == (403, "signature_invalid")
    assert inbound().body["items"] == []
    assert client()["can_message"]["whatsapp"]


def test_a_reply_to_the_shared_number_is_for_whoever_wrote_last(world: World) -> None:
    book(world, "aurora")
    post(world, "to aurora", "SM-1")
    book(world, "borealis")
    post(world, "to borealis", "SM-2")
    book(world, "aurora", "a2", "2026-12-02T10:00:00")
    post(world, "to aurora again", "SM-3")
    assert [each["text"] for each in inbound("aurora").body["items"]] == ["to aurora again", "to aurora"]
    assert [each["text"] for each in inbound("borealis").body["items"]] == ["to borealis"]


def test_a_message_that_never_went_out_does_not_take_the_replies(world: World) -> None:
    book(world, "aurora")
    world.answer = lambda _: Outcome("permanent", reason="recipient_rejected", code="21211")
    book(world, "borealis")
    post(world, "STOP")
    assert [each["text"] for each in inbound("aurora").body["items"]] == ["STOP"]
    assert inbound("borealis").body["items"] == []
    assert client("borealis")["can_message"]["whatsapp"]


def test_somebody_nobody_wrote_to_is_kept_nowhere_and_counted_without_his_number(world: World) -> None:
    before = world.aws.items()
    with listening() as log:
        assert post(world, "hello", sender="+31699999999")["statusCode"] == 200
    assert world.aws.items() == before
    assert [(entry["message"], entry["result"]) for entry in log.entries] == [("reply", "nobody_wrote")]
    assert "31699999999" not in log.text
    assert "hello" not in log.text


def test_nothing_a_person_writes_is_logged(world: World) -> None:
    book(world, "aurora")
    with listening() as log:
        post(world, "my secret diagnosis")
    assert [entry["result"] for entry in log.entries] == ["stored"]
    assert "diagnosis" not in log.text
    assert PHONE[1:] not in log.text


def test_stop_ends_whatsapp_of_that_organization_and_says_so_once(world: World) -> None:
    book(world, "aurora")
    book(world, "borealis")
    for _ in range(2):
        post(world, "Stop please.", "SM-1")
    world.settle()
    assert not client("borealis")["can_message"]["whatsapp"]
    assert client("aurora")["can_message"]["whatsapp"]
    assert history("borealis")[-2:] == [
        ("whatsapp", "service", False, "whatsapp_reply", "Stop please."),
        ("whatsapp", "marketing", False, "whatsapp_reply", "Stop please."),
    ]
    texts = [text for channel, _, text in world.sent if channel == "whatsapp"]
    assert len(texts) == 3
    assert texts[-1].startswith("Je krijgt geen WhatsApp-berichten meer van")
    assert "START" in texts[-1]
    checks = call("GET", "/v1/clients/anna/diagnosis", org="borealis").body["checks"]
    assert [c["code"] for c in checks if c["check"] == "opt_out" and c["channel"] == "whatsapp"] == ["opted_out"]


def test_after_stop_the_next_message_is_suppressed_and_after_start_it_goes(world: World) -> None:
    book(world, "aurora")
    post(world, "STOP", "SM-1")
    book(world, "aurora", "a2", "2026-12-02T10:00:00")
    world.aws.clock.advance(timedelta(minutes=1))
    post(world, "START", "SM-2")
    book(world, "aurora", "a3", "2026-12-03T10:00:00")
    found = call("GET", "/v1/messages", query={"client_id": "anna"}).body["items"]
    told = {each["record"]: (each["status"], each["reason"]) for each in found if each["record"]}
    assert told == {
        "appointments/a1": ("sent", None),
        "appointments/a2": ("suppressed", "opted_out"),
        "appointments/a3": ("sent", None),
    }
    assert [each["key"] for each in found if each["record"] is None] == ["answer.opt_back", "answer.opt_out"]


def test_within_a_day_of_a_reply_free_text_goes_and_an_edited_text_counts(world: World) -> None:
    place = "/v1/templates/appointment.booked.console/client/whatsapp/nl"
    etag = call("GET", place).headers["ETag"]
    edited = {"body": "Hoi {{ client.first_name }}, tot {{ appointment.day }}!"}
    assert call("PUT", place, edited, headers={"if-match": etag}).status in (200, 201)
    book(world, "aurora")
    post(world, "Dank je")
    book(world, "aurora", "a2", "2026-12-02T10:00:00")
    world.aws.clock.advance(timedelta(hours=23, minutes=45))
    book(world, "aurora", "a3", "2026-12-03T10:00:00")
    outgoing: list[Outgoing] = world.outgoing  # type: ignore[attr-defined]
    forms = [(each.rendered.content_sid is None, each.rendered.text) for each in outgoing]
    assert not forms[0][0]
    assert forms[1][0]
    assert forms[1][1].startswith("Hoi Anna, tot ")
    assert not forms[2][0]


def test_the_window_spares_the_approved_template(world: World) -> None:
    book(world, "aurora")
    post(world, "Kan ik eerder?")
    for item in world.aws.items("@#WAT"):
        world.aws.table.delete_item(Key={"pk": item["pk"], "sk": item["sk"]})
    world.aws.clock.advance(timedelta(minutes=6))
    world.listen()
    book(world, "aurora", "a2", "2026-12-02T10:00:00")
    outgoing: list[Outgoing] = world.outgoing  # type: ignore[attr-defined]
    assert outgoing[-1].rendered.content_sid is None
    assert "Anna" in outgoing[-1].rendered.text


def test_who_is_inactive_sees_no_replies_and_who_may_not_neither(world: World) -> None:
    book(world, "aurora")
    post(world, "hi")
    assert call("GET", "/v1/inbound", role="staff").code == "role_not_allowed"
    for role in ("org_admin", "manager", "integration"):
        assert len(call("GET", "/v1/inbound", role=role).body["items"]) == 1
    call("POST", "/v1/integrations/notifications/deactivate")
    assert inbound().code == "notifications_inactive"


def test_the_list_is_paged_newest_first_and_filtered(world: World) -> None:
    book(world, "aurora")
    for number in range(5):
        post(world, f"reply {number}", f"SM-{number}")
        world.aws.clock.advance(timedelta(minutes=1))
    first = inbound(limit="2").body
    second = inbound(limit="2", cursor=first["next_cursor"]).body
    third = inbound(limit="2", cursor=second["next_cursor"]).body
    texts = [each["text"] for page in (first, second, third) for each in page["items"]]
    assert texts == [f"reply {number}" for number in (4, 3, 2, 1, 0)]
    assert third["next_cursor"] is None
    assert len(inbound(client_id="anna").body["items"]) == 5
    assert inbound(client_id="ben").body["items"] == []
    assert inbound(channel="sms").body["items"] == []
    assert len(inbound(channel="whatsapp", client_id="anna", limit="100").body["items"]) == 5


def test_replies_of_90_days_ago_are_gone_whether_or_not_dynamodb_has_deleted_them(world: World) -> None:
    book(world, "aurora")
    post(world, "old")
    world.aws.clock.advance(timedelta(days=90))
    assert inbound().body["items"] == []


def test_replies_follow_a_merged_client(world: World) -> None:
    book(world, "aurora")
    post(world, "hi")
    assert call("POST", "/v1/clients", {"id": "keep", "first_name": "Anna"}).status == 201
    assert call("POST", "/v1/clients/merge", {"keep": "keep", "remove": "anna"}).status == 200
    assert [each["text"] for each in inbound(client_id="keep").body["items"]] == ["hi"]
    post(world, "STOP", "SM-2")
    assert not call("GET", "/v1/clients/keep").body["can_message"]["whatsapp"]


@pytest.mark.parametrize(
    "more",
    [{"From": PHONE}, {"From": "whatsapp:someone"}, {"MessageSid": ""}, {"To": SHARED}, {"From": "messenger:1"}],
    ids=["sms", "no-phone", "no-id", "not-to-whatsapp", "messenger"],
)
def test_what_is_no_whatsapp_message_of_a_person_is_passed_over(world: World, more: dict[str, str]) -> None:
    book(world, "aurora")
    assert post(world, "STOP", more=more)["statusCode"] == 200
    assert inbound().body["items"] == []


def test_a_shared_message_costs_one_write_more_and_two_when_the_organization_changes(world: World) -> None:
    def updates(org: str, name: str) -> int:
        world.deaths.calls.clear()
        book(world, org, name)
        return world.deaths.calls.count("dynamodb.UpdateItem")

    first = updates("aurora", "a1")
    again = updates("aurora", "a2")
    other = updates("borealis", "a3")
    assert (first - again, other - again) == (1, 1)
    (row,) = world.aws.items("@#W#")
    assert (row["pk"], row["o"], row["po"]) == (f"@#W#{SHARED}#{PHONE}", "borealis", "aurora")


def test_a_death_anywhere_in_taking_stop_is_mended_when_twilio_brings_it_again(world: World) -> None:
    book(world, "aurora")
    at, died = 0, True
    while died:
        at, died = at + 1, False
        world.deaths.calls.clear()
        world.deaths.at = at
        try:
            post(world, "STOP", f"SM-{at}")
        except DeathError:
            died = True
        world.deaths.at = 0
        world.listen()
        assert post(world, "STOP", f"SM-{at}")["statusCode"] == 200
        assert not client()["can_message"]["whatsapp"], at
        answers = [item for item in world.messages() if item["key"] == "answer.opt_out"]
        assert len(answers) == at, at
        assert post(world, "START", f"SM-{at}-back")["statusCode"] == 200
        assert client()["can_message"]["whatsapp"], at
    assert at > 8
    world.settle()
    told = [text for _, _, text in world.sent if text.startswith("Je krijgt geen")]
    assert len(told) == at


def test_what_a_dead_taker_left_is_done_by_the_sweep(world: World) -> None:
    def unsettled() -> list[str]:
        return [item["id"] for item in world.aws.items("aurora#IN#") if "pk3" in item]

    book(world, "aurora")
    at = 0
    while not unsettled():
        at += 1
        world.deaths.calls.clear()
        world.deaths.at = at
        with pytest.raises(DeathError):
            post(world, "STOP", f"SM-{at}")
    world.deaths.at = 0
    world.listen()
    assert client()["can_message"]["whatsapp"]
    world.aws.clock.advance(timedelta(minutes=2))
    sweep = {"messageId": "1", "body": json.dumps({"kind": "sweep", "o": "aurora"})}
    assert run_jobs({"Records": [sweep]}, None) == {"batchItemFailures": []}
    assert not client()["can_message"]["whatsapp"]
    assert unsettled() == []
