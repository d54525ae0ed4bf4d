"""What the sweep finds of messages that wait: a lost timer, a lost schedule, a holder that died."""

from datetime import timedelta
from typing import Any

import pytest

from carillon.domain.listing import Page
from carillon.domain.messages import LEASE
from carillon.domain.records import StoredRecord
from carillon.services.sweeping import PATIENCE, Sweep
from tests.builders import ORG
from tests.doubles import MemoryMarks
from tests.fake_messages import MemoryMessages
from tests.fakes import MemoryDueRows, MemoryReader, MemoryRecords
from tests.rig import Rig


class NoRecords(MemoryRecords):
    """None that the planner did not follow."""

    def page(self, *_: Any, **__: Any) -> Page[StoredRecord]:
        return Page([], None)


@pytest.fixture
def marks() -> MemoryMarks:
    return MemoryMarks()


def sweep(rig: Rig, marks: MemoryMarks) -> Any:
    account = rig.account
    return Sweep(
        reader=MemoryReader(account),
        records=NoRecords(account),
        due_rows=MemoryDueRows(account),
        messages=MemoryMessages(account),
        queues=rig.queues,
        marks=marks,
        fallback=rig.fallback(),
        clock=rig.clock,
    ).run(ORG)


def sent(**of_settings: Any) -> Rig:
    rig = Rig(**of_settings)
    rig.put(notify=False)
    rig.follow("anna")
    rig.fire("day_before")
    rig.deliver("whatsapp")
    return rig


def test_a_lost_timer_is_found_and_gives_the_next_channel_its_turn(marks: MemoryMarks) -> None:
    rig = sent(fallback_after="PT30M")
    rig.queues.waits.clear()
    for _ in range(3):
        rig.clock.advance(minutes=15)
        assert sweep(rig, marks).queued == (rig.clock.at >= (rig.only().fallback_at or rig.clock.at) + PATIENCE)
    rig.deliver("whatsapp")
    assert {each.channel: each.status for each in rig.account.found(ORG)} == {"whatsapp": "sent", "sms": "queued"}


def test_a_message_whose_receipt_came_is_looked_at_no_more(marks: MemoryMarks) -> None:
    rig = sent()
    rig.clock.advance(hours=3)
    assert sweep(rig, marks).queued == 0


def test_what_waits_for_the_morning_is_left_alone_until_its_turn_has_passed(marks: MemoryMarks) -> None:
    rig = Rig()
    rig.put(notify=False)
    rig.follow("anna")
    rig.fire("day_before")
    rig.queues.ready.clear()
    message = rig.only()
    turn = rig.clock.at + timedelta(hours=10)
    rig.account.messages[ORG, message.key] = type(message)(**{**vars(message), "not_before": turn})
    for hours in (3, 6):
        rig.clock.advance(hours=hours)
        assert sweep(rig, marks).queued == 0
    rig.clock.at = turn + PATIENCE
    assert sweep(rig, marks).queued == 1
    assert [ready.channel for ready in rig.queues.ready] == ["whatsapp"]


def test_a_holder_that_died_becomes_unknown_and_is_looked_up(marks: MemoryMarks) -> None:
    rig = Rig()
    rig.put(notify=False)
    rig.follow("anna")
    rig.fire("day_before")
    rig.provider.script = [RuntimeError("gone")]
    rig.deliver("whatsapp")
    rig.queues.ready.clear()
    rig.clock.at += LEASE + PATIENCE
    assert sweep(rig, marks).claims == 1
    assert rig.only().status == "unknown"
    rig.deliver("whatsapp")
    (look,) = rig.queues.ready
    assert look.at is not None
    rig.clock.at = look.at
    rig.deliver("whatsapp")
    assert len(rig.look_up.asked) == 1
    assert len(rig.provider.sent) == 1
