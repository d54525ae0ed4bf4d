"""Following a record: its events become messages, its plan becomes schedules, and only then it counts as planned."""

from dataclasses import fields
from datetime import datetime
from typing import Any

import pytest

from carillon.domain.errors import Contended
from carillon.domain.record_documents import Actor
from carillon.domain.settings import Notified
from carillon.ports.records import Committed
from carillon.services.planning import ROUNDS, Planner
from tests.builders import ORG, REF, client, organization, staff
from tests.fakes import MemoryRecords
from tests.faults import Line
from tests.rig import Rig

BOOKED, CHANGED, CANCELLED = (f"appointment.{kind}.console" for kind in ("booked", "changed", "cancelled"))


def scheduled(rig: Rig) -> list[tuple[str, str]]:
    return sorted((rig.schedules.kept[name].key, text) for name, text in rig.schedules.expressions.items()
                  if name in rig.schedules.kept)  # fmt: skip


def test_a_booking_is_announced_queued_and_its_reminders_are_scheduled() -> None:
    rig = Rig()
    rig.put()
    assert rig.follow("anna")
    assert rig.told() == [("email", BOOKED, "queued", None)]
    assert [(ready.channel, ready.key) for ready in rig.queues.ready] == [("email", rig.only().key)]
    assert scheduled(rig) == [("day_before", "at(2026-11-30T17:00:00)"), ("morning_of", "at(2026-12-01T07:00:00)")]
    assert {(row.key, row.at) for row in rig.account.due_rows.values()} == {
        (entry.key, entry.at) for entry in rig.record().plan
    }
    assert rig.record().settled
    assert rig.record().scheduled == rig.record().plan


def test_everything_else_comes_before_the_commit_and_deletions_after_it() -> None:
    line = Line()
    rig = Rig(line)
    rig.put(staff_ids=["s1"])
    rig.follow("anna")
    rig.put(staff_ids=["s1"], start="2026-12-03T09:00:00")
    line.calls.clear()
    rig.follow("anna")
    begin, commit = line.calls.index("send_ready"), line.calls.index("commit")
    assert line.calls.count("commit") == 1
    assert {"put", "create"} <= set(line.calls[begin:commit])
    assert line.calls[commit + 1 :] == ["delete", "delete"]


def test_following_what_is_settled_does_nothing() -> None:
    rig = Rig()
    rig.put()
    rig.follow("anna")
    rig.queues.ready.clear()
    assert not rig.follow("anna")
    assert rig.queues.ready == []


def test_there_is_nothing_to_follow_without_a_record_or_an_organization() -> None:
    rig = Rig()
    assert not rig.follow()
    rig.put()
    rig.account.organizations.clear()
    assert not rig.follow("anna")


@pytest.mark.parametrize("known", [(), ("bob",), ("anna",), ("anna", "bob", "nobody")])
def test_the_stream_may_name_any_clients(known: tuple[str, ...]) -> None:
    rig = Rig()
    rig.put()
    assert rig.follow(*known)
    assert rig.only().to == "anna@example.com"


def test_a_change_of_nothing_but_fields_sends_and_schedules_nothing() -> None:
    rig = Rig()
    rig.put()
    rig.follow("anna")
    rig.put(fields={"note": "x"})
    rig.queues.ready.clear()
    before = dict(rig.schedules.kept)
    assert rig.follow("anna")
    assert (rig.queues.ready, rig.schedules.kept) == ([], before)
    assert rig.record().settled


def test_a_move_schedules_anew_and_deletes_what_was() -> None:
    rig = Rig()
    rig.put()
    rig.follow("anna")
    rig.put(start="2026-12-03T09:00:00")
    rig.follow("anna")
    assert scheduled(rig) == [("day_before", "at(2026-12-02T17:00:00)"), ("morning_of", "at(2026-12-03T07:00:00)")]
    assert sorted(due.key for due in rig.schedules.deleted) == ["day_before", "morning_of"]


