"""Reminders to the collaborators: the organization's, whatever the client prefers, decided when they are due."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from carillon.domain.channels import Channel
from carillon.domain.listing import Page
from carillon.domain.reach import Device, Reach
from carillon.domain.records import StoredRecord
from carillon.domain.settings import RemindStaff, default_reminders
from carillon.ports.queues import Due
from carillon.services.explaining import Explaining, Question
from carillon.services.reminders import Reminders
from carillon.services.replanning import replan
from carillon.services.sweeping import PATIENCE, Sweep
from tests.builders import ORG, REF, START, client, organization, reminder, settings, staff
from tests.doubles import MemoryMarks
from tests.fake_messages import MemoryMessages
from tests.fakes import MemoryDueRows, MemoryReader, MemoryRecords
from tests.faults import Line, lines
from tests.rig import Rig

EMAIL: tuple[Channel, ...] = ("email",)


def staffed(line: Line | None = None, *, channels: tuple[Channel, ...] = EMAIL, **changes: Any) -> Rig:
    """An appointment of Anna's with two members of staff, who are to be reminded."""
    rig = Rig(remind_staff=RemindStaff(enabled=True, channels=list(channels)))  # type: ignore[arg-type]
    rig.put(staff_ids=["s1", "s2"], notify=False, **changes)
    rig.follow("anna")
    rig.line = line or Line()
    return rig


def planned(rig: Rig) -> set[tuple[str, str]]:
    return {(entry.key, entry.audience) for entry in rig.record().plan if entry.state == "planned"}


def to_staff(rig: Rig) -> list[tuple[str, str | None, str, str | None]]:
    kept = [m for m in rig.account.found(ORG) if m.audience == "collaborator" and m.occasion.reminder]
    return sorted((m.key.recipient, m.channel, m.status, m.reason) for m in kept)


def due_of(rig: Rig, key: str = "day_before") -> Due:
    (found,) = [due for due in rig.schedules.kept.values() if due.name == f"{key}@collaborator"]
    return found


def fire(rig: Rig, key: str = "day_before") -> str:
    due = due_of(rig, key)
    rig.clock.at = max(rig.clock.at, due.fires)
    (done,) = rig.dispatcher().dispatch([due])
    return done.result


def test_each_enabled_reminder_before_the_start_is_planned_for_the_collaborators_too() -> None:
    both = {("day_before", "client"), ("morning_of", "client")}
    assert planned(staffed()) == both | {("day_before", "collaborator"), ("morning_of", "collaborator")}
    off = Rig()
    off.put(staff_ids=["s1"])
    assert planned(off) == both


def test_each_collaborator_is_told_on_every_channel_that_is_set_for_them() -> None:
    rig = staffed(channels=("email", "sms"))
    assert fire(rig) == "fired"
    told = [("s:s1", "email"), ("s:s1", "sms"), ("s:s2", "email"), ("s:s2", "sms")]
    assert [(to, channel) for to, channel, _, _ in to_staff(rig)] == told
    rig.deliver("email")
    rig.deliver("sms")
    assert {status for _, _, status, _ in to_staff(rig)} == {"sent"}
    assert not [m for m in rig.account.found(ORG) if m.audience == "client"]


@pytest.mark.parametrize(
    "anna",
    [
        client(enrolled=False),
        client(reminders=[replace(one, enabled=False) for one in default_reminders()], custom=True),
        client(reminders=[], custom=True),
        client(email=None, phone=None, opted_out=["email"]),
    ],
    ids=["not enrolled", "switched off", "none", "out of reach"],
)
def test_what_the_client_prefers_does_not_matter_and_leaves_nothing_false_behind(anna: Any) -> None:
    rig = Rig(remind_staff=RemindStaff(enabled=True))
    rig.account.clients[ORG, "anna"] = anna
    rig.put(staff_ids=["s1"], notify=False)
    rig.follow("anna")
    fire(rig)
    rig.deliver("email")
    assert to_staff(rig) == [("s:s1", "email", "sent", None)]
    assert [m for m in rig.account.found(ORG) if m.audience == "client"] == []


def test_a_client_with_another_time_for_a_reminder_and_the_staff_each_have_their_own() -> None:
    rig = Rig(remind_staff=RemindStaff(enabled=True))
    early = [reminder("day_before", days_before=2, at="09:00")]
    rig.account.clients[ORG, "anna"] = client(reminders=early, custom=True)
    rig.put(staff_ids=["s1"], notify=False)
    rig.follow("anna")
    at = {entry.name: entry.at for entry in rig.record().plan}
    assert at["day_before@collaborator"] - at["day_before"] == timedelta(hours=33)
    rig.fire_name("day_before")
    rig.fire_name("day_before@collaborator")
    told = {(m.audience, m.channel) for m in rig.account.found(ORG)}
    assert told == {("client", "whatsapp"), ("collaborator", "email")}


