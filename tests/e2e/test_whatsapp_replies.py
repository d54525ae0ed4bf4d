"""WhatsApp both ways on the local cloud, over HTTP: replies, STOP and START, the window, and a person who blocks."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.e2e.running_cloud import RunningCloud, start_cloud

NUMBERS = itertools.count(1)


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningCloud]:
    running = start_cloud(tmp_path_factory.mktemp("replies") / "local", probe=False)
    yield running
    running.stop()


class Salon:
    """An organization that tells of bookings over the shared WhatsApp number, and its client Anna."""

    def __init__(self, cloud: RunningCloud, phone: str | None = None) -> None:
        self.cloud, self.booked, number = cloud, 0, next(NUMBERS)
        self.phone = phone or f"+316120000{number:02d}"
        operator = {"Authorization": f"Bearer {cloud.facts['operator_key']}"}
        organization = {"name": f"Salon {number}", "time_zone": "Europe/Amsterdam", "locale": "en", "country": "NL"}
        made = cloud.api.post("/v1/organizations", headers=operator, json=organization)
        assert made.status_code == 201, made.text
        self.key = {"Authorization": f"Bearer {made.json()['api_key']['secret']}"}
        self.call("POST", "/v1/integrations/notifications/activate")
        consents = {"service": {"whatsapp": True}}
        self.call(
            "POST", "/v1/clients", json={"id": "anna", "first_name": "Anna", "phone": self.phone, "consents": consents}
        )
        rules = self.call("GET", "/v1/settings/rules").json()["rules"]
        for rule in rules:
            if (rule["key"], rule["audience"]) == ("appointment.booked.console", "client"):
                rule["channels"] = {"whatsapp": {"enabled": True}}
        self.call("PUT", "/v1/settings/rules", json={"rules": rules}, headers={"If-Match": "*"})

    def call(self, method: str, path: str, headers: dict[str, str] | None = None, **content: Any) -> httpx.Response:
        response = self.cloud.api.request(method, path, headers={**self.key, **(headers or {})}, **content)
        assert response.status_code < 400, f"{method} {path}: {response.status_code} {response.text}"
        return response

    def writes(self, text: str) -> None:
        """Let Anna write back."""
        sent = {"channel": "whatsapp", "from": self.phone, "text": text}
        answer = self.cloud.tools.post("/inbound", json=sent)
        assert answer.json() == {"status": 200}, answer.text
        self.cloud.advance("PT1M")

    def book(self) -> None:
        self.booked += 1
        day = f"{int(self.cloud.now()[:4]) + 1}-03-{self.booked:02d}"
        appointment = {"client_id": "anna", "start": f"{day}T14:30:00", "duration_minutes": 45, "status": "booked"}
        self.call("PUT", f"/v1/appointments/{self.booked}", json=appointment)
        self.cloud.advance("PT1M")

    def read(self) -> list[str]:
        """What reached Anna."""
        items = self.cloud.tools.get("/outbox.json").json()["items"]
        return [item["text"] for item in items if item["to"] == self.phone]

    def messages(self) -> list[tuple[str, str, str | None]]:
        items = self.call("GET", "/v1/messages", params={"client_id": "anna"}).json()["items"]
        return [(item["key"], item["status"], item["reason"]) for item in reversed(items)]

    def replies(self) -> list[dict[str, Any]]:
        return list(self.call("GET", "/v1/inbound").json()["items"])


def test_stop_is_confirmed_once_kept_as_proof_and_suppresses_what_follows_until_start(cloud: RunningCloud) -> None:
    salon = Salon(cloud)
    salon.book()
    salon.writes("Stop please")
    salon.book()
    assert salon.messages() == [
        ("appointment.booked.console", "delivered", None),
        ("answer.opt_out", "delivered", None),
        ("appointment.booked.console", "suppressed", "opted_out"),
    ]
    name = salon.call("GET", "/v1/settings").json()["name"]
    assert salon.read()[1].startswith(f"You will get no more WhatsApp messages from {name}.")
    consents = salon.call("GET", "/v1/clients/anna/consents").json()
    assert consents["opted_out"] == ["whatsapp"]
    last = consents["history"][-1]
    assert (last["source"], last["wording"], last["granted"]) == ("whatsapp_reply", "Stop please", False)
    checks = salon.call("GET", "/v1/clients/anna/diagnosis").json()["checks"]
    failing = [(c["check"], c["code"]) for c in checks if c["channel"] == "whatsapp" and not c["ok"]]
    assert ("opt_out", "opted_out") in failing
    salon.writes("START")
    salon.book()
    assert [key for key, status, _ in salon.messages() if status == "delivered"] == [
        "appointment.booked.console",
        "answer.opt_out",
        "answer.opt_back",
        "appointment.booked.console",
    ]
    assert [reply["opt"] for reply in salon.replies()] == ["back", "out"]


def test_a_reply_lets_free_text_through_for_a_day(cloud: RunningCloud) -> None:
    salon = Salon(cloud)
    place = "/v1/templates/appointment.booked.console/client/whatsapp/en"
    etag = salon.call("GET", place).headers["ETag"]
    salon.call("PUT", place, json={"body": "Edited for {{ client.first_name }}"}, headers={"If-Match": etag})
    salon.book()
    salon.writes("What should I bring?")
    salon.book()
    cloud.advance("PT24H")
    salon.book()
    texts = salon.read()
    assert texts[1] == "Edited for Anna"
    assert "Edited" not in texts[0]
    assert "Edited" not in texts[2]
    assert {status for _, status, _ in salon.messages()} == {"delivered"}
    (reply,) = salon.replies()
    assert (reply["text"], reply["client_id"], reply["record"]) == ("What should I bring?", "anna", "appointments/1")


def test_of_two_that_share_the_number_the_one_that_wrote_last_is_answered(cloud: RunningCloud) -> None:
    first = Salon(cloud)
    second = Salon(cloud, first.phone)
    first.book()
    second.book()
    first.writes("STOP")
    assert first.replies() == []
    assert [reply["opt"] for reply in second.replies()] == ["out"]
    first.book()
    second.book()
    assert [status for _, status, _ in first.messages()] == ["delivered", "delivered"]
    assert second.messages()[-1] == ("appointment.booked.console", "suppressed", "opted_out")


def test_a_person_who_blocks_the_number_has_opted_out(cloud: RunningCloud) -> None:
    salon = Salon(cloud)
    fault = {"target": "twilio", "kind": "reject", "code": "63014", "count": 1}
    assert cloud.tools.post("/faults", json=fault).status_code == 200
    salon.book()
    salon.book()
    assert [(status, reason) for _, status, reason in salon.messages()] == [
        ("failed", "blocked_by_recipient"),
        ("suppressed", "opted_out"),
    ]
    last = salon.call("GET", "/v1/clients/anna/consents").json()["history"][-1]
    assert (last["source"], last["wording"]) == ("twilio_63014", None)
