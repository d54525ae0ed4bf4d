"""Every AWS call of the main job, made for real on the local cloud, is one that the function's policy grants."""

from __future__ import annotations

import functools
import json
import os
import shutil
from collections import defaultdict
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from carillon.adapters.tokens import SignedLinks
from local.config import TWILIO_SUBACCOUNTS
from local.template import load
from tests.e2e.permissions import Need, is_granted, needs
from tests.e2e.running_cloud import REPOSITORY, RunningCloud, start_cloud
from tests.e2e.story_of_records import ask, buy, end_business, keep_business

SERVICE_ACCOUNT = {"type": "service_account", "project_id": "p", "private_key": "k" * 60, "client_email": "p@p.example"}
OWN_NUMBER = {"message_mode": {"mode": "own", "business_name": "Salon"}}
RECORDER = Path(__file__).parent / "fixtures" / "recorder" / "sitecustomize.py"
# What the story below makes work; a function that is silent would pass without being looked at.
EXERCISED = {
    "AuthorizerFunction",
    "BillingApiFunction",
    "SettlePaymentsFunction",
    "SettingsApiFunction",
    "ContactsApiFunction",
    "RecordsApiFunction",
    "MessagesApiFunction",
    "CallbacksFunction",
    "ClientPagesFunction",
    "PlanNotificationsFunction",
    "DispatchReminderFunction",
    "RecordDeliveryFunction",
    "RunJobsFunction",
    "SendEmailFunction",
    "SendPushFunction",
    "SendRecapFunction",
    "SendSmsFunction",
    "SendTelegramFunction",
    "SendViberFunction",
    "SendWhatsappFunction",
    "SweepFunction",
}


@pytest.fixture(scope="module")
def calls(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, set[Need]]:
    """Run the story once and answer what each function needed for it."""
    folder = tmp_path_factory.mktemp("recorder")
    shutil.copy(RECORDER, folder)
    code = os.pathsep.join(map(str, (folder, REPOSITORY, REPOSITORY / "layers" / "shared")))
    cloud = start_cloud(folder / "local", probe=False, DEMO="1", LOCAL_CODE=code)
    try:
        tell_the_story(cloud)
    finally:
        cloud.stop()
    needed: defaultdict[str, set[Need]] = defaultdict(set)
    for line in (folder / "calls.jsonl").read_text().splitlines():
        function, service, operation, parameters = json.loads(line)
        needed[function.rpartition("-")[2]] |= set(needs(service, operation, parameters))
    return needed