def test_who_joined_after_it_was_planned_is_told_and_who_left_is_not() -> None:
    rig = staffed()
    rig.account.staff[ORG, "s3"] = staff("s3")
    due = due_of(rig)
    rig.put(staff_ids=["s2", "s3"], notify=False)
    assert due in rig.schedules.kept.values()
    fire(rig)
    assert [to for to, *_ in to_staff(rig)] == ["s:s2", "s:s3"]


def test_a_message_to_somebody_who_was_taken_off_meanwhile_is_not_sent() -> None:
    rig = staffed()
    fire(rig)
    rig.put(staff_ids=["s2"], notify=False)
    rig.deliver("email")
    assert to_staff(rig) == [("s:s1", "email", "suppressed", "superseded"), ("s:s2", "email", "sent", None)]


@pytest.mark.parametrize(
    "changes",
    [
        {"remind_staff": RemindStaff(enabled=False)},
        {"reminders": [replace(one, enabled=one.key != "day_before") for one in default_reminders()]},
    ],
    ids=["no staff reminders", "the reminder is off"],
)
def test_settings_changed_since_count_when_it_is_due_and_when_it_is_sent(changes: dict[str, Any]) -> None:
    basis = {"remind_staff": RemindStaff(enabled=True)}
    rig = staffed()
    rig.account.settings[ORG] = settings(**(basis | changes))
    assert fire(rig) == "stale_schedule"
    assert to_staff(rig) == []
    sent = staffed()
    fire(sent)
    sent.account.settings[ORG] = settings(**(basis | changes))
    sent.deliver("email")
    assert {(status, why) for _, _, status, why in to_staff(sent)} == {("suppressed", "superseded")}


def test_switching_it_on_plans_what_is_ahead_and_switching_it_off_takes_it_back() -> None:
    rig = Rig()
    rig.put(staff_ids=["s1"], notify=False)
    record, anna = rig.record(), rig.account.clients[ORG, "anna"]
    on = replan(record, anna, settings(remind_staff=RemindStaff(enabled=True)), rig.clock)
    assert on is not None
    added = [entry for entry in on.record.plan if entry.audience == "collaborator"]
    assert [(entry.key, entry.state) for entry in added] == [("day_before", "planned"), ("morning_of", "planned")]
    off = replan(on.record, anna, settings(), rig.clock)
    assert off is not None
    states = {(entry.audience, entry.state) for entry in off.record.plan}
    assert states == {("client", "planned"), ("collaborator", "cancelled")}


def test_another_client_changes_nothing_for_the_staff() -> None:
    rig = staffed()
    before = [entry for entry in rig.record().plan if entry.audience == "collaborator"]
    rig.put(client_id="bob", staff_ids=["s1", "s2"], notify=False)
    assert [entry for entry in rig.record().plan if entry.audience == "collaborator"] == before
    assert fire(rig) == "fired"


def test_a_move_plans_them_afresh_and_the_old_schedule_fires_stale() -> None:
    rig = staffed()
    old = due_of(rig)
    rig.schedules.kept.clear()
    rig.put(start="2026-12-03T09:00:00", staff_ids=["s1", "s2"], notify=False)
    rig.clock.at = old.at
    assert [done.result for done in rig.dispatcher().dispatch([old])] == ["stale_schedule"]
    rig.follow("anna")
    assert fire(rig, "day_before") == "fired"


@pytest.mark.parametrize("status", ["cancelled", "refused", "no_show"])
def test_nobody_is_reminded_of_what_does_not_take_place(status: str) -> None:
    rig = staffed()
    due = due_of(rig)
    fire(rig)
    rig.put(status=status, staff_ids=["s1", "s2"], notify=False)
    rig.deliver("email")
    assert {why for *_, why in to_staff(rig)} == {"superseded"}
    assert [done.result for done in rig.dispatcher().dispatch([due])] == ["stale_schedule"]


def test_who_is_out_of_reach_is_noted_with_the_reason_for_each() -> None:
    rig = staffed()
    rig.account.staff[ORG, "s1"] = staff("s1", email=None)
    rig.account.staff[ORG, "s2"] = staff("s2", opted_out=["email"])
    fire(rig)
    assert to_staff(rig) == [("s:s1", None, "suppressed", "no_address"), ("s:s2", None, "suppressed", "opted_out")]


def test_two_with_one_address_are_told_once_and_push_goes_beside() -> None:
    rig = staffed()
    rig.connections.channels = frozenset({"email", "push"})
    phone = Device(id="d1", platform="fcm", endpoint="arn:x")
    rig.account.staff[ORG, "s1"] = staff("s1", email="team@example.com", reach=Reach(devices=[phone]))
    rig.account.staff[ORG, "s2"] = staff("s2", email="TEAM@example.com")
    fire(rig)
    assert to_staff(rig) == [
        ("s:s1", "email", "queued", None),
        ("s:s1", "push", "queued", None),
        ("s:s2", None, "suppressed", "duplicate"),
    ]


def test_one_that_was_too_late_from_the_start_is_noted_for_each() -> None:
    rig = Rig(remind_staff=RemindStaff(enabled=True))
    rig.clock.at = START - timedelta(hours=1)
    rig.put(staff_ids=["s1", "s2"], notify=False)
    rig.follow("anna")
    late = [(to, why) for to, _, _, why in to_staff(rig)]
    assert late == [("s:s1", "too_late"), ("s:s1", "too_late"), ("s:s2", "too_late"), ("s:s2", "too_late")]


