"""The calendar file of an e-mail: which messages have one, and what calendars read in it."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from icalendar import Calendar

from carillon.adapters.calendars import CalendarFiles
from carillon.domain.invitations import entry_of, method_of
from carillon.domain.mail_from import MailFrom
from carillon.domain.record_documents import STATUSES
from carillon.domain.rules import RulesInForce, default_rules
from carillon.ports.delivery import Attachment
from carillon.ports.reading import Snapshot
from tests.builders import NOW, ORG, appointment, client, event_occasion, message, organization, record, settings, staff

BOOKED = (("appointment.booked", 1),)
SHARED = MailFrom("Salon Aurora")


def key() -> str:
    return "signing-key"


def snapshot(of: Any = None, **changes: Any) -> Snapshot:
    about = of or record(announced=BOOKED)
    return Snapshot(
        organization(), settings(**changes), RulesInForce(default_rules(), "builtin"), about, {"anna": client()}
    )


def made(told: Any, about: Snapshot, sender: MailFrom = SHARED) -> Attachment | None:
    return CalendarFiles(key, "no-reply@carillon.example").of(ORG, told, about, sender, "anna@example.com")


def entry(told: Any, about: Snapshot | None = None, sender: MailFrom = SHARED) -> Any:
    attachment = made(told, about or snapshot(), sender)
    assert attachment is not None
    (event,) = Calendar.from_ical(attachment.content).walk("VEVENT")
    return event


def told(kind: str = "appointment.booked", **changes: Any) -> Any:
    return message(event_occasion(kind), **changes)


def test_a_booking_enters_the_calendar_in_utc_with_its_facts() -> None:
    of = record(
        appointment(location="Kade 1, Utrecht; achterom", manage_url="https://book.example/m/1"),
        version=3,
        announced=BOOKED,
    )
    found = entry(told(), snapshot(of, contact=replace(settings().contact, phone="+31301234567")))
    assert found["DTSTART"].dt == datetime(2026, 12, 1, 13, 30, tzinfo=UTC)
    assert found["DTEND"].dt == datetime(2026, 12, 1, 14, 15, tzinfo=UTC)
    assert found["DTSTAMP"].dt == NOW
    assert found["SUMMARY"] == "Knippen, Salon Aurora"
    assert found["LOCATION"] == "Kade 1, Utrecht; achterom"
    assert found["URL"] == "https://book.example/m/1"
    assert found["DESCRIPTION"] == "+31301234567\nhttps://book.example/m/1"
    assert found["SEQUENCE"] == 3
    assert found["STATUS"] == "CONFIRMED"


def test_its_type_names_the_method_of_the_file() -> None:
    for kind, method in (("appointment.booked", "REQUEST"), ("appointment.cancelled", "CANCEL")):
        attachment = made(told(kind), snapshot())
        assert attachment is not None
        assert attachment.filename == "invite.ics"
        assert attachment.content_type == f"text/calendar; method={method}; charset=UTF-8"
        assert Calendar.from_ical(attachment.content)["METHOD"] == method


def test_a_change_and_a_cancellation_name_the_same_entry_in_a_later_revision() -> None:
    first = entry(told(), snapshot(record(version=1, announced=BOOKED)))
    moved = entry(told("appointment.changed"), snapshot(record(version=2, announced=BOOKED)))
    gone = record(appointment(status="cancelled"), version=3, announced=BOOKED)
    cancelled = entry(told("appointment.cancelled"), snapshot(gone))
    assert first["UID"] == moved["UID"] == cancelled["UID"]
    assert [each["SEQUENCE"] for each in (first, moved, cancelled)] == [1, 2, 3]
    assert cancelled["STATUS"] == "CANCELLED"


def test_text_of_people_stays_text() -> None:
    of = record(appointment(service="Knippen\r\nATTENDEE:mailto:eve@example.com", location="a\nEND:VEVENT"))
    attachment = made(told(), snapshot(of, name='Salon "Aurora"; x'))
    assert attachment is not None
    lines = attachment.content.decode().replace("\r\n ", "").split("\r\n")
    assert sum(line.startswith("ATTENDEE") for line in lines) == 1
    assert sum(line == "END:VEVENT" for line in lines) == 1
    (event,) = Calendar.from_ical(attachment.content).walk("VEVENT")
    assert event["ORGANIZER"].params["CN"] == "Salon 'Aurora'; x"


def test_nobody_is_asked_to_answer() -> None:
    found = entry(told())
    assert found["ATTENDEE"] == "mailto:anna@example.com"
    assert found["ATTENDEE"].params["PARTSTAT"] == "ACCEPTED"
    assert found["ATTENDEE"].params["RSVP"] == "FALSE"


@pytest.mark.parametrize(
    ("sender", "organizer", "sent_by"),
    [
        (SHARED, "mailto:no-reply@carillon.example", None),
        (MailFrom("Salon", "hi@salon.example", None, "hi@salon.example"), "mailto:hi@salon.example", None),
        (
            MailFrom("Sam", "sam@salon.example", None, "hi@salon.example"),
            "mailto:hi@salon.example",
            "mailto:sam@salon.example",
        ),
    ],
)
def test_the_organizer_is_the_organization_whoever_of_its_staff_writes(
    sender: MailFrom, organizer: str, sent_by: str | None
) -> None:
    found = entry(told(), sender=sender)
    assert found["ORGANIZER"] == organizer
    assert found["ORGANIZER"].params.get("SENT-BY") == sent_by


def test_a_collaborator_reads_whom_to_expect() -> None:
    found = entry(told(audience="collaborator", recipient="s:s1"))
    assert found["SUMMARY"] == "Knippen, Anna de Vries"
    assert "URL" not in found


def test_an_appointment_without_a_service_is_named_after_the_business() -> None:
    assert entry(told(), snapshot(record(appointment(service=None))))["SUMMARY"] == "Salon Aurora"


def test_each_person_has_an_entry_of_his_own_whose_name_cannot_be_worked_out() -> None:
    mine, theirs = entry(told())["UID"], entry(told(audience="collaborator", recipient="s:s1"))["UID"]
    assert mine != theirs
    other = CalendarFiles(lambda: "another key", "no-reply@carillon.example")
    attachment = other.of(ORG, told(), snapshot(), SHARED, "anna@example.com")
    assert attachment is not None
    assert mine.encode() not in attachment.content


@pytest.mark.parametrize("audience", ["manager", "owner"])
def test_who_does_not_take_part_gets_no_file(audience: str) -> None:
    assert made(told(audience=audience, recipient="s:s1"), snapshot()) is None


def test_reminders_and_tests_of_texts_leave_the_entry_alone() -> None:
    assert made(message(), snapshot()) is None
    assert made(told("appointment.completed"), snapshot()) is None


@pytest.mark.parametrize("status", STATUSES)
def test_what_is_not_agreed_enters_no_calendar(status: str) -> None:
    of = record(appointment(status=status), announced=BOOKED)
    wanted = "REQUEST" if status in ("booked", "accepted") else None
    assert method_of(told("appointment.changed"), of) == wanted


def test_what_never_was_agreed_is_not_cancelled_in_calendars() -> None:
    gone = appointment(status="cancelled")
    assert method_of(told("appointment.cancelled"), record(gone, announced=(("appointment.cancelled", 2),))) is None
    assert method_of(told("appointment.cancelled"), record(gone, announced=BOOKED)) == "CANCEL"
    # The list of what was announced keeps the latest six: its oldest may have been the booking.
    long = tuple(("appointment.changed", version) for version in range(2, 8))
    assert method_of(told("appointment.cancelled"), record(gone, announced=long)) == "CANCEL"


def test_a_merged_client_keeps_the_entry_it_had() -> None:
    before = entry_of(told(recipient="c:old"), record(appointment(client_id="old")))
    merged = record(appointment(client_id="anna"), former=("old",))
    assert entry_of(told(recipient="c:anna"), merged) == before
    assert entry_of(told(recipient="c:old"), merged) == before
    assert entry_of(told(recipient="c:other"), merged) != before
    assert staff().id not in before
