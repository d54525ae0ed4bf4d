"""Booking files: both formats read, the example as generated, and the steps in order."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from local.replay import example, hotel, own_format
from local.replay.bookings import BookingFile, InvalidFileError, read_file
from local.replay.steps import make_steps, shift_days

READERS = {hotel.REQUIRED: hotel.read, own_format.REQUIRED: own_format.read}
EXAMPLE = Path(__file__).parents[2] / "examples" / "bookings.csv"
HOTEL_HEADER = (
    "hotel,lead_time,arrival_date_year,arrival_date_month,arrival_date_day_of_month,stays_in_weekend_nights,"
    "stays_in_week_nights,country,market_segment,booking_changes,days_in_waiting_list,reservation_status,"
    "reservation_status_date\n"
)


def _read(tmp_path: Path, text: str) -> BookingFile:
    path = tmp_path / "bookings.csv"
    path.write_text(text, "utf-8")
    return read_file(path, READERS)


def test_the_example_is_what_the_generator_writes() -> None:
    read = read_file(EXAMPLE, READERS)
    assert list(read.bookings) == example.make(240, date(2027, 3, 1), 35, 7)


def test_the_example_holds_every_kind_of_step() -> None:
    bookings = read_file(EXAMPLE, READERS).bookings
    assert {booking.status for booking in bookings} == {"booked", "completed", "cancelled", "no_show"}
    changed = {name for booking in bookings for change in booking.changes for name in change.values}
    assert changed == {"start", "service", "duration_minutes", "staff", "note", "notify"}
    assert any(booking.guest.phone is None and booking.guest.email is None for booking in bookings)
    assert any(not booking.guest.consents for booking in bookings)
    assert any(not booking.guest.enrolled for booking in bookings)


def test_steps_are_in_order_and_a_booking_never_does_two_things_at_once() -> None:
    steps = make_steps(read_file(EXAMPLE, READERS), 0)
    assert [step.at for step in steps] == sorted(step.at for step in steps)
    assert len({(step.at, step.record) for step in steps}) == len(steps)


def test_each_client_comes_along_once() -> None:
    file = read_file(EXAMPLE, READERS)
    clients = [step.client["id"] for step in make_steps(file, 0) if step.client is not None]
    assert sorted(clients) == sorted({booking.guest.id for booking in file.bookings})


@pytest.mark.parametrize(
    ("today", "days"), [("2026-12-01", 0), ("2027-02-27", 0), ("2027-02-28", 7), ("2028-03-01", 371)]
)
def test_a_file_of_the_past_moves_on_by_whole_weeks(today: str, days: int) -> None:
    bookings = read_file(EXAMPLE, READERS).bookings
    assert shift_days(bookings, date.fromisoformat(today)) == days


def test_hotel_lines_get_hours_and_contacts_that_never_change(tmp_path: Path) -> None:
    line = "Resort Hotel,20,2031,May,14,1,2,NLD,Direct,2,0,Check-Out,5/17/2031\n"
    first, second = (_read(tmp_path, HOTEL_HEADER + line).bookings for _ in range(2))
    assert first == second
    booking = first[0]
    assert booking.booked_at.date() == date(2031, 4, 24)
    assert booking.status == "completed"
    assert booking.status_at is not None
    assert booking.status_at.date() == date(2031, 5, 17)
    assert len(booking.changes) == 2
    assert booking.booked_at < booking.changes[0].at < booking.changes[1].at < booking.start


def test_a_hotel_booking_cancelled_on_its_day_is_cancelled_after_it_was_made(tmp_path: Path) -> None:
    line = "City Hotel,0,2031,May,14,0,1,PRT,Groups,3,0,Canceled,5/14/2031\n"
    booking = _read(tmp_path, HOTEL_HEADER + line).bookings[0]
    instants = [booking.booked_at, *(change.at for change in booking.changes), booking.status_at, booking.start]
    assert len(set(instants)) == 6
    assert instants == sorted(instants, key=str)


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("a,b\n1,2\n", "lacks columns"),
        ("booking,booked_at,start,duration_minutes,client,status\n", "no booking"),
        ("booking,booked_at,start,duration_minutes,client,status\n1,2031,2031-05-01T10:00,30,c,booked\n", "line 2"),
        ("booking,booked_at,start,duration_minutes,client,status\n1,2031-05-01T08:07,x,30,c,gone\n", "line 2: status"),
        (HOTEL_HEADER + "H,1,2031,Mai,1,0,1,PRT,Direct,0,0,Check-Out,5/2/2031\n", "line 2"),
    ],
)
def test_what_cannot_be_read_is_told_with_its_line(tmp_path: Path, text: str, part: str) -> None:
    with pytest.raises(InvalidFileError, match=part):
        _read(tmp_path, text)