def test_cancelling_deletes_the_schedules_and_coming_back_makes_others() -> None:
    rig = Rig()
    rig.put()
    rig.follow("anna")
    first = set(rig.schedules.kept)
    rig.put(status="cancelled")
    rig.follow("anna")
    assert rig.schedules.kept == {}
    rig.put()
    rig.follow("anna")
    assert len(rig.schedules.kept) == 2
    assert not first & set(rig.schedules.kept)


def test_a_deleted_record_takes_its_schedules_along_and_tells_nobody() -> None:
    rig = Rig()
    rig.put()
    rig.follow("anna")
    rig.queues.ready.clear()
    rig.appointments().delete(ORG, "42")
    assert rig.follow("anna")
    assert rig.schedules.kept == {}
    assert rig.queues.ready == []
    assert rig.record().settled


def test_what_is_due_within_a_minute_goes_straight_to_the_queue() -> None:
    rig = Rig()
    rig.put()
    rig.clock.at = datetime.fromisoformat("2026-11-30T16:59:30Z")
    rig.follow("anna")
    assert [(due.key, due.at) for due in rig.queues.due] == [("day_before", rig.record().plan[0].at)]
    assert [key for key, _ in scheduled(rig)] == ["morning_of"]


def test_a_planner_that_lags_still_fires_what_came_due_meanwhile() -> None:
    rig = Rig()
    rig.put()
    rig.clock.at = datetime.fromisoformat("2026-12-01T06:00:00Z")
    rig.follow("anna")
    assert [due.key for due in rig.queues.due] == ["day_before"]


def test_thanks_for_a_visit_are_sent_at_once() -> None:
    rig = Rig()
    rig.put()
    rig.follow("anna")
    rig.clock.at = datetime.fromisoformat("2026-12-01T14:20:00Z")
    rig.put(status="completed")
    rig.follow("anna")
    assert [(due.key, due.at) for due in rig.queues.due] == [("service_completed", rig.clock.at)]


def test_reminders_that_were_too_late_are_noted_once_each() -> None:
    rig = Rig()
    rig.put(start="2026-11-23T11:00:00", notify=False)
    rig.follow("anna")
    assert rig.told() == [
        (None, "reminder.day_before", "suppressed", "too_late"),
        (None, "reminder.morning_of", "suppressed", "too_late"),
    ]
    rig.put(start="2026-11-23T11:00:00", fields={"a": 1}, notify=False)
    rig.follow("anna")
    assert len(rig.told()) == 2
    assert (rig.schedules.kept, rig.queues.due, rig.queues.ready) == ({}, [], [])


def test_an_event_that_waited_past_its_deadline_is_refused() -> None:
    rig = Rig()
    rig.put(start="2026-11-23T10:30:00")
    rig.clock.advance(hours=1)
    rig.follow("anna")
    assert (None, BOOKED, "suppressed", "too_late") in rig.told()
    assert rig.queues.ready == []


def test_who_gets_nothing_is_noted_with_the_reason() -> None:
    rig = Rig()
    rig.account.clients[ORG, "anna"] = client(email=None, reminders=[])
    rig.put()
    rig.follow("anna")
    refused = rig.only()
    assert (refused.channel, refused.status, refused.reason) == (None, "suppressed", "no_address")
    assert refused.tried == (("email", "no_address"),)


def test_the_staff_and_the_manager_are_told_too() -> None:
    rig = Rig(manager=Notified(email="boss@example.com"))
    rig.put(staff_ids=["s1"], actor=Actor(type="staff", id="s1"))
    rig.follow("anna")
    found = sorted((m.audience, m.to, m.status, m.reason) for m in rig.account.found(ORG))
    assert found == [
        ("client", "anna@example.com", "queued", None),
        ("collaborator", None, "suppressed", "recipient_is_actor"),
        ("manager", "boss@example.com", "queued", None),
    ]


