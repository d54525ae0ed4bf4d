"""A number that organizations share: who notes himself, and whose a reply is when the last message never arrived."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from carillon.domain.messages import Message, MessageKey
from carillon.domain.own_channels import OwnSender
from carillon.ports.delivery import Outgoing, Rendered
from carillon.services.shared_numbers import REMEMBERED, Routing, SharedNumber
from tests.builders import NOW, client, event_occasion, message, organization, settings
from tests.doubles import SetClock
from tests.fake_messages import MemoryMessages
from tests.fakes import Account, MemoryReader
from tests.rig import Rig

NUMBER, PHONE = "+15550001111", "+31612345678"
KEY = MessageKey("c:anna", "d1")


@dataclass
class MemoryLastWriters:
    """See the port `LastWriters`."""

    notes: list[tuple[str, str, str, MessageKey, datetime]] = field(default_factory=list)

    def note(self, sender: str, address: str, org_id: str, key: MessageKey, until: datetime) -> None:
        self.notes.append((sender, address, org_id, key, until))

    def of(self, sender: str, address: str) -> list[tuple[str, MessageKey]]:
        latest = [(o, key) for s, a, o, key, _ in reversed(self.notes) if (s, a) == (sender, address)]
        return list(dict(reversed(latest)).items())[::-1][:2] if latest else []


def outgoing(org_id: str = "aurora", **changes: Any) -> Outgoing:
    basis: dict[str, Any] = {
        "org_id": org_id,
        "message_id": "m1",
        "to": PHONE,
        "rendered": Rendered("Hi"),
        "token": "t",
        "valid_seconds": 60,
        "sender_name": "Salon",
    }
    return Outgoing(**(basis | changes))


def test_a_message_from_the_shared_number_notes_who_wrote_to_whom() -> None:
    writers = MemoryLastWriters()
    SharedNumber(NUMBER, writers).announce(outgoing(), KEY, NOW)
    assert writers.notes == [(NUMBER, PHONE, "aurora", KEY, NOW + REMEMBERED)]


@pytest.mark.parametrize(
    "changes", [{"own": OwnSender("+48700000000")}, {"org_id": "aurora~test"}], ids=["own number", "test data"]
)
def test_nothing_else_is_noted(changes: dict[str, Any]) -> None:
    writers = MemoryLastWriters()
    SharedNumber(NUMBER, writers).announce(outgoing(**changes), KEY, NOW)
    assert writers.notes == []


def test_a_message_notes_itself_before_it_is_claimed_and_one_that_is_not_sent_does_not() -> None:
    rig, writers = Rig(), MemoryLastWriters()
    rig.put(notify=False)
    rig.follow("anna")
    rig.fire("day_before")
    waiting = rig.take("whatsapp")
    sender = replace(rig.sender("whatsapp"), shared=SharedNumber(NUMBER, rig.line.watch(writers)))
    calls = len(rig.line.calls)
    sender.send(waiting)
    order = [name for name in rig.line.calls[calls:] if name in ("note", "claim", "send")]
    assert order == ["note", "claim", "send"]
    sender.send(waiting)
    assert len(writers.notes) == 1


class Scene:
    """Two organizations with Anna as a client, and what each has sent her."""

    def __init__(self) -> None:
        self.account = Account(
            organizations={o: organization(id=o) for o in ("first", "second")},
            settings={o: settings() for o in ("first", "second")},
            clients={(o, "anna"): client() for o in ("first", "second")},
        )
        self.writers = MemoryLastWriters()
        self.clock = SetClock(NOW)
        self.made = 0

    def wrote(self, org: str, status: str = "delivered", recipient: str = "c:anna") -> Message:
        self.made += 1
        self.clock.advance(minutes=1)
        made = message(
            event_occasion(version=self.made),
            "whatsapp",
            recipient,
            id=f"01J{self.made:023d}",
            status=status,
            created_at=self.clock.at,
        )
        self.account.messages[org, made.key] = made
        self.writers.note(NUMBER, PHONE, org, made.key, self.clock.at + timedelta(days=1))
        return made

    def answered(self) -> str | None:
        reader, messages = MemoryReader(self.account), MemoryMessages(self.account)
        return Routing("whatsapp", self.writers, reader, messages, self.clock).of(NUMBER, PHONE)


def test_a_note_that_outlived_its_message_still_counts() -> None:
    scene = Scene()
    scene.wrote("first")
    scene.wrote("second")
    scene.account.messages.clear()
    assert scene.answered() == "second"


def test_nobody_wrote() -> None:
    assert Scene().answered() is None


@pytest.mark.parametrize("status", ["sending", "sent", "delivered", "read", "unknown"])
def test_whoever_wrote_last_is_answered(status: str) -> None:
    scene = Scene()
    scene.wrote("first")
    scene.wrote("second", status)
    assert scene.answered() == "second"


@pytest.mark.parametrize("status", ["queued", "failed", "suppressed", "expired"])
def test_a_message_that_never_arrived_leaves_the_answer_to_the_one_before(status: str) -> None:
    scene = Scene()
    scene.wrote("first")
    scene.wrote("second", status)
    assert scene.answered() == "first"


def test_an_organization_whose_last_message_failed_is_answered_for_the_one_before_if_that_was_the_latest() -> None:
    scene = Scene()
    scene.wrote("first")
    scene.wrote("second")
    scene.wrote("second", "failed")
    assert scene.answered() == "second"


def test_the_only_one_who_ever_wrote_is_answered_whatever_became_of_it() -> None:
    scene = Scene()
    scene.wrote("first", "failed")
    assert scene.answered() == "first"


def test_messages_to_staff_count_by_their_own_note() -> None:
    scene = Scene()
    scene.wrote("first", recipient="s:s1")
    scene.wrote("second", "failed", recipient="s:s1")
    assert scene.answered() == "first"