def tell_the_story(cloud: RunningCloud) -> None:
    """Everything that the main job does: organizations, settings, clients, appointments, reminders, receipts."""
    operator = {"Authorization": f"Bearer {cloud.facts['operator_key']}"}
    key = {"Authorization": f"Bearer {cloud.facts['api_key']}"}

    def call(method: str, path: str, headers: Mapping[str, str] = key, **content: Any) -> Any:
        response = cloud.api.request(method, path, headers=dict(headers), **content)
        assert response.status_code < 400, f"{method} {path}: {response.status_code} {response.text}"
        return response

    keep_organizations(call, operator)
    meter(call, operator)
    etag = call("GET", "/v1/settings").headers["etag"]
    call("PUT", "/v1/settings", {**key, "If-Match": etag}, json={"name": "Salon"})
    call("POST", "/v1/integrations/notifications/deactivate")
    call("POST", "/v1/integrations/notifications/activate", {**key, "Idempotency-Key": "twice"})
    have_own_number(call, key)
    client = {"first_name": "Jo", "last_name": "Berg", "email": "jo@example.com", "phone": "0612345699"}
    made = call("POST", "/v1/clients", {**key, "Idempotency-Key": "thrice"}, json=client).json()["id"]
    call("PATCH", f"/v1/clients/{made}", json={"phone": "0612345698", "last_name": "Bergen"})
    call("PUT", f"/v1/clients/{made}/consents", json={"service": {"email": True}, "source": "desk", "wording": "yes"})
    call("DELETE", f"/v1/clients/{made}/enrolment")
    call("POST", f"/v1/clients/{made}/enrolment")
    have_push(call, key, made)
    for sought in ({"q": "berg"}, {"phone": "0612345698"}):
        call("GET", "/v1/clients", params=sought)
    connect_mail(cloud, call, key)
    start = f"{cloud.now()[:8]}28T14:00:00"
    appointment = {"client_id": made, "start": start, "duration_minutes": 30, "status": "booked"}
    call("PUT", "/v1/appointments/one", json=appointment)
    call("PUT", "/v1/appointments/one", json={**appointment, "duration_minutes": 45})
    hear_of_mail(cloud, call, appointment)
    chat(cloud, call, key, {**appointment, "client_id": "chatty"})
    call("GET", "/v1/appointments")
    for about in ({}, {"client_id": made}):
        call("GET", "/v1/reminders", params=about)
    have_recaps(call, key)
    keep_business(cloud, call, key, made)
    write_by_hand(cloud, call, key, made)
    buy(cloud, call, key)
    ask(cloud, call)
    cloud.advance("PT30H")
    end_business(call, made)
    write_back(cloud, call)
    call("DELETE", "/v1/appointments/one")
    call("DELETE", f"/v1/clients/{made}", params={"force": "true"})
    call("DELETE", "/v1/channels/push")
    messages = call("GET", "/v1/messages").json()["items"]
    call("GET", f"/v1/messages/{messages[0]['id']}")
    for sought in ({"status": "failed"}, {"client_id": "client-01"}):
        call("GET", "/v1/messages", params=sought)
    cloud.advance("PT1H")


def have_own_number(call: Callable[..., Any], key: Mapping[str, str]) -> None:
    """A WhatsApp number of the organization's own, which it gives up again."""
    account, token = TWILIO_SUBACCOUNTS[0][:2]
    own = {"account_sid": account, "auth_token": token, "sender": "+15005550012"}
    call("PUT", "/v1/channels/whatsapp", json=own)
    call("POST", "/v1/channels/whatsapp/check", {**key, "Idempotency-Key": "checked"})
    call("GET", "/v1/channels")
    call("PUT", "/v1/settings", {**key, "If-Match": "*"}, json=OWN_NUMBER)
    call("DELETE", "/v1/channels/whatsapp")


def have_push(call: Callable[..., Any], key: Mapping[str, str], made: str) -> None:
    """Devices of a client, of which one is gone when it is written to."""
    call("PUT", "/v1/channels/push", json={"fcm": {"service_json": json.dumps(SERVICE_ACCOUNT)}})
    call("POST", "/v1/channels/push/check", {**key, "Idempotency-Key": "looked"})
    # Taken once, then gone: the sender takes it from the client and from SNS.
    call("PUT", f"/v1/clients/{made}/devices/phone", json={"platform": "fcm", "token": "expired-token"})
    call("PUT", f"/v1/clients/{made}/devices/tablet", json={"platform": "fcm", "token": "another-token"})


def have_recaps(call: Callable[..., Any], key: Mapping[str, str]) -> None:
    """A recap each for a collaborator and a manager, on every channel that could be listed, busy or not."""
    person = {"name": "Sara", "email": "sara@example.com", "mobile": "0612345697", "roles": ["collaborator", "manager"]}
    call("PUT", "/v1/staff/sara", json=person)
    recap = {"enabled": True, "at": "07:00", "channels": ["email", "sms", "whatsapp"]}
    told = {"recap": {"staff": recap, "managers": recap, "send_empty": True}}
    call("PUT", "/v1/settings", {**key, "If-Match": "*"}, json=told)


