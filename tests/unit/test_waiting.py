"""Messages that wait: a delayed copy for minutes, a schedule for longer, and never a chain of copies."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from carillon.adapters.queues import waiting_from_data, waiting_to_data
from carillon.domain.messages import MessageKey
from carillon.domain.scheduling import waiting_name
from carillon.ports.queues import Ready
from carillon.services.waiting import Waiting, hand_over
from tests.builders import NOW, ORG, REF
from tests.doubles import MemoryQueues, MemorySchedules, SetClock


def ready(at: datetime | None = None, **changes: Any) -> Ready:
    basis: dict[str, Any] = {
        "org_id": ORG,
        "channel": "sms",
        "key": MessageKey("c:anna", "d"),
        "record": REF,
        "client_id": "anna",
        "staff": ("s1",),
        "at": at,
    }
    return Ready(**(basis | changes))


@pytest.mark.parametrize(
    ("at", "delay"),
    [
        (None, 0),
        (NOW - timedelta(hours=1), 0),
        (NOW + timedelta(seconds=20, milliseconds=1), 21),
        (NOW + timedelta(minutes=15), 900),
    ],
)
def test_what_waits_for_minutes_is_a_delayed_copy_on_its_channels_queue(at: datetime | None, delay: int) -> None:
    queues = MemoryQueues()
    hand_over(queues, [ready(at)], NOW)
    assert [message.delay for message in queues.ready] == [delay]
    assert queues.waits == []


def test_what_waits_for_longer_is_one_job_and_no_copy() -> None:
    queues, at = MemoryQueues(), NOW + timedelta(minutes=15, seconds=1)
    hand_over(queues, [ready(at)], NOW)
    assert queues.ready == []
    assert queues.waits == [(ready(at), at)]


def test_the_job_makes_one_schedule_however_often_it_runs() -> None:
    clock, queues = SetClock(NOW), MemoryQueues()
    schedules, at = MemorySchedules(clock), NOW + timedelta(hours=10)
    for _ in range(2):
        Waiting(queues, schedules, clock).wait(ready(at), at)
    assert list(schedules.waiting.values()) == [(ready(at), at)]
    assert schedules.expressions == {waiting_name(ORG, "c:anna", "d", at): "at(2026-11-23T19:00:00)"}
    assert queues.ready == []


def test_a_job_that_comes_late_puts_the_message_on_its_queue() -> None:
    clock, queues = SetClock(NOW), MemoryQueues()
    Waiting(queues, MemorySchedules(clock), clock).wait(ready(), NOW - timedelta(minutes=1))
    assert [message.delay for message in queues.ready] == [0]


def test_each_turn_of_a_message_has_a_schedule_of_its_own() -> None:
    names = {waiting_name(ORG, "c:anna", digest, NOW + timedelta(hours=h)) for digest in "de" for h in (1, 2)}
    assert len(names) == 4


def test_what_waits_names_its_channel_and_nothing_personal() -> None:
    data = waiting_to_data(ready(NOW))
    assert data == {"o": ORG, "p": "c:anna", "d": "d", "r": REF, "c": "anna", "s": ["s1"], "ch": "sms"}
    assert waiting_from_data(data) == ready()
    assert waiting_from_data({"o": ORG, "key": "day_before"}) is None
