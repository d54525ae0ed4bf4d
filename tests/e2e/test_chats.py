"""Telegram and Viber on the local cloud, over HTTP: linked, reminded, blocked, and what faults do to it."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.e2e.running_cloud import RunningCloud, start_cloud

NUMBERS = itertools.count(1)
CONNECTED = "You're connected: Salon Aurora will write to you here. Reply STOP and it ends."


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningCloud]:
    running = start_cloud(tmp_path_factory.mktemp("chats") / "local", probe=False)
    yield running
    running.stop()


class Salon:
    """An organization with both bots, whose bookings are told on one channel, and its client Anna."""

    def __init__(self, cloud: RunningCloud, channel: str) -> None:
        self.cloud, self.channel, self.booked, number = cloud, channel, 0, next(NUMBERS)
        self.token = {
            "telegram": f"{11020 + number}:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw",
            "viber": f"445da6az1-{number}",
        }
        self.person = {"telegram": str(4710 + number), "viber": f"u-Anna{number}="}[channel]
        operator = {"Authorization": f"Bearer {cloud.facts['operator_key']}"}
        organization = {"name": "Salon Aurora", "time_zone": "Europe/Amsterdam", "locale": "nl", "country": "NL"}
        made = cloud.api.post("/v1/organizations", headers=operator, json=organization)
        assert made.status_code == 201, made.text
        self.key = {"Authorization": f"Bearer {made.json()['api_key']['secret']}"}
        self.call("POST", "/v1/integrations/notifications/activate")
        stated = {
            "telegram": {"bot_token": self.token["telegram"]},
            "viber": {"auth_token": self.token["viber"], "name": "Salon Aurora"},
        }
        self.call("PUT", f"/v1/channels/{channel}", json=stated[channel])
        anna = {"id": "anna", "first_name": "Anna", "locale": "en", "consents": {"service": {"viber": True}}}
        self.call("POST", "/v1/clients", json=anna)
        rules = self.call("GET", "/v1/settings/rules").json()["rules"]
        for rule in rules:
            if (rule["key"], rule["audience"]) == ("appointment.booked.console", "client"):
                rule["channels"] = {channel: {"enabled": True}}
        self.call("PUT", "/v1/settings/rules", json={"rules": rules}, headers={"If-Match": "*"})

    def call(self, method: str, path: str, headers: dict[str, str] | None = None, **content: Any) -> httpx.Response:
        response = self.cloud.api.request(method, path, headers={**self.key, **(headers or {})}, **content)
        assert response.status_code < 400, f"{method} {path}: {response.status_code} {response.text}"
        return response

    def types(self, text: str, person: str | None = None) -> None:
        """Let Anna (or somebody else) write, open a link, or block the bot."""
        sent = {"channel": self.channel, "from": person or self.person, "text": text}
        answer = self.cloud.tools.post("/inbound", json=sent)
        assert answer.json() == {"status": 200}, answer.text

    def link(self) -> str:
        return str(self.call("POST", f"/v1/clients/anna/{self.channel}-links").json()["url"])

    def book(self) -> None:
        self.booked += 1
        day = f"{int(self.cloud.now()[:4]) + 1}-03-0{self.booked}"
        appointment = {"client_id": "anna", "start": f"{day}T14:30:00", "duration_minutes": 45, "status": "booked"}
        self.call("PUT", f"/v1/appointments/{self.booked}", json=appointment)
        self.cloud.advance("PT1M")

    def linked(self) -> bool:
        return bool(self.call("GET", "/v1/clients/anna").json()[f"{self.channel}_linked"])

    def read(self, person: str | None = None) -> list[str]:
        """What reached Anna (or somebody else)."""
        items = self.cloud.tools.get("/outbox.json").json()["items"]
        return [item["text"] for item in items if item["to"] == (person or self.person)]

    def statuses(self) -> list[tuple[str, str | None]]:
        items = self.call("GET", "/v1/messages", params={"channel": self.channel}).json()["items"]
        return [(item["status"], item["reason"]) for item in items]

    def fault(self, kind: str, **more: Any) -> None:
        fault = {"target": self.channel, "kind": kind, "count": 1, **more}
        assert self.cloud.tools.post("/faults", json=fault).status_code == 200


def connect(salon: Salon) -> None:
    salon.types(salon.link())
    if salon.channel == "viber":
        salon.types("hello")
    assert salon.linked()


def test_on_telegram_from_the_link_to_the_block(cloud: RunningCloud) -> None:
    salon = Salon(cloud, "telegram")
    url = salon.link()
    salon.types(url)
    salon.types(url, person="666")
    assert salon.read() == [CONNECTED]
    assert "used already" in salon.read("666")[0]
    salon.book()
    assert "14:30" in salon.read()[-1]
    assert salon.statuses() == [("sent", None)]
    salon.types("/block")
    assert not salon.linked()
    salon.book()
    assert len(salon.read()) == 2


def test_on_viber_from_the_link_to_seen(cloud: RunningCloud) -> None:
    salon = Salon(cloud, "viber")
    salon.types(salon.link())
    assert not salon.linked()
    salon.types("hello")
    assert salon.read()[-1] == CONNECTED
    salon.book()
    assert salon.statuses() == [("delivered", None)]
    salon.types("thanks!")
    assert salon.statuses() == [("read", None)]
    salon.types("/block")
    assert not salon.linked()


@pytest.mark.parametrize("channel", ["telegram", "viber"])
def test_a_message_whose_answer_was_lost_is_unknown_and_never_sent_again(cloud: RunningCloud, channel: str) -> None:
    salon = Salon(cloud, channel)
    connect(salon)
    before = len(salon.read())
    salon.fault("timeout_after")
    salon.book()
    cloud.advance("PT2H")
    assert len(salon.read()) == before + 1
    assert salon.statuses() == [("unknown", "provider_timeout")]


@pytest.mark.parametrize("channel", ["telegram", "viber"])
def test_a_throttled_message_goes_out_later_and_once(cloud: RunningCloud, channel: str) -> None:
    salon = Salon(cloud, channel)
    connect(salon)
    before = len(salon.read())
    salon.fault("throttle")
    salon.book()
    cloud.advance("PT10M")
    assert len(salon.read()) == before + 1
    assert salon.statuses()[0][0] in ("sent", "delivered")


@pytest.mark.parametrize(
    ("channel", "code", "reason", "linked"),
    [
        ("telegram", None, "blocked_by_recipient", False),
        ("telegram", "400 Bad Request: chat not found", "recipient_rejected", True),
        ("viber", 5, "recipient_rejected", True),
        ("viber", 11, "unreachable", True),
    ],
)
def test_a_refusal_has_its_reason_and_ends_the_link_only_where_the_person_did(
    cloud: RunningCloud, channel: str, code: object, reason: str, linked: bool
) -> None:
    salon = Salon(cloud, channel)
    connect(salon)
    salon.fault("reject", code=code)
    salon.book()
    assert salon.statuses() == [("failed", reason)]
    assert salon.linked() is linked


@pytest.mark.parametrize("channel", ["telegram", "viber"])
@pytest.mark.parametrize("kind", ["crash_after", "duplicate_delivery"])
def test_deaths_and_repeats_send_nothing_twice(
    cloud: RunningCloud, channel: str, kind: str, request: pytest.FixtureRequest
) -> None:
    salon = Salon(cloud, channel)
    request.addfinalizer(lambda: cloud.tools.delete("/faults"))
    if kind == "duplicate_delivery":
        salon.fault(kind, count=None)
    connect(salon)
    if kind == "crash_after":
        salon.fault(kind)
    before = len(salon.read())
    salon.book()
    cloud.advance("PT2H")
    assert len(salon.read()) == before + 1
    endings = {"crash_after": {"unknown"}, "duplicate_delivery": {"sent", "delivered"}}
    assert salon.statuses()[0][0] in endings[kind]


def test_bots_are_told_apart_from_strangers(cloud: RunningCloud) -> None:
    telegram, viber = Salon(cloud, "telegram"), Salon(cloud, "viber")
    url = cloud.facts["aws_endpoints"]["twilio"]
    stranger = httpx.post(f"{url}/bot{telegram.token['telegram']}/sendMessage", json={"chat_id": 99, "text": "hi"})
    assert (stranger.status_code, stranger.json()["description"]) == (400, "Bad Request: chat not found")
    message = {"receiver": "stranger", "sender": {"name": "Salon"}, "type": "text", "text": "hi"}
    headers = {"X-Viber-Auth-Token": viber.token["viber"]}
    assert httpx.post(f"{url}/pa/send_message", json=message, headers=headers).json()["status"] == 6
    unsigned = cloud.api.post("/callbacks/telegram/01M81P5J1C6A4RB9XC47EDJNB1", json={"update_id": 1})
    assert unsigned.status_code == 403