def write_by_hand(cloud: RunningCloud, call: Callable[..., Any], key: Mapping[str, str], made: str) -> None:
    """Somebody writes: with a file, to other addresses, by a template, and looks at it beforehand."""
    granted = {"service": {"email": True, "sms": True, "whatsapp": True}}
    call("PUT", f"/v1/clients/{made}/consents", json=granted)
    file = {"filename": "Żółć.txt", "content_type": "text/plain", "content_base64": "aGVsbG8="}
    mail = {"channel": "email", "client_id": made, "to": "other@example.com", "text": "Hello", "attachments": [file]}
    call("POST", "/v1/messages", {**key, "Idempotency-Key": "written"}, json=mail)
    for channel in ("sms", "whatsapp"):
        text = {"template": "reminder.day_before", "record": "appointments/one"}
        call("POST", "/v1/messages/preview", json={"channel": channel, "client_id": made, **text})
        call("POST", "/v1/messages", json={"channel": channel, "client_id": made, "to": "0612345690", **text})
    cloud.advance("PT1M")
    sent = [item for item in cloud.tools.get("/outbox.json").json()["items"] if item["to"] == "other@example.com"]
    assert [[each["filename"] for each in item["attachments"]] for item in sent] == [["Żółć.txt"]]


def write_back(cloud: RunningCloud, call: Callable[..., Any]) -> None:
    """Whoever was reminded over WhatsApp writes back, leaves, and returns."""
    items = cloud.tools.get("/outbox.json").json()["items"]
    phone = next(item["to"] for item in items if item["channel"] == "whatsapp")
    for text in ("hello", "STOP", "START"):
        answer = cloud.tools.post("/inbound", json={"channel": "whatsapp", "from": phone, "text": text})
        assert answer.json() == {"status": 200}, answer.text
    cloud.advance("PT1M")
    call("GET", "/v1/inbound", params={"client_id": "client-01"})
    assert [each["opt"] for each in call("GET", "/v1/inbound").json()["items"]][:3] == ["back", "out", None]


def chat(cloud: RunningCloud, call: Callable[..., Any], key: Mapping[str, str], appointment: Mapping[str, Any]) -> None:
    """Both bots from the link to the end: told there, seen, answered, and blocked as a message finds out."""
    bots = {
        "telegram": {"bot_token": "110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw"},
        "viber": {"auth_token": "445da6az1s345z78-dazcczb2542zv51a", "name": "Salon"},
    }

    def said(channel: str, text: str) -> None:
        answer = cloud.tools.post("/inbound", json={"channel": channel, "from": "4711", "text": text})
        assert answer.json() == {"status": 200}, answer.text

    rules = call("GET", "/v1/settings/rules").json()["rules"]
    for rule in rules:
        if (rule["key"], rule["audience"]) == ("appointment.booked.console", "client"):
            rule["channels"] |= {channel: {"enabled": True} for channel in bots}
    call("PUT", "/v1/settings/rules", {**key, "If-Match": "*"}, json={"rules": rules})
    call("PUT", "/v1/clients/chatty", json={"first_name": "Ada", "consents": {"service": {"viber": True}}})
    for channel, stated in bots.items():
        call("PUT", f"/v1/channels/{channel}", json=stated)
        call("POST", f"/v1/channels/{channel}/check")
        said(channel, call("POST", f"/v1/clients/chatty/{channel}-links").json()["url"])
        said(channel, "hello")
    call("PUT", "/v1/appointments/chat", json=appointment)
    cloud.advance("PT1M")
    for channel in bots:
        said(channel, "thanks")
        rejected = {"target": channel, "kind": "reject", "count": 2}
        assert cloud.tools.post("/faults", json=rejected).status_code == 200
    call("PUT", "/v1/appointments/chat2", json=appointment)
    cloud.advance("PT10M")
    linked = call("GET", "/v1/clients/chatty").json()
    assert not linked["telegram_linked"]
    assert not linked["viber_linked"]
    cloud.tools.delete("/faults")
    for channel in bots:
        call("DELETE", f"/v1/channels/{channel}")


def keep_organizations(call: Callable[..., Any], operator: Mapping[str, str]) -> None:
    """What the operator does."""
    organization = {"id": "second", "name": "Second", "time_zone": "Europe/Paris", "locale": "fr", "country": "FR"}
    call("POST", "/v1/organizations", {**operator, "Idempotency-Key": "once"}, json=organization)
    call("GET", "/v1/organizations", operator)
    call("PATCH", "/v1/organizations/second", operator, json={"suspended": True})
    call("DELETE", "/v1/organizations/second", operator)


