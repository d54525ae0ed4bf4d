"""Stating an appointment: what is stored, what happened, and what is planned, in one write."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, cast

import pytest

from carillon.domain.errors import Contended, Invalid, NotFound
from carillon.domain.organizations import Caller
from carillon.domain.record_documents import Actor
from carillon.ports.records import RecordChange
from carillon.services.appointments import ROUNDS, AppointmentInput, Appointments, Put
from carillon.services.clients import ClientKeeping
from tests.builders import NOW, ORG, REF, client, organization, settings, staff
from tests.doubles import SetClock
from tests.fakes import Account, MemoryReader, MemoryRecords

CALLER = Caller(ORG, "integration", "key-1", "live")


class CountingRecords(MemoryRecords):
    """Counts writes, and lets another writer come first a few times."""

    writes = 0
    others = 0

    def save(self, org_id: str, change: RecordChange) -> bool:
        self.writes += 1
        if self.others:
            self.others -= 1
            return False
        return super().save(org_id, change)


class Desk:
    """An organization with the clients anna and bob and two members of staff, and its use cases."""

    def __init__(self, **of_settings: Any) -> None:
        self.account = Account(
            organizations={ORG: organization()},
            settings={ORG: settings(**of_settings)},
            clients={(ORG, name): client(name) for name in ("anna", "bob")},
            staff={(ORG, name): staff(name) for name in ("s1", "s2")},
        )
        self.clock = SetClock(NOW)
        self.records = CountingRecords(self.account)
        # A client that comes along is the doors' own test; nothing here brings one.
        self.use = Appointments(
            reader=MemoryReader(self.account),
            records=self.records,
            clients=cast("ClientKeeping", None),
            clock=self.clock,
        )

    def put(self, **changes: Any) -> Put:
        basis: dict[str, Any] = {
            "client_id": "anna",
            "start": "2026-12-01T14:30:00",
            "duration_minutes": 45,
            "status": "booked",
        }
        return self.use.put(CALLER, "42", AppointmentInput(**(basis | changes)))

    def stored(self) -> Any:
        return self.account.records[ORG, REF]


def states(done: Put) -> dict[str, tuple[str, str | None]]:
    return {entry.key: (entry.state, entry.reason) for entry in done.record.plan}


def kinds(done: Put) -> list[str]:
    return [event.type for event in done.events]


def test_a_new_appointment_is_stored_with_its_event_and_its_plan_in_one_write() -> None:
    desk = Desk()
    done = desk.put()
    assert (done.created, done.stale, kinds(done)) == (True, False, ["appointment.booked"])
    assert states(done) == {"day_before": ("planned", None), "morning_of": ("planned", None)}
    stored = desk.stored()
    assert (stored.version, stored.events, stored.plan) == (1, done.events, done.record.plan)
    assert not stored.settled
    assert desk.records.writes == 1


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"actor": Actor(type="client", id="anna")},
        {"source": "widget"},
        {"updated_at": "2026-11-23T09:00:00Z"},
        {"notify": False},
        {"id": "42"},
    ],
)
def test_stating_the_same_again_changes_nothing_and_writes_nothing(change: dict[str, Any]) -> None:
    desk = Desk()
    before = desk.put().record
    done = desk.put(**change)
    assert (done.created, done.stale, done.events) == (False, False, ())
    assert done.record.version == before.version
    assert desk.records.writes == 1


def test_a_change_is_another_version_with_its_event() -> None:
    desk = Desk()
    desk.put()
    done = desk.put(start="2026-12-02T10:00:00", actor=Actor(type="client", id="anna"))
    assert kinds(done) == ["appointment.changed"]
    assert (done.events[0].version, done.record.version, done.created) == (2, 2, False)
    assert done.events[0].actor.type == "client"
    assert [event.type for event in desk.stored().events] == ["appointment.booked", "appointment.changed"]
    assert done.record.announced == (("appointment.booked", 1), ("appointment.changed", 2))


def test_a_change_of_fields_alone_is_stored_silently_and_plans_nothing_anew() -> None:
    desk = Desk()
    first = desk.put()
    done = desk.put(fields={"note": "brings photos"})
    assert done.events == ()
    assert done.record.appointment.fields == {"note": "brings photos"}
    assert (done.record.plan, done.record.plan_revision) == (first.record.plan, first.record.plan_revision)


def test_an_older_statement_is_ignored_and_says_so() -> None:
    desk = Desk()
    desk.put(updated_at="2026-11-23T09:00:00Z")
    done = desk.put(updated_at="2026-11-23T08:59:59Z", status="cancelled")
    assert (done.stale, done.events) == (True, ())
    assert done.record.appointment.status == "booked"
    assert desk.records.writes == 1


@pytest.mark.parametrize("updated_at", ["2026-11-23T09:00:00Z", "2026-11-23T10:00:00+01:00", None])
def test_a_statement_as_old_as_the_stored_one_or_without_a_date_counts(updated_at: str | None) -> None:
    desk = Desk()
    desk.put(updated_at="2026-11-23T09:00:00Z")
    done = desk.put(updated_at=updated_at, status="cancelled")
    assert (done.stale, kinds(done)) == (False, ["appointment.cancelled"])
    # A statement without a date doesn't forget the date known.
    assert done.record.updated_at == NOW


def test_a_silent_change_still_moves_the_plan() -> None:
    desk = Desk()
    desk.put(notify=False)
    done = desk.put(start="2026-12-03T09:00:00", notify=False)
    assert done.events == ()
    assert desk.stored().events == ()
    assert desk.stored().announced == ()
    assert {entry.start for entry in done.record.plan} == {datetime.fromisoformat("2026-12-03T08:00:00Z")}


def test_while_inactive_changes_are_stored_and_neither_told_nor_planned() -> None:
    desk = Desk()
    desk.account.organizations[ORG] = organization(active=False)
    done = desk.put()
    assert (done.events, done.record.plan) == ((), ())
    assert desk.stored().appointment.status == "booked"


def test_all_unknown_references_are_named_at_once() -> None:
    desk = Desk()
    with pytest.raises(Invalid) as refused:
        desk.put(client_id="nobody", staff_ids=["s1", "ghost", "s2", "phantom"])
    faults = [(fault.pointer, fault.code) for fault in refused.value.faults]
    assert faults == [
        ("/client_id", "unknown_reference"),
        ("/staff_ids/1", "unknown_reference"),
        ("/staff_ids/3", "unknown_reference"),
    ]
    assert desk.account.records == {}


def test_a_removed_client_is_an_unknown_one() -> None:
    desk = Desk()
    desk.account.clients[ORG, "anna"] = client("anna", removed=True)
    with pytest.raises(Invalid):
        desk.put()


@pytest.mark.parametrize(
    ("change", "pointers"),
    [
        ({"id": "43"}, ["/id"]),
        ({"client_id": None}, ["/client_id"]),
        ({"id": "43", "client_id": None}, ["/id", "/client_id"]),
    ],
)
def test_what_does_not_fit_the_path_or_names_no_client_is_refused(change: dict[str, Any], pointers: list[str]) -> None:
    with pytest.raises(Invalid) as refused:
        Desk().put(**change)
    assert sorted(fault.pointer for fault in refused.value.faults) == sorted(pointers)


def test_when_another_writer_comes_first_it_starts_again_from_what_is_there() -> None:
    desk = Desk()
    desk.put()
    desk.records.others = ROUNDS - 1
    assert kinds(desk.put(status="cancelled")) == ["appointment.cancelled"]
    assert desk.stored().version == 2


def test_when_others_keep_coming_first_the_caller_is_told_to_repeat() -> None:
    desk = Desk()
    desk.records.others = ROUNDS
    with pytest.raises(Contended):
        desk.put()
    assert desk.account.records == {}


def test_where_it_was_made_is_fixed_by_the_first_statement() -> None:
    desk = Desk()
    assert desk.put(source="widget").record.appointment.source == "widget"
    assert desk.put(source="console", status="accepted").record.appointment.source == "widget"
    assert Desk().put().record.appointment.source == "api"


def test_a_past_appointment_is_stored_and_its_reminders_are_too_late() -> None:
    done = Desk().put(start="2026-11-20T10:00:00")
    assert kinds(done) == ["appointment.booked"]
    assert states(done) == {"day_before": ("suppressed", "too_late"), "morning_of": ("suppressed", "too_late")}


def test_late_booking_sends_the_latest_at_once_where_the_settings_say_so() -> None:
    desk = Desk(late_booking="send_now")
    done = desk.put(start="2026-11-23T17:00:00")
    entries = {entry.key: entry for entry in done.record.plan}
    assert states(done) == {"day_before": ("suppressed", "too_late"), "morning_of": ("planned", None)}
    assert entries["morning_of"].at == NOW
    desk.clock.advance(minutes=5)
    again = desk.put(start="2026-11-23T17:30:00")
    assert states(again) == {"day_before": ("suppressed", "too_late"), "morning_of": ("suppressed", "duplicate")}


def test_completing_plans_the_thanks_from_the_moment_it_is_accepted() -> None:
    desk = Desk()
    desk.put()
    desk.clock.at = datetime.fromisoformat("2026-12-01T14:20:00Z")
    done = desk.put(status="completed")
    (thanks,) = [entry for entry in done.record.plan if entry.key == "service_completed"]
    assert (thanks.at, thanks.state, done.record.completed_at) == (desk.clock.at, "planned", desk.clock.at)
    desk.clock.advance(hours=1)
    assert desk.put(status="completed", fields={"note": "x"}).record.completed_at == done.record.completed_at


def test_history_that_is_imported_as_completed_thanks_nobody() -> None:
    done = Desk().put(status="completed", start="2026-11-20T10:00:00")
    assert (done.events, done.record.plan, done.record.completed_at) == ((), (), None)


def test_a_client_who_is_not_enrolled_has_no_reminders() -> None:
    desk = Desk()
    desk.account.clients[ORG, "anna"] = client(enrolled=False)
    done = desk.put()
    assert (kinds(done), done.record.plan) == (["appointment.booked"], ())


def test_an_appointment_that_passes_to_another_client_starts_its_reminders_afresh() -> None:
    desk = Desk(late_booking="send_now")
    desk.put(start="2026-11-24T09:30:00")
    desk.clock.at = datetime.fromisoformat("2026-11-24T07:30:00Z")
    done = desk.put(client_id="bob", start="2026-11-24T09:30:00")
    # morning_of went to anna at 08:00; bob hasn't had it.
    assert states(done)["morning_of"] == ("planned", None)
    assert done.record.fired == ()


def test_deleting_is_silent_and_cancels_the_plan() -> None:
    desk = Desk()
    desk.put()
    desk.use.delete(ORG, "42")
    stored = desk.stored()
    assert stored.deleted
    assert {entry.state for entry in stored.plan} == {"cancelled"}
    assert [event.type for event in stored.events] == ["appointment.booked"]
    assert not stored.settled
    with pytest.raises(NotFound):
        desk.use.get(ORG, "42")


def test_deleting_what_is_gone_or_never_was_is_fine() -> None:
    desk = Desk()
    desk.use.delete(ORG, "42")
    desk.put()
    desk.use.delete(ORG, "42")
    writes = desk.records.writes
    desk.use.delete(ORG, "42")
    assert desk.records.writes == writes


def test_what_is_stated_again_after_a_deletion_is_new() -> None:
    desk = Desk()
    desk.put(source="widget")
    desk.use.delete(ORG, "42")
    done = desk.put()
    assert (done.created, kinds(done), done.record.version) == (True, ["appointment.booked"], 3)
    assert states(done) == {"day_before": ("planned", None), "morning_of": ("planned", None)}
    assert done.record.appointment.source == "api"
    assert not desk.stored().deleted


def test_a_deletion_does_not_forget_which_reminders_went_out() -> None:
    desk = Desk(late_booking="send_now")
    desk.put(start="2026-11-23T17:00:00")
    desk.clock.advance(minutes=5)
    desk.use.delete(ORG, "42")
    again = desk.put(start="2026-11-23T18:00:00")
    assert states(again)["morning_of"] == ("suppressed", "duplicate")


def test_reading_knows_nothing_of_other_organizations() -> None:
    desk = Desk()
    desk.put()
    desk.account.organizations["other"], desk.account.settings["other"] = organization(id="other"), settings()
    with pytest.raises(NotFound):
        desk.use.get("other", "42")
    assert desk.use.get(ORG, "42").ref == REF


def test_an_organization_that_is_gone_has_no_appointments_to_state() -> None:
    desk = Desk()
    desk.account.settings.clear()
    with pytest.raises(NotFound):
        desk.put()


def test_lists_begin_now_unless_said_otherwise() -> None:
    desk = Desk()
    desk.put(start="2026-11-20T10:00:00")
    assert desk.use.page(ORG, limit=10, position=None, since=None).items == []
    listed = desk.use.page(ORG, limit=10, position=None, since=NOW - timedelta(days=10)).items
    assert [record.ref for record in listed] == [REF]


def test_announced_events_are_kept_as_far_as_they_may_be_superseded() -> None:
    desk = Desk()
    desk.put()
    for hour in range(9, 17):
        desk.put(start=f"2026-12-02T{hour:02d}:00:00")
    announced = desk.stored().announced
    assert [version for _, version in announced] == sorted(version for _, version in announced)
    assert len(announced) == 6
    assert replace(desk.stored(), announced=()).version == 9
