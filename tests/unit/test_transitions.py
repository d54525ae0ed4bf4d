"""What two states of an appointment mean: the whole matrix, and who is told."""

from typing import Any

import pytest

from carillon.domain.catalog import EVENT_ROWS
from carillon.domain.record_documents import STATUSES, Actor, Appointment, Status
from carillon.domain.records import Event
from carillon.domain.transitions import CHANGED, MATRIX, derive, status_event
from tests.builders import NOW, appointment

# From (rows) and to (columns), written from the contract's table of events; "." is no event.
#            requested booked accepted refused cancelled completed no_show awaiting_payment
EXPECTED = """
new              req   bok    bok      .       .         .         .       pay
requested        .     acc    acc      ref     can       com       nos     pay
booked           req   .      .        .       can       com       nos     pay
accepted         req   .      .        .       can       com       nos     pay
refused          req   bok    bok      .       can       com       nos     pay
cancelled        req   bok    bok      .       .         com       nos     pay
completed        req   .      .        .       can       .         nos     pay
no_show          req   bok    bok      .       can       com       .       pay
awaiting_payment req   bok    bok      .       can       com       nos     .
"""
NAMES = {
    "req": "requested",
    "bok": "booked",
    "acc": "accepted",
    "ref": "refused",
    "can": "cancelled",
    "com": "completed",
    "nos": "no_show",
    "pay": "payment_required",
}
COLUMNS = ("requested", "booked", "accepted", "refused", "cancelled", "completed", "no_show", "awaiting_payment")


def cells() -> list[tuple[str, str, str | None]]:
    found = []
    for line in EXPECTED.strip().splitlines():
        before, *events = line.split()
        found += [
            (before, after, f"appointment.{NAMES[name]}" if name != "." else None)
            for after, name in zip(COLUMNS, events, strict=True)
        ]
    return found


def derived(before: Appointment | None, after: Appointment, actor: Actor | None = None) -> list[Event]:
    return derive(before, after, actor=actor or Actor(), version=2, now=NOW, zone="Europe/Amsterdam")


def told(events: list[Event]) -> list[tuple[str, Any, Any, Any]]:
    return [(e.type.removeprefix("appointment."), e.client_id, e.audiences, e.staff) for e in events]


def test_the_table_has_every_status_both_ways() -> None:
    assert {after for _, after, _ in cells()} == set(STATUSES)
    assert {before for before, _, _ in cells()} == {"new", *STATUSES}
    assert len(cells()) == 9 * 8


@pytest.mark.parametrize(("before", "after", "expected"), cells())
def test_a_change_of_status_is_the_event_of_the_table(before: str, after: Status, expected: str | None) -> None:
    assert status_event(None if before == "new" else before, after) == expected  # type: ignore[arg-type]


@pytest.mark.parametrize(("before", "after", "expected"), cells())
def test_each_transition_makes_at_most_its_one_event(before: Status, after: Status, expected: str | None) -> None:
    old = None if before == "new" else appointment(status=before)  # type: ignore[comparison-overlap]
    assert [event.type for event in derived(old, appointment(status=after))] == ([expected] if expected else [])


def test_the_matrix_and_the_catalog_name_the_same_events() -> None:
    derived_ones = {row.event for row in EVENT_ROWS if row.group == "appointments" and not row.posted}
    assert {*MATRIX.values(), CHANGED} == derived_ones


def test_whoever_an_acceptance_takes_the_appointment_from_is_told_that_much() -> None:
    before = appointment(status="requested", client_id="anna", staff_ids=["s1", "s2"])
    after = appointment(status="accepted", client_id="bob", staff_ids=["s2", "s3"])
    assert told(derived(before, after)) == [
        ("cancelled", "anna", ["client"], None),
        ("cancelled", "bob", ["collaborator"], ["s1"]),
        ("accepted", "bob", None, None),
    ]


def test_what_had_been_cancelled_is_taken_from_nobody() -> None:
    before = appointment(status="cancelled", staff_ids=["s1"])
    assert told(derived(before, appointment(staff_ids=["s2"]))) == [("booked", "anna", None, None)]


@pytest.mark.parametrize(
    "change",
    [
        {"start": "2026-12-01T15:00:00"},
        {"duration_minutes": 60},
        {"service": "Verven"},
        {"service": None},
        {"location": "Kamer 2"},
        {"time_zone": "Europe/London"},
    ],
)
@pytest.mark.parametrize("status", ["booked", "accepted", "requested", "awaiting_payment"])
def test_a_difference_that_matters_is_a_change(change: dict[str, Any], status: str) -> None:
    before = appointment(status=status)
    assert told(derived(before, appointment(status=status, **change))) == [("changed", "anna", None, None)]


