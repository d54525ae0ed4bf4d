"""Push to devices and SMS over End User Messaging, from the API to what the providers got, in a local cloud."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.e2e.running_cloud import RunningCloud, start_cloud

SERVICE_JSON = json.dumps(
    {
        "type": "service_account",
        "project_id": "aurora",
        "private_key": "-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----\n",
        "client_email": "push@aurora.example",
    },
    indent=1,
)
APNS = {
    "signing_key": "-----BEGIN PRIVATE KEY-----\nMIGTAgEA\n-----END PRIVATE KEY-----",
    "key_id": "ABCDE12345",
    "team_id": "TEAM123456",
    "bundle_id": "com.example.aurora",
}
REACHED, UNREACHED, SILENT = "+31612340001", "+31612340002", "+31612340005"


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningCloud]:
    made = start_cloud(tmp_path_factory.mktemp("eum") / "local", probe=False, SMS_BACKEND="eum")
    operator = {"Authorization": f"Bearer {made.facts['operator_key']}"}
    stated = {"id": "aurora", "name": "Aurora", "time_zone": "Europe/Amsterdam", "locale": "nl", "country": "NL"}
    answer = made.api.post("/v1/organizations", json=stated, headers=operator).json()
    made.api.headers["Authorization"] = f"Bearer {answer['api_key']['secret']}"
    made.api.post("/v1/integrations/notifications/activate")
    yield made
    made.stop()


def put(cloud: RunningCloud, path: str, body: Any) -> dict[str, Any]:
    answer = cloud.api.put(path, json=body)
    assert answer.status_code in (200, 201), answer.text
    found: dict[str, Any] = answer.json()
    return found


def book(cloud: RunningCloud, client: str, **of_client: Any) -> None:
    """Make a client and book him for the day after tomorrow, so that one reminder is due tomorrow evening."""
    put(cloud, f"/v1/clients/{client}", {"first_name": client.title(), **of_client})
    start = datetime.fromisoformat(cloud.now()) + timedelta(days=2)
    booking = {"client_id": client, "start": start.strftime("%Y-%m-%dT14:30:00"), "duration_minutes": 30}
    put(cloud, f"/v1/appointments/{client}", {**booking, "status": "booked"})


def sent(cloud: RunningCloud, channel: str) -> list[dict[str, Any]]:
    items = cloud.tools.get("/outbox.json").json()["items"]
    return [item for item in items if item["channel"] == channel]


def messages(cloud: RunningCloud, client: str) -> dict[tuple[str, str], tuple[str, str | None]]:
    items = cloud.api.get("/v1/messages", params={"client_id": client}).json()["items"]
    return {(item["channel"], item["key"]): (item["status"], item["reason"]) for item in items}


@pytest.fixture(scope="module")
def story(cloud: RunningCloud) -> RunningCloud:
    """Anna has three devices, the others a phone each; all have had their confirmation and their reminder."""
    put(cloud, "/v1/channels/push", {"fcm": {"service_json": SERVICE_JSON}, "apns": APNS})
    put(cloud, "/v1/clients/anna", {"first_name": "Anna"})
    for name, platform, token in (
        ("pixel", "fcm", "token-of-the-pixel"),
        ("iphone", "apns", "abcdef0123456789"),
        ("old", "fcm", "expired-token-of-an-old-phone"),
    ):
        put(cloud, f"/v1/clients/anna/devices/{name}", {"platform": platform, "token": token})
    book(cloud, "anna")
    for client, phone in (("reached", REACHED), ("unreached", UNREACHED), ("silent", SILENT)):
        book(cloud, client, phone=phone, consents={"service": {"sms": True}})
    cloud.advance("PT1M")
    cloud.advance("PT42H")
    return cloud


def test_push_reaches_every_device_and_one_that_expired_leaves(story: RunningCloud) -> None:
    got: dict[str, list[str]] = {}
    for item in sent(story, "push"):
        got.setdefault(item["to"], []).append(item["subject"])
    assert got["token-of-the-pixel"] == got["abcdef0123456789"]
    assert got["token-of-the-pixel"][0] == "Afspraak bevestigd"
    assert len(got["token-of-the-pixel"]) >= 2
    assert got["expired-token-of-an-old-phone"] == ["Afspraak bevestigd"]
    known = messages(story, "anna")
    assert known["push", "appointment.booked.console"] == ("sent", None)
    assert known["push", "reminder.day_before"] == ("sent", None)
    assert None not in {item["message_id"] for item in sent(story, "push")}


def test_sms_over_end_user_messaging_ends_as_the_carrier_says(story: RunningCloud) -> None:
    assert {item["provider"] for item in sent(story, "sms")} == {"eum"}
    reminder = ("sms", "reminder.day_before")
    assert messages(story, "reached")[reminder] == ("delivered", None)
    assert messages(story, "unreached")[reminder] == ("failed", "unreachable")
    assert messages(story, "silent")[reminder] == ("sent", None)


def test_stop_by_sms_is_heeded(story: RunningCloud) -> None:
    reply = {"channel": "sms", "from": REACHED, "text": "stop please"}
    assert story.tools.post("/inbound", json=reply).status_code == 200
    story.advance("PT1M")
    (item,) = story.api.get("/v1/inbound").json()["items"]
    assert (item["channel"], item["client_id"], item["opt"]) == ("sms", "reached", "out")
    assert story.api.get("/v1/clients/reached").json()["can_message"]["sms"] is False


def test_an_sms_whose_answer_was_lost_is_closed_by_its_event(cloud: RunningCloud) -> None:
    book(cloud, "mia", phone="+31612349002", consents={"service": {"sms": True}})
    cloud.tools.post("/faults", json={"target": "sns", "kind": "timeout_after", "rate": 1, "count": 1})
    cloud.advance("PT42H")
    cloud.tools.delete("/faults")
    # The answer was lost, and the event names the message.
    assert messages(cloud, "mia")["sms", "reminder.day_before"] == ("delivered", None)
    assert len([item for item in sent(cloud, "sms") if item["to"] == "+31612349002" and "morgen" in item["text"]]) == 1
