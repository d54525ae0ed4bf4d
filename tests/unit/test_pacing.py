"""Pacing: little costs nothing, a burst costs a write per batch and waits, and no crash loses or doubles anything."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from carillon.adapters.dynamodb import keys
from carillon.adapters.dynamodb.rates import DynamoRates
from carillon.adapters.queues import waiting_from_data, waiting_to_data
from carillon.domain.messages import Message
from carillon.domain.rates import FREE, RATE_LIMITED, Used, micros, rate_of
from carillon.ports.queues import Ready
from carillon.services.pacing import Pace, PacedQueues
from carillon.services.storing import ready_alone
from carillon.services.waiting import hand_over
from tests.builders import NOW, ORG, message, reminder_occasion
from tests.doubles import MemoryQueues, SetClock
from tests.fake_messages import MemoryMessages
from tests.fakes import Account
from tests.faults import Died, Failed, Line, lines
from tests.memory_table import MemoryTable

DEADLINE = NOW + timedelta(hours=14)


class Desk:
    """Processes that hand over messages of stored reminders, before one table and one set of queues."""

    def __init__(self, per_second: float = 1, line: Line | None = None) -> None:
        self.calls: list[str] = []
        self.table = MemoryTable(lambda when: self.calls.append(when) if when == "before" else None)
        self.account, self.queues, self.clock = Account(), MemoryQueues(), SetClock(NOW)
        self.per_second, self.line = per_second, line or Line()
        self.errors: list[Exception] = []

    def process(self) -> PacedQueues:
        rate = rate_of(self.per_second)
        assert rate is not None
        pace = Pace(rate, self.line.watch(DynamoRates(self.table)), lambda _, error: self.errors.append(error))
        return PacedQueues(
            self.line.watch(self.queues), pace, self.line.watch(MemoryMessages(self.account)), self.clock
        )

    def stored(self, count: int, *, org_id: str = ORG, **changes: Any) -> list[Ready]:
        made = []
        for _ in range(count):
            number = len(self.account.messages)
            basis: dict[str, Any] = {"occasion": reminder_occasion(), "recipient": f"c:{number}", "deadline": DEADLINE}
            one = message(**basis | changes)
            assert MemoryMessages(self.account).create(org_id, one, retention_days=90)
            made.append(ready_alone(org_id, one))
        return made

    def again(self, batch: Sequence[Ready]) -> list[Ready]:
        """Name the messages of a batch as whoever repeats it reads them."""
        return [ready_alone(each.org_id, self.message(each)) for each in batch]

    def message(self, of: Ready) -> Message:
        return self.account.messages[of.org_id, of.key]

    def delays(self) -> list[int]:
        return [each.delay for each in self.queues.ready]


def test_what_a_process_sees_as_a_rule_costs_no_call_and_does_not_wait() -> None:
    desk = Desk(per_second=100)
    process = desk.process()
    for _ in range(20):
        hand_over(process, desk.stored(3), desk.clock.at)
        desk.clock.at += timedelta(seconds=5)
    assert desk.calls == []
    assert desk.table.items == {}
    assert desk.delays() == [0] * 60


def test_a_burst_costs_one_write_per_organization_and_batch() -> None:
    desk = Desk(per_second=100)
    process = desk.process()
    process.send_ready(desk.stored(FREE) + desk.stored(FREE, org_id="other"))
    assert desk.calls == []
    for _ in range(5):
        process.send_ready(desk.stored(10))
    # The first one of a lane that is unused is believed so; the others add.
    assert len(desk.calls) == 5
    process.send_ready(desk.stored(4) + desk.stored(6, org_id="other"))
    assert len(desk.calls) == 7
    assert set(desk.table.items) == {keys.rate(ORG), keys.rate("other")}


def test_a_process_that_comes_later_is_told_once_how_far_the_lanes_are() -> None:
    desk = Desk(per_second=100)
    first, second = desk.process(), desk.process()
    first.send_ready(desk.stored(20))
    desk.calls.clear()
    second.send_ready(desk.stored(20))
    second.send_ready(desk.stored(20))
    assert len(desk.calls) == 3


def test_a_burst_waits_in_order_and_nothing_of_it_is_dropped() -> None:
    desk = Desk(per_second=1)
    batch = desk.stored(50)
    desk.process().send_ready(batch)
    assert [each.key for each in desk.queues.ready] == [each.key for each in batch]
    # Of ten seconds' worth a fifth is kept for others; the rest goes at four fifths of the rate.
    assert desk.delays()[:12] == [0] * 8 + [2, 3, 4, 5]
    assert desk.delays() == sorted(desk.delays())


def test_another_organization_does_not_wait() -> None:
    desk = Desk(per_second=1)
    process = desk.process()
    process.send_ready(desk.stored(500))
    desk.queues.ready.clear()
    process.send_ready(desk.stored(1, org_id="other"))
    process.send_ready(desk.stored(1, org_id=f"{ORG}~test"))
    assert desk.delays() == [0, 0]


def test_what_is_urgent_does_not_stand_behind_the_organizations_own_burst() -> None:
    desk = Desk(per_second=1)
    desk.process().send_ready(desk.stored(500))
    desk.queues.ready.clear()
    other = desk.process()
    other.send_ready(desk.stored(FREE + 1))  # it has learned of the burst
    desk.queues.ready.clear()
    other.send_ready(desk.stored(2, deadline=NOW + timedelta(hours=2)))
    assert desk.delays() == [0, 0]


def test_a_wait_of_minutes_is_noted_in_the_message_and_a_longer_one_gets_a_schedule() -> None:
    desk = Desk(per_second=1)
    batch = desk.stored(900)
    desk.process().send_ready(batch)
    short, noted, far = batch[20], batch[400], batch[-1]
    assert desk.message(short).not_before is None
    for each in (noted, far):
        kept = desk.message(each)
        assert (kept.status, kept.reason, kept.attempt) == ("queued", RATE_LIMITED, 0)
        assert kept.timeline[-1][1:] == ("queued", RATE_LIMITED)
    waits = {each.key: at for each, at in desk.queues.waits}
    assert waits[far.key] == desk.message(far).not_before
    assert noted.key not in waits
    assert set(waits).isdisjoint(each.key for each in desk.queues.ready)
    assert len(waits) + len(desk.queues.ready) == 900


def test_whose_turn_was_given_does_not_wait_for_another() -> None:
    desk = Desk(per_second=1)
    process = desk.process()
    process.send_ready(desk.stored(900))
    ((late, at), *_) = desk.queues.waits
    desk.queues.ready.clear()
    desk.calls.clear()
    # By way of its schedule, at its time: nothing is asked.
    desk.clock.at = at
    brought = waiting_from_data(waiting_to_data(late))
    assert brought is not None
    process.send_ready([brought])
    # The same from whoever finds it stored, before its time and after.
    hand_over(process, desk.again([late]), desk.clock.at)
    hand_over(process, desk.again([late]), at - timedelta(minutes=1))
    assert desk.delays() == [0, 0, 60]
    assert desk.calls == []


def test_what_waited_for_something_else_is_paced_when_its_turn_comes() -> None:
    desk = Desk(per_second=1)
    held = [replace(each, at=NOW - timedelta(seconds=1)) for each in desk.stored(50, not_before=NOW)]
    brought = [waiting_from_data(waiting_to_data(each)) for each in held]
    assert [each.patient for each in brought if each] == [True] * 50
    assert {each.deadline for each in brought if each} == {DEADLINE}
    desk.process().send_ready([each for each in brought if each])
    assert max(desk.delays()) == 53


def test_a_delayed_copy_takes_no_slot() -> None:
    desk = Desk(per_second=1)
    hand_over(desk.process(), [replace(each, at=NOW + timedelta(seconds=30)) for each in desk.stored(50)], NOW)
    assert desk.delays() == [30] * 50
    assert desk.calls == []


def test_no_message_expires_for_its_rate() -> None:
    desk = Desk(per_second=1)
    soon = NOW + timedelta(minutes=10)
    batch = desk.stored(2000, deadline=soon)
    desk.process().send_ready(batch)
    assert desk.queues.waits == []
    assert max(desk.delays()) == 480  # two minutes before it


@pytest.mark.parametrize("kind", ["fails_before", "fails_after"])
def test_without_slots_messages_go_without(kind: Any) -> None:
    desk = Desk(per_second=1, line=Line(1, kind))
    desk.process().send_ready(desk.stored(50))
    assert desk.delays() == [0] * 50
    assert [type(error) for error in desk.errors] == [Failed]


def test_a_message_that_was_claimed_meanwhile_is_not_put_off() -> None:
    desk = Desk(per_second=1)
    batch = desk.stored(600)
    gone = batch[-1]
    desk.account.messages[ORG, gone.key] = replace(desk.message(gone), status="sent")
    desk.process().send_ready(batch)
    assert desk.message(gone).status == "sent"
    assert gone.key not in {each.key for each, _ in desk.queues.waits}


def behind(line: Line) -> tuple[Desk, list[Ready]]:
    """A batch of a burst: some of it waits for minutes, some for longer than a queue holds back."""
    desk = Desk(per_second=0.02, line=line)
    desk.table.items[keys.rate(ORG)] = {"g": micros(NOW + timedelta(seconds=437)), "k": 0}
    return desk, desk.stored(FREE + 3)


def test_a_batch_may_die_at_any_call_and_its_repeat_brings_every_message_and_no_later_than_noted() -> None:
    whole, batch = behind(Line())
    whole.process().send_ready(batch)
    assert set(whole.line.calls) == {"take", "postpone", "send_ready", "send_wait"}
    assert len(whole.queues.waits) > 1
    for line in lines(len(whole.line.calls)):
        desk, batch = behind(line)
        try:
            desk.process().send_ready(batch)
        except (Died, Failed):
            noted = {each.key: desk.message(each).not_before for each in batch}
            desk.line = Line()
            hand_over(desk.process(), desk.again(batch), desk.clock.at)
            # Whoever has a turn keeps it.
            assert all(desk.message(each).not_before == noted[each.key] for each in batch if noted[each.key]), line
        brought = [each.key for each in desk.queues.ready] + [each.key for each, _ in desk.queues.waits]
        assert set(brought) == {each.key for each in batch}, line
        assert max(brought.count(key) for key in brought) <= 2, line
        assert all(desk.message(each).attempt == 0 for each in batch), line


def test_processes_that_race_never_get_the_same_slot() -> None:
    rate = rate_of(10)
    assert rate is not None
    table, now = MemoryTable(), micros(NOW)
    paces = [Pace(rate, DynamoRates(table), lambda _, error: pytest.fail(str(error))) for _ in range(5)]
    slots = [slot for _ in range(20) for pace in paces for slot in pace.slots(ORG, [False] * 11, now)]
    behind = sorted(slots)[rate.general.burst :]
    assert len(set(behind)) == len(behind)
    item = table.items[keys.rate(ORG)]
    assert item["g"] == now + len(slots) * rate.general.interval
    assert item["ttl"] > item["g"] // 1_000_000


def test_the_urgent_look_again_when_others_have_moved_the_lane_far() -> None:
    rate = rate_of(10)
    assert rate is not None
    table, now = MemoryTable(), micros(NOW)
    mine, other = (Pace(rate, DynamoRates(table), lambda _, error: pytest.fail(str(error))) for _ in range(2))
    mine.slots(ORG, [False] * 30, now)
    other.slots(ORG, [False] * 5000, now)
    (slot,) = mine.slots(ORG, [True], now)
    assert slot == now


def test_a_lane_unused_for_long_starts_at_now() -> None:
    rate = rate_of(10)
    assert rate is not None
    table = MemoryTable()
    rates, now = DynamoRates(table), micros(NOW)
    taking = rate.taking(Used(), [False] * 10, now)
    assert rates.take(ORG, rate, taking, Used(), now) == (True, Used(general=now))
    later = now + 3600 * 1_000_000
    assert rates.take(ORG, rate, taking, Used(general=later + 1), later)[0] is False
    assert rates.take(ORG, rate, taking, Used(), later) == (True, Used(general=later))