def test_a_manager_who_takes_an_appointment_on_is_told_once() -> None:
    rig = Rig()
    rig.account.staff[ORG, "s2"] = staff("s2", roles=["collaborator", "manager"])
    rig.put(staff_ids=["s1"], notify=False)
    rig.put(staff_ids=["s1", "s2"])
    rig.follow("anna")
    to_s2 = [(m.audience, m.template) for m in rig.account.found(ORG, "queued") if m.to == "s2@example.com"]
    assert to_s2 == [("collaborator", BOOKED)]


def test_an_appointment_that_passes_to_another_client_tells_both() -> None:
    rig = Rig()
    rig.put()
    rig.follow("anna")
    rig.deliver()
    rig.put(client_id="bob")
    rig.follow()
    found = [(m.to, m.template) for m in rig.account.found(ORG, "queued")]
    assert sorted(found) == [("anna@example.com", CANCELLED), ("bob@example.com", BOOKED)]
    assert {due.client_id for due in rig.schedules.kept.values()} == {"bob"}


class BusyRecords(MemoryRecords):
    """Another writer changes the record right before the first commits."""

    interruptions = 1
    rig: Rig

    def commit(self, org_id: str, ref: str, done: Committed) -> bool:
        if self.interruptions:
            self.interruptions -= 1
            self.rig.put(start=f"2026-12-{3 + self.interruptions:02d}T09:00:00")
        return super().commit(org_id, ref, done)


def busy_planner(rig: Rig, interruptions: int) -> Planner:
    records = BusyRecords(rig.account)
    records.rig, records.interruptions = rig, interruptions
    basis = rig.planner()
    parts: dict[str, Any] = {each.name: getattr(basis, each.name) for each in fields(basis) if each.name != "records"}
    return Planner(records=records, **parts)


def test_a_record_that_changes_while_it_is_planned_is_followed_again() -> None:
    rig = Rig()
    rig.put()
    assert busy_planner(rig, 1).follow(ORG, REF, ["anna"])
    assert rig.record().settled
    # What the first round made for the old start fires stale.
    assert {("day_before", "at(2026-12-02T17:00:00)"), ("morning_of", "at(2026-12-03T07:00:00)")} <= set(scheduled(rig))
    rig.deliver()
    assert [outgoing.rendered.text for outgoing in rig.provider.sent] == [f"{BOOKED} v2"]


def test_a_record_that_keeps_changing_is_left_to_a_job() -> None:
    rig = Rig()
    rig.put()
    with pytest.raises(Contended):
        busy_planner(rig, ROUNDS).follow(ORG, REF, ["anna"])


def test_a_record_without_events_reads_no_staff() -> None:
    line = Line()
    rig = Rig(line)
    rig.put(notify=False, staff_ids=["s1"])
    rig.follow("anna")
    assert "all_staff" not in line.calls


def test_an_organization_that_was_switched_off_tells_nobody() -> None:
    rig = Rig()
    rig.put()
    rig.account.organizations[ORG] = organization(active=False)
    rig.follow("anna")
    assert {(m.status, m.reason) for m in rig.account.found(ORG)} == {("suppressed", "notifications_inactive")}


def test_a_schedule_that_was_due_already_is_not_deleted() -> None:
    rig = Rig()
    rig.put()
    rig.follow("anna")
    rig.clock.at = datetime.fromisoformat("2026-11-30T18:00:00Z")
    rig.put(status="cancelled")
    rig.follow("anna")
    assert [due.key for due in rig.schedules.deleted] == ["morning_of"]


def test_a_client_without_a_phone_is_followed_alike() -> None:
    rig = Rig()
    rig.account.clients[ORG, "anna"] = client(phone=None)
    rig.account.staff[ORG, "s1"] = staff("s1", mobile=None)
    rig.put(staff_ids=["s1"])
    assert rig.follow("anna")
