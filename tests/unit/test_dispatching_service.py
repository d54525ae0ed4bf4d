"""A due reminder: decided with today's settings, stored once, put on its channel's queue."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from carillon.domain.settings import default_reminders
from carillon.ports.queues import Due
from carillon.services.dispatching import deadline_of
from tests.builders import NOW, ORG, REF, START, client, facts, organization, reminder
from tests.faults import Died, Line
from tests.rig import Rig


@pytest.fixture
def rig() -> Rig:
    """An appointment that was booked, told and planned."""
    made = Rig()
    made.put()
    made.follow("anna")
    made.deliver()
    return made


def reminders(rig: Rig) -> list[tuple[str | None, str, str | None]]:
    return [(m.channel, m.status, m.reason) for m in rig.account.found(ORG) if m.occasion.reminder]


def due_of(rig: Rig, key: str = "day_before") -> Due:
    (found,) = [due for due in rig.schedules.kept.values() if due.key == key]
    return found


def test_what_is_due_becomes_a_message_on_its_channels_queue(rig: Rig) -> None:
    (done,) = rig.fire("day_before")
    assert (done.result, done.reason) == ("fired", None)
    assert reminders(rig) == [("whatsapp", "queued", None)]
    (ready,) = rig.take("whatsapp")
    assert (ready.org_id, ready.record, ready.client_id) == (ORG, REF, "anna")
    message = rig.only("queued")
    assert (message.to, message.template, message.deadline) == (
        "+31612345678",
        "reminder.day_before",
        START - timedelta(minutes=30),
    )


def test_todays_preferences_decide(rig: Rig) -> None:
    mine = [replace(one, channels=["sms"]) for one in default_reminders()]
    rig.account.clients[ORG, "anna"] = client(reminders=mine)
    rig.fire("day_before")
    assert reminders(rig) == [("sms", "queued", None)]


def test_all_channels_at_once_make_a_message_each(rig: Rig) -> None:
    mine = [replace(one, channels=["sms", "email"], strategy="all") for one in default_reminders()]
    rig.account.clients[ORG, "anna"] = client(reminders=mine)
    rig.fire("day_before")
    assert sorted(reminders(rig), key=str) == [("email", "queued", None), ("sms", "queued", None)]


def test_a_channel_whose_message_a_death_prevented_has_it_made_when_the_reminder_comes_again(rig: Rig) -> None:
    mine = [replace(one, channels=["sms", "email"], strategy="all") for one in default_reminders()]
    rig.account.clients[ORG, "anna"] = client(reminders=mine)
    due = due_of(rig)
    rig.clock.at = due.at
    rig.line = Line(at=2)  # the first of two messages is stored
    with pytest.raises(Died):
        rig.dispatcher().dispatch([due])
    assert len(reminders(rig)) == 1
    rig.clock.at = START
    rig.dispatcher().dispatch([due])
    assert sorted(reminders(rig), key=str) == [("email", "queued", None), ("sms", "queued", None)]
    assert len(rig.queues.ready) == 2


def test_one_channel_of_several_stays_the_one_that_was_chosen(rig: Rig) -> None:
    due = due_of(rig)
    rig.fire("day_before")
    mine = [replace(one, channels=["sms", "email"]) for one in default_reminders()]
    rig.account.clients[ORG, "anna"] = client(reminders=mine)
    rig.dispatcher().dispatch([due])
    assert reminders(rig) == [("whatsapp", "queued", None)]


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        (client(enrolled=False), "not_enrolled"),
        (client(reminders=[replace(one, enabled=False) for one in default_reminders()]), "reminder_disabled"),
        (client(phone=None, email=None), "no_address"),
        (client(opted_out=["whatsapp", "sms", "email"]), "opted_out"),
    ],
)
def test_who_gets_nothing_is_noted_once_with_the_reason(rig: Rig, changed: Any, reason: str) -> None:
    rig.account.clients[ORG, "anna"] = changed
    due = due_of(rig)
    rig.clock.at = due.at
    for _ in range(2):
        (done,) = rig.dispatcher().dispatch([due])
        assert (done.result, done.reason) == ("suppressed", reason)
    assert reminders(rig) == [(None, "suppressed", reason)]
    assert rig.queues.ready == []


def test_an_inactive_organization_reminds_nobody(rig: Rig) -> None:
    rig.account.organizations[ORG] = organization(active=False)
    (done,) = rig.fire("day_before")
    assert (done.result, done.reason) == ("suppressed", "notifications_inactive")


def test_a_schedule_of_an_earlier_start_says_so_and_sends_nothing(rig: Rig) -> None:
    old = due_of(rig)
    rig.put(start="2026-12-03T09:00:00")
    rig.clock.at = old.at
    (done,) = rig.dispatcher().dispatch([old])
    assert done.result == "stale_schedule"
    assert reminders(rig) == []


def test_a_schedule_of_an_earlier_generation_is_stale(rig: Rig) -> None:
    old = due_of(rig)
    rig.put(status="cancelled")
    rig.put(status="booked")
    rig.clock.at = old.at
    assert [done.result for done in rig.dispatcher().dispatch([old])] == ["stale_schedule"]


@pytest.mark.parametrize("status", ["cancelled", "completed", "no_show", "refused"])
def test_a_schedule_that_fires_after_the_appointment_changed_its_status_is_stale(rig: Rig, status: str) -> None:
    old = due_of(rig)
    rig.put(status=status)
    rig.clock.at = old.at
    assert [done.result for done in rig.dispatcher().dispatch([old])] == ["stale_schedule"]


def test_a_schedule_that_fires_late_meets_the_appointment_as_it_is_by_then(rig: Rig) -> None:
    late = due_of(rig)
    rig.clock.at = late.at + timedelta(seconds=40)
    rig.put(status="cancelled")
    assert late.key in {entry.key for entry in rig.record().plan if entry.state == "planned"}
    assert [done.result for done in rig.dispatcher().dispatch([late])] == ["stale_schedule"]
    assert reminders(rig) == []


def test_a_schedule_of_another_client_or_a_deleted_record_is_stale(rig: Rig) -> None:
    old = due_of(rig)
    rig.put(client_id="bob")
    rig.clock.at = old.at
    assert [done.result for done in rig.dispatcher().dispatch([old])] == ["stale_schedule"]
    rig.appointments().delete(ORG, "42")
    assert [done.result for done in rig.dispatcher().dispatch([old])] == ["stale_schedule"]
    rig.account.records.clear()
    assert [done.result for done in rig.dispatcher().dispatch([old])] == ["stale_schedule"]


def test_a_change_of_fields_alone_leaves_the_schedule_good(rig: Rig) -> None:
    rig.put(fields={"note": "x"})
    assert [done.result for done in rig.fire("day_before")] == ["fired"]


def test_a_reminder_that_fires_twice_is_queued_again_and_stored_once(rig: Rig) -> None:
    due = due_of(rig)
    rig.clock.at = due.at
    rig.dispatcher().dispatch([due])
    rig.dispatcher().dispatch([due])
    assert len(reminders(rig)) == 1
    first, second = rig.take("whatsapp")
    assert first.key == second.key
    rig.queues.ready = [first, second]
    assert sorted(sent.result for sent in rig.deliver("whatsapp")) in (["busy", "sent"], ["dropped", "sent"])


def test_a_reminder_that_fires_again_is_not_decided_anew(rig: Rig) -> None:
    due = due_of(rig)
    rig.clock.at = due.at
    rig.dispatcher().dispatch([due])
    # Deciding now would choose SMS.
    rig.connections.templates = frozenset()
    rig.dispatcher().dispatch([due])
    assert reminders(rig) == [("whatsapp", "queued", None)]


def test_a_reminder_that_went_out_is_not_queued_again(rig: Rig) -> None:
    due = due_of(rig)
    rig.clock.at = due.at
    rig.dispatcher().dispatch([due])
    rig.deliver("whatsapp")
    rig.clock.advance(minutes=3)
    (done,) = rig.dispatcher().dispatch([due])
    assert done.result == "fired"
    assert rig.queues.ready == []


def test_a_reminder_that_comes_after_its_deadline_is_too_late(rig: Rig) -> None:
    due = due_of(rig)
    rig.clock.at = START - timedelta(minutes=30)
    (done,) = rig.dispatcher().dispatch([due])
    assert (done.result, done.reason) == ("suppressed", "too_late")
    assert reminders(rig) == [(None, "suppressed", "too_late")]


def test_a_batch_is_read_at_once_and_each_due_stands_for_itself(rig: Rig) -> None:
    stale = replace(due_of(rig), generation=99)
    rig.clock.at = datetime.fromisoformat("2026-12-01T07:00:00Z")
    batch = [stale, due_of(rig), due_of(rig, "morning_of"), replace(stale, org_id="nobody")]
    rig.line.calls.clear()
    done = rig.dispatcher().dispatch(batch)
    assert [one.result for one in done] == ["stale_schedule", "fired", "fired", "stale_schedule"]
    assert rig.line.calls == ["read", "create", "create", "send_ready"]


@pytest.mark.parametrize(
    ("key", "when", "due", "deadline"),
    [
        ("day_before", {"days_before": 1, "at": "18:00"}, NOW, START - timedelta(minutes=30)),
        ("hour_before", {"before": "PT1H"}, START - timedelta(hours=1), START),
        ("service_completed", {"after_completed": "PT0S"}, START, START + timedelta(hours=24)),
        ("review", {"after_end": "PT2H"}, START, START + timedelta(hours=72)),
        ("review", {"after_completed": "PT2H"}, START, START + timedelta(hours=72)),
    ],
)
def test_each_kind_has_its_deadline(key: str, when: dict[str, Any], due: datetime, deadline: datetime) -> None:
    mine = client(reminders=[reminder(key, **when)])
    about = Due(ORG, REF, "anna", key, START, due, 1)
    assert deadline_of(about, facts(client=mine)) == deadline


def test_a_key_the_client_does_not_have_takes_the_organizations_form() -> None:
    mine = client(reminders=[])
    about = Due(ORG, REF, "anna", "hour_before", START, START - timedelta(hours=1), 1)
    assert deadline_of(about, facts(client=mine)) == START
    assert deadline_of(replace(about, key="unheard_of"), facts(client=mine)) == START
