"""Posted events from the API to the provider: stored in one write, written in the client's language, told once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from carillon.adapters.providers.ses import SesEmail
from carillon.adapters.providers.sns_sms import SnsSms
from carillon.ports.delivery import Outcome, Outgoing
from tests.integration.account import Aws, activate, call, new_organization
from tests.integration.world import World, unwatch

FIRST_COME = {
    "en": "Whoever books first gets it",
    "nl": "Wie het eerst boekt",
    "pl": "kolejność rezerwacji",
    "fr": "premier",
}


@dataclass
class Salon:
    """An organization with a client for each language; `read` is what reached them, by address."""

    world: World
    read: dict[str, list[str]] = field(default_factory=dict)

    def take(self, outgoing: Outgoing) -> Outcome:
        """Stand in for a provider."""
        self.read.setdefault(outgoing.to, []).append(outgoing.rendered.text)
        return Outcome("accepted", provider_id="p-1")


@pytest.fixture
def salon(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> Iterator[Salon]:
    new_organization()
    activate()
    for locale in FIRST_COME:
        person = {"id": locale, "locale": locale, "email": f"{locale}@example.com", "first_name": "Anna"}
        assert call("POST", "/v1/clients", person | {"consents": {"service": {"email": True}}}).status == 201
    made = Salon(World(aws))
    for provider in (SesEmail, SnsSms):
        monkeypatch.setattr(provider, "send", lambda _, outgoing: made.take(outgoing))
    yield made
    unwatch()


def post(role: str = "integration", headers: dict[str, str] | None = None, **stated: Any) -> Any:
    basis: dict[str, Any] = {
        "type": "appointment.earlier_slot",
        "client_ids": list(FIRST_COME),
        "data": {"start": "2026-12-01T14:30:00", "service": "Cut", "booking_url": "https://example.com/b/9"},
    }
    return call("POST", "/v1/events", basis | stated, role=role, headers=headers or {})


def test_each_client_reads_it_in_his_language_once(salon: Salon) -> None:
    answer = post()
    assert answer.status == 201
    assert (answer.body["type"], answer.body["client_ids"]) == ("appointment.earlier_slot", list(FIRST_COME))
    assert answer.body["data"]["service"] == "Cut"
    salon.world.settle()
    salon.world.settle()
    assert {address: len(texts) for address, texts in salon.read.items()} == {f"{n}@example.com": 1 for n in FIRST_COME}
    for locale, words in FIRST_COME.items():
        (text,) = salon.read[f"{locale}@example.com"]
        assert words.lower() in text.lower()
        assert "https://example.com/b/9" in text
        assert "Cut" in text
    shown = call("GET", "/v1/messages", query={"client_id": "en"}).body["items"]
    assert [(each["key"], each["status"], each["record"]) for each in shown] == [
        ("appointment.earlier_slot", "sent", None)
    ]


def test_a_repeated_call_posts_nothing_new(salon: Salon) -> None:
    first, second = (post(headers={"idempotency-key": "k"}) for _ in range(2))
    assert first.body == second.body
    salon.world.settle()
    assert {len(texts) for texts in salon.read.values()} == {1}
    assert post(headers={"idempotency-key": "k"}, type="slot.available").code == "idempotency_key_reused"


def test_whoever_is_unknown_is_named_and_nobody_is_told(salon: Salon) -> None:
    refused = post(client_ids=["en", "nobody", "nl", "never"])
    assert refused.status == 422
    assert [(each["pointer"], each["code"]) for each in refused.body["errors"]] == [
        ("/client_ids/1", "unknown_reference"),
        ("/client_ids/3", "unknown_reference"),
    ]
    assert post(client_ids=[]).status == 422
    assert post(client_ids=["en"] * 101).status == 422
    assert post(role="staff").code == "role_not_allowed"
    salon.world.settle()
    assert salon.read == {}


def test_an_event_of_ones_own_fills_its_own_text(salon: Salon) -> None:
    path = "/v1/templates/own.voucher/client/email/nl"
    text = {
        "subject": "Voor {{ client.first_name }}",
        "body": "Tegoed: {{ fields.amount }} bij {{ organization.name }}",
    }
    assert call("PUT", path, text).status == 201
    assert post(type="custom.voucher", client_ids=["nl"], data={"amount": 25}).status == 201
    salon.world.settle()
    (read,) = salon.read["nl@example.com"]
    assert read.startswith("Tegoed: 25 bij")


def test_the_sweep_brings_one_that_the_stream_never_told_of(salon: Salon, monkeypatch: pytest.MonkeyPatch) -> None:
    from functions.run_jobs import app  # noqa: PLC0415 - it reads the environment on first use

    monkeypatch.setattr(World, "_is_news", lambda *_: False)
    assert post(client_ids=["en"]).status == 201
    salon.world.settle()
    assert salon.read == {}
    app.sweep({"o": "aurora"})
    salon.world.settle()
    assert len(salon.read["en@example.com"]) == 1
    assert [item for item in salon.world.aws.items() if item.get("pk3", "").endswith("#S#posted")] == []
