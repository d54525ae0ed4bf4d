"""An organization's own senders in the local cloud: KMS, a Twilio subaccount, receipts by its token, a restart."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

from local.config import TWILIO_SUBACCOUNTS
from tests.e2e.running_cloud import REPOSITORY, RunningCloud, StartCloud

ACCOUNT, TOKEN = TWILIO_SUBACCOUNTS[0][:2]
NUMBER = "+15005550012"
WHATSAPP = {"account_sid": ACCOUNT, "auth_token": TOKEN, "sender": NUMBER}


def call(cloud: RunningCloud, method: str, path: str, status: int = 200, **content: Any) -> Any:
    headers = {"Authorization": f"Bearer {cloud.facts['api_key']}", **content.pop("headers", {})}
    answer = cloud.api.request(method, path, headers=headers, **content)
    assert answer.status_code == status, answer.text
    return answer


def approve_own_templates(cloud: RunningCloud) -> None:
    """Run the command of the operators against the local cloud."""
    environment = {
        "PATH": os.environ["PATH"],
        "AWS_ENDPOINT_URL": cloud.facts["aws_endpoints"]["default"],
        "AWS_DEFAULT_REGION": cloud.facts["region"],
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
    }
    organization = call(cloud, "GET", "/v1/me").json()["organization"]["id"]
    twilio = cloud.facts["aws_endpoints"]["twilio"]
    arguments = ["--table", "carillon-Table", "--org", organization, "--twilio-url", twilio]
    done = subprocess.run(
        [sys.executable, "tools/whatsapp_templates.py", *arguments],
        cwd=REPOSITORY,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def remind(cloud: RunningCloud, client: str) -> list[dict[str, Any]]:
    """Book for tomorrow, let the reminder of the day before go out, and give its message."""
    person = {"id": client, "first_name": "Anna", "phone": f"06123456{len(client):02}"}
    consents = {"consents": {"service": {"whatsapp": True}}}
    call(cloud, "POST", "/v1/clients", 201, json={**person, **consents})
    start = f"{cloud.now()[:8]}28T14:00:00"
    booking = {"client_id": client, "start": start, "duration_minutes": 30, "status": "booked"}
    call(cloud, "PUT", f"/v1/appointments/{client}", 201, json={**booking, "notify": False})
    cloud.tools.post("/clock", json={"now": f"{start[:10]}T09:00:00Z"})
    found = call(cloud, "GET", "/v1/messages", params={"client_id": client}).json()["items"]
    return [message for message in found if message["channel"] == "whatsapp"]


def test_an_own_whatsapp_number_sends_and_its_receipts_are_known_also_after_a_restart(start: StartCloud) -> None:
    cloud = start(probe=False, DEMO="1")
    wrong = call(cloud, "PUT", "/v1/channels/whatsapp", 422, json={**WHATSAPP, "auth_token": "wrong-token"})
    assert (wrong.json()["code"], wrong.json()["errors"][0]["pointer"]) == ("channel_refused", "/auth_token")
    made = call(cloud, "PUT", "/v1/channels/whatsapp", 201, json=WHATSAPP).json()
    assert (made["status"], made["sender"], made["secrets"]) == ("active", NUMBER, ["auth_token"])
    own = {"message_mode": {"mode": "own", "business_name": "Salon"}}
    call(cloud, "PUT", "/v1/settings", headers={"If-Match": "*"}, json=own)
    approve_own_templates(cloud)
    reminders = remind(cloud, "anna")
    assert {message["status"] for message in reminders} == {"delivered"}
    outbox = [each for each in cloud.tools.get("/outbox.json").json()["items"] if each["channel"] == "whatsapp"]
    assert {each["from"] for each in outbox if each["message_id"] in {each["id"] for each in reminders}} == {NUMBER}
    cloud.stop()

    again = start(probe=False, DEMO="1")
    checked = call(again, "POST", "/v1/channels/whatsapp/check").json()
    assert (checked["status"], checked["id"]) == ("active", made["id"])
    logs = b"".join(path.read_bytes() for path in (again.state_dir / "logs").iterdir())
    assert TOKEN.encode() not in logs
    call(again, "DELETE", "/v1/channels/whatsapp", 204)
    assert call(again, "GET", "/v1/settings").json()["message_mode"]["mode"] == "shared"
