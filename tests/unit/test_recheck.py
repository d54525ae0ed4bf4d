"""Just before sending: is it still true, allowed, and in time?"""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from carillon.domain.clients import ConsentState
from carillon.domain.messages import Message
from carillon.domain.recheck import Recheck, recheck
from carillon.domain.settings import Notified, default_reminders
from tests.builders import (
    NOW,
    START,
    appointment,
    client,
    event_occasion,
    facts,
    message,
    organization,
    planned,
    record,
    reminder_occasion,
    settings,
    staff,
    with_plan,
)

PLANNED = with_plan(record(), planned("day_before"))
DUE = planned("day_before").at


def reminding(**changes: Any) -> Recheck:
    """Check a reminder by e-mail that is due, after these changes."""
    now = changes.pop("now", DUE)
    of = changes.pop("message", message(reminder_occasion(), "email"))
    return recheck(of, facts(**({"record": PLANNED} | changes)), now)


def telling(kind: str = "appointment.booked", **changes: Any) -> Recheck:
    """Check an event's message by e-mail to the client, after these changes."""
    of: Message = changes.pop("message", message(event_occasion(kind), "email"))
    return recheck(of, facts(**changes), NOW)


def no(reason: str, status: str = "suppressed") -> Recheck:
    return Recheck(status=status, reason=reason)


def test_what_is_still_true_goes_to_the_address_of_now() -> None:
    assert reminding() == Recheck(address="anna@example.com")
    assert telling(client=client(email="new@example.com")) == Recheck(address="new@example.com")


def test_a_deleted_organization_or_record_suppresses_what_waits() -> None:
    assert recheck(message(), None, NOW) == no("superseded")
    assert reminding(record=replace(PLANNED, deleted=True)) == no("superseded")


@pytest.mark.parametrize("change", [{"active": False}, {"suspended": True}, {"deleted": True}])
def test_an_organization_that_does_not_send_suppresses_what_waits(change: dict[str, Any]) -> None:
    assert reminding(organization=organization(**change)) == no("notifications_inactive")
    # Also past the deadline: it would not have been sent before it either.
    assert reminding(organization=organization(**change), now=START) == no("notifications_inactive")


def test_past_its_deadline_a_message_is_expired() -> None:
    assert reminding(now=START) == no("too_late", "expired")
    assert reminding(now=START - timedelta(seconds=1)).status is None


@pytest.mark.parametrize("state", ["cancelled", "suppressed"])
def test_a_reminder_that_is_not_planned_any_more_is_superseded(state: str) -> None:
    gone = with_plan(record(), planned("day_before", state=state))
    assert reminding(record=gone) == no("superseded")


def test_a_reminder_for_an_earlier_start_is_superseded() -> None:
    moved = with_plan(record(), planned("day_before", start=START + timedelta(days=1)))
    assert reminding(record=moved) == no("superseded")


def test_a_reminder_whose_key_left_the_plan_is_superseded() -> None:
    assert reminding(record=with_plan(record(), planned("morning_of"))) == no("superseded")
    assert reminding(record=record()) == no("superseded")


def test_a_reminder_that_was_planned_anew_for_the_same_start_is_still_true() -> None:
    again = with_plan(record(), planned("day_before", at=DUE - timedelta(hours=2), generation=7))
    assert reminding(record=again).status is None


@pytest.mark.parametrize("status", ["cancelled", "refused", "no_show", "completed", "requested", "awaiting_payment"])
def test_a_reminder_that_has_fired_is_superseded_when_its_status_does_not_call_for_it_any_more(status: str) -> None:
    # Its entry has passed, so it stays in the plan as it is.
    assert reminding(record=replace(PLANNED, document=appointment(status=status))) == no("superseded")


def test_thanks_for_a_visit_that_was_reopened_are_superseded() -> None:
    waiting = message(reminder_occasion("service_completed"), "email", deadline=START + timedelta(days=1))
    done = with_plan(
        record(appointment(status="completed"), completed_at=START), planned("service_completed", at=START)
    )
    assert reminding(message=waiting, record=done, now=START).status is None
    reopened = replace(done, document=appointment(status="booked"))
    assert reminding(message=waiting, record=reopened, now=START) == no("superseded")


def test_a_reminder_to_a_client_who_handed_the_appointment_on_is_superseded() -> None:
    passed_on = replace(PLANNED, document=appointment(client_id="bob"))
    assert reminding(record=passed_on) == no("superseded")