def test_a_late_booking_sends_each_audience_its_latest_one_at_once() -> None:
    rig = Rig(remind_staff=RemindStaff(enabled=True), late_booking="send_now")
    rig.clock.at = START - timedelta(hours=2)
    rig.put(staff_ids=["s1"], notify=False)
    rig.follow("anna")
    rig.dispatcher().dispatch(rig.queues.due)
    told = {(m.audience, m.channel, m.occasion.reminder) for m in rig.account.found(ORG) if m.status == "queued"}
    assert told == {("client", "whatsapp", "morning_of"), ("collaborator", "email", "morning_of")}
    rig.clock.at += timedelta(minutes=10)
    rig.put(start="2026-12-01T14:45:00", staff_ids=["s1"], notify=False)
    reasons = {entry.name: entry.reason for entry in rig.record().plan if entry.state == "suppressed"}
    assert (reasons["morning_of"], reasons["morning_of@collaborator"]) == ("duplicate", "duplicate")


def test_an_inactive_organization_reminds_no_staff() -> None:
    rig = staffed()
    rig.account.organizations[ORG] = organization(active=False)
    fire(rig)
    assert {why for *_, why in to_staff(rig)} == {"notifications_inactive"}


def test_the_list_shows_for_whom_each_reminder_is() -> None:
    rig = staffed()
    reader, records = MemoryReader(rig.account), MemoryRecords(rig.account)
    listing = Reminders(reader, records, MemoryDueRows(rig.account), rig.clock)
    fire(rig)
    states = {(item.entry.name, item.state) for item in listing.of_record(ORG, REF)}
    assert ("day_before@collaborator", "fired") in states
    assert ("morning_of@collaborator", "planned") in states


def test_the_sweep_brings_one_whose_schedule_got_lost_and_leaves_alone_what_nobody_is_to_get() -> None:
    rig = staffed()
    rig.clock.at = due_of(rig).at + PATIENCE + timedelta(minutes=1)
    swept = sweep(rig)
    assert {due.name for due in rig.queues.due} == {"day_before", "day_before@collaborator"}
    rig.dispatcher().dispatch(rig.queues.due)
    rig.queues.due.clear()
    swept.run(ORG)
    assert rig.queues.due == []
    left = staffed()
    left.account.staff = {key: replace(one, active=False) for key, one in left.account.staff.items()}
    left.clock.at = due_of(left).at + PATIENCE + timedelta(minutes=1)
    sweep(left)
    assert {due.name for due in left.queues.due} == {"day_before"}


class NoneUnplanned(MemoryRecords):
    """Records that the planner has followed, all of them."""

    def page(self, *_: Any, **__: Any) -> Page[StoredRecord]:
        return Page([], None)


def sweep(rig: Rig) -> Sweep:
    account = rig.account
    made = Sweep(
        reader=MemoryReader(account),
        records=NoneUnplanned(account),
        due_rows=MemoryDueRows(account),
        messages=MemoryMessages(account),
        queues=rig.queues,
        marks=MemoryMarks(),
        fallback=rig.fallback(),
        clock=rig.clock,
    )
    made.run(ORG)
    return made


def test_explain_says_of_each_collaborator_what_happens() -> None:
    rig = staffed(channels=("email", "sms"))
    rig.account.staff[ORG, "s2"] = staff("s2", mobile=None)
    explaining = Explaining(MemoryReader(rig.account), rig.connections, rig.clock)
    told = explaining.explain(ORG, Question(record=REF, reminder="day_before"))
    of_staff = [item for item in told if item.decision.recipient.audience == "collaborator"]
    said = {(item.decision.recipient.ref, item.decision.channel): item.would_send for item in of_staff}
    assert said == {
        ("s:s1", "email"): True,
        ("s:s1", "sms"): True,
        ("s:s2", "email"): True,
        ("s:s2", "sms"): False,
    }
    assert {item.level for item in of_staff if item.would_send} == {"organization"}
    assert {item.at for item in of_staff if item.would_send} == {due_of(rig).at}
    fire(rig)
    assert {(to, channel) for to, channel, _, _ in to_staff(rig)} == {place for place, sends in said.items() if sends}


def test_wherever_its_dispatcher_dies_each_collaborator_is_told_once() -> None:
    def story(line: Line) -> Rig:
        rig = staffed()
        due = due_of(rig)
        rig.clock.at, rig.line = due.at, line
        for _ in range(3):
            try:
                rig.dispatcher().dispatch([due])
            except BaseException:  # noqa: BLE001, S112 - the due queue brings it again
                continue
            break
        return rig

    whole = Line()
    story(whole)
    for line in lines(len(whole.calls)):
        rig = story(line)
        rig.line = Line()
        rig.deliver("email")
        rig.deliver("email")
        assert sorted(outgoing.to for outgoing in rig.provider.sent) == ["s1@example.com", "s2@example.com"], line
