"""Test data: nothing leaves, and the address says what would have happened."""

from __future__ import annotations

import pytest

from carillon.adapters.providers.simulated import ExceptTestData
from carillon.domain.simulation import Simulated, simulate
from carillon.ports.delivery import Outcome, Outgoing, Rendered


class Real:
    def __init__(self) -> None:
        self.sent: list[str] = []

    def send(self, outgoing: Outgoing) -> Outcome:
        self.sent.append(outgoing.to)
        return Outcome("accepted", provider_id="real")


def outgoing(org_id: str, to: str, attempt: int = 1) -> Outgoing:
    return Outgoing(
        org_id=org_id,
        message_id="m1",
        to=to,
        rendered=Rendered("text"),
        token="token",
        valid_seconds=60,
        sender_name="Salon",
        attempt=attempt,
    )


def test_test_data_never_reaches_the_provider_and_live_data_always_does() -> None:
    real = Real()
    provider = ExceptTestData(real)
    played = provider.send(outgoing("salon~test", "+31612340001"))
    assert (played.kind, played.receipt, real.sent) == ("accepted", "delivered", [])
    assert provider.send(outgoing("salon", "+31612340002")).provider_id == "real"
    assert real.sent == ["+31612340002"]


@pytest.mark.parametrize(
    ("to", "ending"),
    [
        ("+31612340001", Simulated("accepted", receipt="delivered")),
        ("+31612340002", Simulated("permanent", "recipient_rejected")),
        ("+31612340004", Simulated("unknown", "provider_timeout")),
        ("+31612345678", Simulated("accepted", receipt="delivered")),
        ("delivered@example.com", Simulated("accepted", receipt="delivered")),
        ("Bounced@Example.com", Simulated("accepted", "recipient_rejected", "failed")),
        ("anna@example.org", Simulated("accepted", receipt="delivered")),
    ],
)
def test_the_address_tells_the_ending(to: str, ending: Simulated) -> None:
    assert simulate(to, 1) == ending


@pytest.mark.parametrize("to", ["+31612340003", "retried@example.com"])
def test_some_fail_twice_and_then_deliver(to: str) -> None:
    assert [simulate(to, attempt).kind for attempt in (1, 2, 3)] == ["retry", "retry", "accepted"]