@pytest.mark.parametrize(
    "change",
    [
        {"fields": {"note": "bring photos"}},
        {"price": None},
        {"manage_url": "https://example.com/m"},
        {"payment_url": "https://example.com/p"},
        {"start": "2026-12-01T14:30"},
        {"start": "2026-12-01T14:30:00+01:00"},
        {"start": "2026-12-01T13:30:00Z"},
        {"time_zone": "Europe/Amsterdam"},
        {"staff_ids": ["s2", "s1"]},
        {"status": "accepted"},
    ],
)
def test_a_difference_that_does_not_matter_is_no_event(change: dict[str, Any]) -> None:
    assert derived(appointment(staff_ids=["s1", "s2"]), appointment(**({"staff_ids": ["s1", "s2"]} | change))) == []


@pytest.mark.parametrize("status", ["cancelled", "refused", "completed", "no_show"])
def test_a_change_of_what_is_over_is_no_event(status: str) -> None:
    before = appointment(status=status, staff_ids=["s1"])
    assert derived(before, appointment(status=status, start="2026-12-02T10:00:00", staff_ids=["s2"])) == []


def test_nothing_changed_is_no_event() -> None:
    assert derived(appointment(), appointment()) == []


def test_status_wins_over_every_other_change() -> None:
    after = appointment(status="cancelled", start="2026-12-05T10:00:00", service="Verven")
    assert told(derived(appointment(), after)) == [("cancelled", "anna", None, [])]


def test_a_cancellation_tells_those_who_had_the_appointment() -> None:
    before = appointment(staff_ids=["s2", "s1"], client_id="anna")
    after = appointment(staff_ids=["s3"], client_id="bob", status="cancelled")
    assert told(derived(before, after)) == [("cancelled", "anna", None, ["s1", "s2"])]


def test_an_added_collaborator_is_told_of_a_booking_and_the_others_of_a_change() -> None:
    events = derived(appointment(staff_ids=["s1"]), appointment(staff_ids=["s1", "s2"]))
    assert told(events) == [
        ("booked", "anna", ["collaborator"], ["s2"]),
        ("changed", "anna", None, ["s1"]),
    ]


def test_a_removed_collaborator_is_told_of_a_cancellation_and_the_others_of_a_change() -> None:
    events = derived(appointment(staff_ids=["s1", "s2"]), appointment(staff_ids=["s2"]))
    assert told(events) == [
        ("cancelled", "anna", ["collaborator"], ["s1"]),
        ("changed", "anna", None, ["s2"]),
    ]


def test_a_replaced_collaborator_makes_each_of_the_three() -> None:
    events = derived(appointment(staff_ids=["s1", "s2"]), appointment(staff_ids=["s2", "s3"]))
    assert told(events) == [
        ("cancelled", "anna", ["collaborator"], ["s1"]),
        ("booked", "anna", ["collaborator"], ["s3"]),
        ("changed", "anna", None, ["s2"]),
    ]


def test_an_appointment_that_passes_to_another_client_is_cancelled_for_one_and_booked_for_the_other() -> None:
    events = derived(appointment(client_id="anna"), appointment(client_id="bob"))
    assert sorted(told(events), key=str) == sorted(
        [
            ("cancelled", "anna", ["client"], None),
            ("booked", "bob", ["client"], None),
            ("changed", "bob", ["collaborator", "manager", "owner"], None),
        ],
        key=str,
    )


def test_nobody_is_named_by_two_events_of_one_put() -> None:
    before = appointment(client_id="anna", staff_ids=["s1", "s2"])
    after = appointment(client_id="bob", staff_ids=["s2", "s3"], start="2026-12-02T10:00:00")
    clients: list[str | None] = []
    collaborators: list[str] = []
    for event in derived(before, after):
        audiences = event.audiences or ["client", "collaborator"]
        clients += [event.client_id] if "client" in audiences else []
        collaborators += (event.staff or []) if "collaborator" in audiences else []
    assert sorted(map(str, clients)) == ["anna", "bob"]
    assert sorted(collaborators) == ["s1", "s2", "s3"]


def test_an_event_carries_its_version_its_instant_and_who_did_it() -> None:
    (event,) = derived(None, appointment(), Actor(type="client", id="anna"))
    assert (event.version, event.at, event.actor) == (2, "2026-11-23T09:00:00Z", Actor(type="client", id="anna"))
