"""The main job over HTTP: an organization, a client, an appointment; the clock moves; the reminders arrive."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.e2e.running_cloud import RunningCloud

ZONE = ZoneInfo("Europe/Amsterdam")
Call = Callable[..., Any]


@pytest.fixture(scope="module")
def organization(real_cloud: RunningCloud) -> Call:
    """Make an organization; answers what calls its API."""
    operator = {"Authorization": f"Bearer {real_cloud.facts['operator_key']}"}
    made = real_cloud.api.post(
        "/v1/organizations",
        headers=operator,
        json={"id": "e2e", "name": "Salon Aurora", "time_zone": str(ZONE), "locale": "nl", "country": "NL"},
    )
    assert made.status_code == 201, made.text
    key = {"Authorization": f"Bearer {made.json()['api_key']['secret']}"}

    def call(method: str, path: str, body: Any = None, status: int = 200) -> Any:
        response = real_cloud.api.request(method, path, headers=key, json=body)
        assert response.status_code == status, response.text
        return response.json() if response.content else None

    call("POST", "/v1/integrations/notifications/activate")
    return call


def client(call: Call, name: str, phone: str, **consents: bool) -> None:
    body = {
        "first_name": name,
        "last_name": "Test",
        "phone": phone,
        "email": f"{name.lower()}@example.org",
        "enrolled": True,
        "consents": {"service": consents},
    }
    call("PUT", f"/v1/clients/{name.lower()}", body, status=201)


def tomorrow_but_one(cloud: RunningCloud) -> datetime:
    """Find the start: 14:30 in two days, so that both reminders are still ahead."""
    today = datetime.fromisoformat(cloud.now()).astimezone(ZONE)
    return (today + timedelta(days=2)).replace(hour=14, minute=30, second=0, microsecond=0, tzinfo=None)


def appointment(client_id: str, start: datetime, status: str = "booked") -> dict[str, Any]:
    return {"client_id": client_id, "start": start.isoformat(), "duration_minutes": 45, "status": status}


def outbox(cloud: RunningCloud) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = cloud.tools.get("/outbox.json").json()["items"]
    return items


@pytest.mark.parametrize(
    ("name", "phone", "consents", "channel"),
    [
        ("Sanne", "+31612345601", {"whatsapp": True, "sms": True, "email": True}, "whatsapp"),
        ("Daan", "+31612345602", {"sms": True}, "sms"),
        ("Fleur", "+31612345603", {"email": True}, "email"),
    ],
)
def test_reminders_go_out_at_their_wall_time_on_the_first_channel_allowed(
    real_cloud: RunningCloud,
    organization: Call,
    name: str,
    phone: str,
    consents: dict[str, bool],
    channel: str,
) -> None:
    client(organization, name, phone, **consents)
    start = tomorrow_but_one(real_cloud)
    record = f"path-{name.lower()}"
    answer = organization("PUT", f"/v1/appointments/{record}", appointment(name.lower(), start), status=201)
    assert [reminder["key"] for reminder in answer["reminders"]] == ["day_before", "morning_of"]
    real_cloud.advance("P3D")
    messages = organization("GET", f"/v1/messages?record=appointments/{record}")["items"]
    sent = {m["id"]: m for m in messages if m["key"].startswith("reminder")}
    assert {m["channel"] for m in sent.values()} == {channel}
    assert {m["status"] for m in sent.values()} == {"sent" if channel == "sms" else "delivered"}
    items = [item for item in outbox(real_cloud) if item["message_id"] in sent]
    assert {item["to"] for item in items} == {phone if channel != "email" else f"{name.lower()}@example.org"}
    moments = [datetime.fromisoformat(item["at"]).astimezone(ZONE).replace(tzinfo=None) for item in items]
    expected = [(start - timedelta(days=1)).replace(hour=18, minute=0), start.replace(hour=8, minute=0)]
    late = [moment - due for moment, due in zip(moments, expected, strict=True)]
    assert all(timedelta(0) <= delay < timedelta(minutes=1) for delay in late)
    assert {item["organization_id"] for item in items} == {"e2e"}


def test_a_cancelled_appointment_reminds_nobody(real_cloud: RunningCloud, organization: Call) -> None:
    client(organization, "Bram", "+31612345604", email=True)
    start = tomorrow_but_one(real_cloud)
    organization("PUT", "/v1/appointments/off", appointment("bram", start), status=201)
    organization("PUT", "/v1/appointments/off", appointment("bram", start, "cancelled"))
    real_cloud.advance("P3D")
    states = {r["state"] for r in organization("GET", "/v1/reminders?record=appointments/off")["items"]}
    assert states <= {"cancelled"}
    keys = [m["key"] for m in organization("GET", "/v1/messages?record=appointments/off")["items"]]
    assert not [key for key in keys if key.startswith("reminder")]


def test_a_moved_appointment_is_reminded_of_at_its_new_time_only(real_cloud: RunningCloud, organization: Call) -> None:
    client(organization, "Noor", "+31612345605", sms=True)
    start = tomorrow_but_one(real_cloud)
    organization("PUT", "/v1/appointments/moved", appointment("noor", start), status=201)
    organization("PUT", "/v1/appointments/moved", appointment("noor", start + timedelta(days=3)))
    real_cloud.advance("P8D")
    reminders = organization("GET", "/v1/reminders?record=appointments/moved")["items"]
    fired = [r for r in reminders if r["state"] == "fired"]
    assert len(fired) == 2
    assert all(datetime.fromisoformat(r["at"]).astimezone(ZONE).replace(tzinfo=None) > start for r in fired)


def test_a_sender_that_dies_after_the_call_neither_loses_nor_doubles(
    real_cloud: RunningCloud, organization: Call
) -> None:
    client(organization, "Piotr", "+31612345606", email=True)
    fault = {"target": "ses", "kind": "crash_after", "rate": 1, "seed": 3, "count": 1}
    assert real_cloud.tools.post("/faults", json=fault).status_code == 200
    organization("PUT", "/v1/appointments/crash", appointment("piotr", tomorrow_but_one(real_cloud)), status=201)
    real_cloud.advance("P3D")
    real_cloud.tools.delete("/faults")
    items = [item for item in outbox(real_cloud) if item["to"] == "piotr@example.org"]
    ids = [item["message_id"] for item in items]
    assert len(ids) == len(set(ids)) == 3
    messages = organization("GET", "/v1/messages?record=appointments/crash")["items"]
    assert {m["id"] for m in messages if m["status"] != "suppressed"} == set(ids)


def test_the_outbox_page_is_served(real_cloud: RunningCloud) -> None:
    page = real_cloud.tools.get("/outbox")
    assert page.status_code == 200
    assert "<title>Outbox" in page.text


def test_a_browser_is_answered_for_the_origins_that_the_template_allows(real_cloud: RunningCloud) -> None:
    asked = {"Origin": "https://localhost", "Access-Control-Request-Method": "GET"}
    preflight = real_cloud.api.options("/v1/me", headers=asked)
    assert preflight.status_code == 204
    assert preflight.headers["access-control-allow-origin"] == "https://localhost"
    assert "authorization" in preflight.headers["access-control-allow-headers"]
    stranger = real_cloud.api.options("/v1/me", headers=asked | {"Origin": "https://example.com"})
    assert "access-control-allow-origin" not in stranger.headers
    health = real_cloud.api.get("/health", headers={"Origin": "https://localhost"})
    assert health.headers["access-control-expose-headers"] == "etag,link,x-next-cursor"
