"""The recount of a replay, held against days worked out by hand."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from bench.recount import World, recount
from bench.recount_compare import Listing, Seen, compare
from bench.recount_rules import instant

CHANNELS = ["whatsapp", "sms", "email"]
SETTINGS = {
    "time_zone": "Europe/Amsterdam",
    "manager": {"email": None},
    "reminders": [
        {"key": "day_before", "enabled": True, "when": {"days_before": 1, "at": "18:00"}},
        {"key": "hour_before", "enabled": True, "when": {"before": "PT1H"}},
        {"key": "service_completed", "enabled": True, "when": {"after_completed": "PT0S"}},
    ],
}
for _reminder in SETTINGS["reminders"]:
    _reminder |= {"channels": CHANNELS, "strategy": "first_reachable"}  # type: ignore[operator]
CLIENT = {
    "id": "c",
    "enrolled": True,
    "phone": "+31970105",
    "email": "c@example.org",
    "consents": {"service": {"whatsapp": True, "sms": True, "email": True}},
}


@dataclass
class Call:
    at: datetime
    record: str
    body: dict[str, Any]
    client: dict[str, Any] | None = None


def _call(at: str, *, start: str = "2031-05-14T10:00:00", status: str = "booked", **more: Any) -> Call:
    body = {"client_id": "c", "start": start, "duration_minutes": 60, "status": status, "source": "widget", **more}
    return Call(datetime.fromisoformat(at).replace(tzinfo=UTC), "1", body, CLIENT)


def _world(*, templates: bool = True) -> World:
    return World(SETTINGS, {"mila": "mila@example.org", "jonas": "jonas@example.org"}, whatsapp_templates=templates)


def _told(*calls: Call, templates: bool = True) -> list[tuple[str, str, str | None, str | None]]:
    found = recount(calls, _world(templates=templates)).messages
    return [(f"{m.at:%m-%dT%H:%M}", m.key, m.channel, m.reason) for m in sorted(found, key=lambda m: m.at)]


def test_a_booking_is_told_reminded_and_thanked_for() -> None:
    assert _told(_call("2031-05-01T08:07"), _call("2031-05-14T09:37", status="completed")) == [
        ("05-01T08:07", "appointment.booked.widget", "email", None),
        ("05-13T16:00", "reminder.day_before", "whatsapp", None),
        ("05-14T07:00", "reminder.hour_before", "whatsapp", None),
        ("05-14T09:37", "reminder.service_completed", "whatsapp", None),
    ]


def test_without_templates_the_next_channel_has_its_turn() -> None:
    assert [channel for _, key, channel, _ in _told(_call("2031-05-01T08:07"), templates=False)] == [
        "email",
        "sms",
        "sms",
    ]


def test_a_late_booking_skips_what_is_over() -> None:
    assert _told(_call("2031-05-13T17:07"))[1:] == [
        ("05-13T17:07", "reminder.day_before", None, "too_late"),
        ("05-14T07:00", "reminder.hour_before", "whatsapp", None),
    ]


def test_a_cancelled_booking_is_not_reminded() -> None:
    calls = _call("2031-05-01T08:07"), _call("2031-05-13T17:07", status="cancelled", actor={"type": "client"})
    assert [key for _, key, _, _ in _told(*calls)] == [
        "appointment.booked.widget",
        "reminder.day_before",
        "appointment.cancelled.client",
    ]


def test_a_move_there_and_back_sends_no_reminder_twice() -> None:
    calls = (
        _call("2031-05-01T08:07"),
        _call("2031-05-13T17:07", start="2031-05-20T10:00:00"),
        _call("2031-05-13T18:07"),
    )
    assert [key for _, key, _, _ in _told(*calls)].count("reminder.day_before") == 1


def test_a_reminder_follows_a_move() -> None:
    calls = _call("2031-05-01T08:07"), _call("2031-05-02T08:07", start="2031-05-20T10:00:00")
    assert [at for at, key, _, _ in _told(*calls) if key == "reminder.day_before"] == ["05-19T16:00"]


def test_a_note_changes_nothing() -> None:
    assert len(_told(_call("2031-05-01T08:07"), _call("2031-05-02T08:07", fields={"note": "x"}))) == 3


def test_staff_who_join_are_booked_who_leave_cancelled_and_who_acted_are_not_told() -> None:
    calls = (
        _call("2031-05-01T08:07", staff_ids=["mila"], actor={"type": "staff", "id": "mila"}),
        _call("2031-05-02T08:07", staff_ids=["jonas"], actor={"type": "system"}),
    )
    found = [m for m in recount(calls, _world()).messages if m.audience == "collaborator"]
    assert {(m.recipient, m.key, m.reason) for m in found} == {
        ("mila", "appointment.booked.widget", "recipient_is_actor"),
        ("mila", "appointment.cancelled.console", None),
        ("jonas", "appointment.booked.widget", None),
    }


@pytest.mark.parametrize(
    ("zone", "wall", "utc"),
    [
        ("Europe/Amsterdam", "2031-03-30T02:30", "2031-03-30T01:30"),
        ("Europe/Amsterdam", "2031-10-26T02:30", "2031-10-26T00:30"),
        ("America/New_York", "2031-03-09T02:30", "2031-03-09T07:30"),
        ("Australia/Lord_Howe", "2031-10-05T02:15", "2031-10-04T15:45"),
        ("Australia/Lord_Howe", "2031-04-06T01:45", "2031-04-05T14:45"),
    ],
)
def test_wall_time_in_a_gap_moves_on_and_the_first_of_two_counts(zone: str, wall: str, utc: str) -> None:
    assert instant(datetime.fromisoformat(wall), ZoneInfo(zone)) == datetime.fromisoformat(utc).replace(tzinfo=UTC)


def _seen(call: Call, *, outbox: int = 1, **message: Any) -> Seen:
    made = {
        "id": "m", "record": "appointments/1", "key": "appointment.booked.widget", "audience": "client",
        "client_id": "c", "staff_id": None, "channel": "email", "status": "delivered", "reason": None,
        "at": "2031-05-13T17:07:01Z", "channels": [], **message,
    }  # fmt: skip
    late = {
        **made, "id": "l", "key": "reminder.day_before", "status": "suppressed", "reason": "too_late", "channel": None,
    }  # fmt: skip
    hour = {**made, "id": "h", "key": "reminder.hour_before", "channel": "whatsapp", "at": "2031-05-14T07:00:00Z"}
    planned = {"id": "r", "key": "hour_before", "at": "2031-05-14T07:00:00Z", "state": "planned", "reason": None}
    fired = {**planned, "record": "appointments/1", "state": "fired"}
    return Seen(
        answers=[(["appointment.booked"], [planned])],
        messages={m["id"]: m for m in (made, late, hour)},
        listings=[Listing(call.at, datetime(2031, 6, 1, tzinfo=UTC), [fired])],
        outbox=[{"message_id": "m"}] * outbox + [{"message_id": "h"}],
    )


CALL = _call("2031-05-13T17:07")


def _compared(seen: Seen) -> Any:
    return compare([CALL], recount([CALL], _world()), seen)


def test_the_same_is_the_same() -> None:
    found = _compared(_seen(CALL))
    assert found.agrees
    assert found.system["sent: email"] == 1


def test_what_never_left_is_lost() -> None:
    assert len(_compared(_seen(CALL, outbox=0)).lost) == 1


def test_what_left_twice_is_doubled() -> None:
    assert len(_compared(_seen(CALL, outbox=2)).doubled) == 1


def test_another_channel_is_a_difference_and_neither_lost_nor_doubled() -> None:
    found = _compared(_seen(CALL, channel="sms"))
    assert not found.agrees
    assert not found.lost
    assert not found.doubled


def test_a_message_at_another_time_is_lost_and_doubled() -> None:
    found = _compared(_seen(CALL, at="2031-05-13T18:07:01Z"))
    assert len(found.lost) == 1
    assert any("appointment.booked.widget" in line for line in found.doubled)