def meter(call: Callable[..., Any], operator: Mapping[str, str]) -> None:
    """Everything is metered from here on, with more units than it takes."""
    place = f"/v1/organizations/{call('GET', '/v1/me').json()['organization']['id']}"
    metering = {"email": 1000, "sms": 1000, "whatsapp": 1000, "telegram": 1000, "viber": 1000}
    call("PATCH", place, operator, json={"metering": metering})
    credited = {"bucket": "email", "amount": 1000, "reason": "more"}
    call("POST", f"{place}/credits", {**operator, "Idempotency-Key": "more"}, json=credited)
    call("GET", "/v1/organizations/usage", operator)
    call("GET", "/v1/quota")
    call("GET", "/v1/quota/ledger")


def connect_mail(cloud: RunningCloud, call: Callable[..., Any], key: Mapping[str, str]) -> None:
    """The organization's own address, and two clients whose mail is reported about."""
    domain = call("PUT", "/v1/channels/email", json={"from_address": "hi@salon.example"}).json()
    cloud.tools.post("/dns", json={"records": domain["dns_records"]})
    call("POST", "/v1/channels/email/check")
    settings = {"email_sender": {"from": "organization"}}
    call("PUT", "/v1/settings", {**key, "If-Match": "*"}, json=settings)
    for name in ("bounce", "complaint"):
        person = {"first_name": name, "email": f"{name}@simulator.amazonses.com"}
        call("PUT", f"/v1/clients/{name}", json={**person, "consents": {"service": {"email": True}}})


def hear_of_mail(cloud: RunningCloud, call: Callable[..., Any], appointment: Mapping[str, Any]) -> None:
    """A bounce, a complaint, the ways back, and an unsubscribe link."""
    for name in ("bounce", "complaint"):
        call("PUT", f"/v1/appointments/{name}", json={**appointment, "client_id": name})
    cloud.advance("PT10M")
    call("PUT", "/v1/staff/late", json={"name": "Late", "email": "bounce@simulator.amazonses.com"})
    call("POST", "/v1/suppressions/lift", json={"address": "bounce@simulator.amazonses.com"})
    page = unsubscribing(cloud, appointment["client_id"])
    for choice in (None, {"List-Unsubscribe": "One-Click"}, {"choice": "all"}, {"choice": "back"}):
        answer = cloud.api.post(page, data=choice) if choice else cloud.api.get(page)
        assert answer.status_code == 200, answer.text
    call("DELETE", "/v1/channels/email")


def unsubscribing(cloud: RunningCloud, client_id: str) -> str:
    """Give the path behind a client's unsubscribe link, signed as the deployment signs it."""
    secrets = cloud.aws("secretsmanager")
    (found,) = (each["ARN"] for each in secrets.list_secrets()["SecretList"] if "Deployment" in each["Name"])
    kept = json.loads(secrets.get_secret_value(SecretId=found)["SecretString"])
    return SignedLinks(lambda: kept["signing_key"]).unsubscribe("salon-aurora", client_id)


@functools.cache
def template() -> Mapping[str, Any]:
    resources: Mapping[str, Any] = load(REPOSITORY / "template.yaml")["Resources"]
    return resources


@functools.cache
def statements(function: str) -> list[Mapping[str, Any]]:
    """The function's own policy, statement by statement."""
    role = template()[f"{function}Role"]["Properties"]
    return [statement for policy in role["Policies"] for statement in policy["PolicyDocument"]["Statement"]]


def test_every_function_of_the_story_was_looked_at(calls: Mapping[str, set[Need]]) -> None:
    assert EXERCISED - set(calls) == set()


def test_no_call_would_be_denied(calls: Mapping[str, set[Need]]) -> None:
    denied = [
        f"{function}: {need}"
        for function, needed in sorted(calls.items())
        for need in sorted(needed, key=str)
        if not is_granted(need, statements(function))
    ]
    assert denied == []