@pytest.mark.parametrize("change", [{"enrolled": False}, {"removed": True}])
def test_a_reminder_to_a_client_who_is_not_enrolled_is_suppressed(change: dict[str, Any]) -> None:
    assert reminding(client=client(**change)) == no("not_enrolled")


def test_a_reminder_to_a_client_who_is_gone_is_suppressed() -> None:
    assert reminding(client=None) == no("not_enrolled")


def test_a_reminder_that_was_switched_off_is_suppressed() -> None:
    off = [replace(one, enabled=one.key != "day_before") for one in default_reminders()]
    assert reminding(client=client(reminders=off)) == no("reminder_disabled")
    assert reminding(client=client(reminders=[])) == no("reminder_disabled")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"client": client(consents=ConsentState())}, "consent_missing"),
        ({"client": client(opted_out=["email"])}, "opted_out"),
        ({"client": client(email=None)}, "no_address"),
        ({"connected": frozenset({"sms"})}, "channel_not_connected"),
    ],
)
def test_consent_address_and_connection_are_those_of_now(changes: dict[str, Any], reason: str) -> None:
    assert reminding(**changes) == no(reason)
    assert telling(**changes) == no(reason)


def test_a_whatsapp_template_that_was_withdrawn_stops_what_waits() -> None:
    waiting = message(reminder_occasion(), "whatsapp")
    assert reminding(message=waiting).address == "+31612345678"
    assert reminding(message=waiting, whatsapp_templates=frozenset()) == no("whatsapp_template_missing")


@pytest.mark.parametrize(
    ("kind", "status", "expected"),
    [
        ("appointment.booked", "accepted", None),
        ("appointment.booked", "cancelled", "superseded"),
        ("appointment.booked", "refused", "superseded"),
        ("appointment.changed", "booked", None),
        ("appointment.changed", "cancelled", "superseded"),
        ("appointment.changed", "completed", "superseded"),
        ("appointment.cancelled", "cancelled", None),
        ("appointment.cancelled", "booked", "superseded"),
    ],
)
def test_the_status_must_still_call_for_an_events_message(kind: str, status: str, expected: str | None) -> None:
    assert telling(kind, record=record(appointment(status=status))).reason == expected


def test_an_events_message_needs_no_enrolment() -> None:
    assert telling(client=client(enrolled=False)).status is None


def test_a_client_who_was_removed_gets_nothing() -> None:
    assert telling(client=client(removed=True)) == no("no_address")
    assert telling(client=None) == no("no_address")


def to_staff(**changes: Any) -> Recheck:
    waiting = message(event_occasion(), "email", "s:s1", audience="collaborator")
    of: dict[str, Any] = {"record": record(appointment(staff_ids=["s1"])), "staff": {"s1": staff("s1")}}
    return telling(message=waiting, **(of | changes))


def test_staff_are_checked_as_they_are_now() -> None:
    assert to_staff() == Recheck(address="s1@example.com")
    assert to_staff(staff={"s1": staff("s1", email="new@example.com")}).address == "new@example.com"
    assert to_staff(staff={"s1": staff("s1", active=False)}) == no("no_address")
    assert to_staff(staff={}) == no("no_address")
    assert to_staff(staff={"s1": staff("s1", opted_out=["email"])}) == no("opted_out")
    assert to_staff(record=record(appointment(staff_ids=["s2"]))) == no("superseded")


def test_a_roles_address_is_the_settings_of_now() -> None:
    waiting = message(event_occasion(), "email", "r:manager#2026-11-23", audience="manager")
    told = telling(message=waiting, settings=settings(manager=Notified(email="boss@example.com")))
    assert told == Recheck(address="boss@example.com")
    assert telling(message=waiting) == no("no_address")
    by_sms = message(event_occasion(), "sms", "r:manager#2026-11-23", audience="manager")
    assert telling(message=by_sms, settings=settings(manager=Notified(email="boss@example.com"))) == no("no_address")


def test_a_decision_not_to_send_is_never_sent() -> None:
    assert telling(message=message(event_occasion(), None)).status == "suppressed"


def test_a_booking_that_carries_a_move_may_wait_until_the_new_start_and_no_longer() -> None:
    waiting = replace(message(event_occasion("appointment.booked"), "email"), deadline=NOW)
    later = record(appointment(start="2026-12-02T14:30:00"))
    assert telling(message=waiting, record=later).status is None
    started = record(appointment(start="2026-11-23T09:30:00"))
    assert telling(message=waiting, record=started) == no("too_late", "expired")
