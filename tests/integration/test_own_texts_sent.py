"""From the API to the provider: what an organization wrote is what its clients read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from carillon.adapters.providers.sns_sms import SnsSms
from carillon.adapters.providers.twilio_whatsapp import TwilioWhatsapp
from carillon.ports.delivery import Outcome, Outgoing
from tests.integration.account import Aws, activate, call, new_organization
from tests.integration.world import World, unwatch

ANNA = {
    "id": "anna",
    "first_name": "Anna",
    "phone": "+31612345678",
    "consents": {"service": {"sms": True, "whatsapp": True}},
}
BOOKING = {
    "client_id": "anna",
    "start": "2026-12-01T14:30:00",
    "duration_minutes": 45,
    "service": "Knippen",
    "status": "booked",
}
HX = "HX" + "c" * 32


@dataclass
class Salon:
    """An organization with one client; `read` is what reached her: text, and WhatsApp template."""

    world: World
    read: list[tuple[str, str | None]] = field(default_factory=list)

    def take(self, outgoing: Outgoing) -> Outcome:
        """Stand in for a provider."""
        self.read.append((outgoing.rendered.text, outgoing.rendered.content_sid))
        return Outcome("accepted", provider_id=f"id-{len(self.read)}")

    def book(self, **channels: Any) -> None:
        """Have bookings told on these channels, and book."""
        document = call("GET", "/v1/settings/rules").body["rules"]
        for rule in document:
            if (rule["key"], rule["audience"]) == ("appointment.booked.console", "client"):
                rule["channels"] = channels
        saved = call("PUT", "/v1/settings/rules", {"rules": document}, headers={"if-match": "*"})
        assert saved.status == 200, saved.body
        assert call("PUT", "/v1/appointments/42", BOOKING).status == 201
        self.world.settle()


@pytest.fixture
def salon(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> Iterator[Salon]:
    new_organization()
    activate()
    call("POST", "/v1/clients", ANNA)
    made = Salon(World(aws))
    for provider in (SnsSms, TwilioWhatsapp):
        monkeypatch.setattr(provider, "send", lambda _, outgoing: made.take(outgoing))
    yield made
    unwatch()


def write(key: str, channel: str, **text: Any) -> None:
    path = f"/v1/templates/{key}/client/{channel}/nl"
    assert call("PUT", path, text, headers={"if-match": "*"}).status in (200, 201)


def test_a_rule_sends_the_text_of_its_own_key(salon: Salon) -> None:
    write("own.short", "sms", body="Tot {{ appointment.weekday }}, {{ client.first_name }}")
    salon.book(sms={"enabled": True, "template": "own.short"})
    assert salon.read == [("Tot dinsdag, Anna", None)]


def test_the_rows_own_text_takes_the_place_of_the_built_in_one(salon: Salon) -> None:
    write("appointment.booked.console", "sms", body="Geboekt: {{ appointment.service }}")
    salon.book(sms={"enabled": True})
    assert salon.read == [("Geboekt: Knippen", None)]


def test_an_own_whatsapp_template_is_sent_by_its_id(salon: Salon) -> None:
    content = {"content_sid": HX, "variables": {"1": "client.first_name"}}
    write("own.hello", "whatsapp", body="Hoi {{ client.first_name }}", whatsapp=content)
    salon.book(whatsapp={"enabled": True, "template": "own.hello"})
    assert salon.read == [("Hoi Anna", HX)]
