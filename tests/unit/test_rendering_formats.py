"""Dates, times, prices and counts as each locale writes them."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from carillon.adapters.rendering.formatting import Facts, build_values
from carillon.adapters.rendering.locales import formats
from carillon.adapters.rendering.samples import minimal_facts, sample_facts
from carillon.domain.record_documents import Appointment
from carillon.domain.settings import Status


@pytest.mark.parametrize(
    ("locale", "country", "day", "time", "price"),
    [
        ("en", "NL", "Tuesday, 1 December", "14:30", "€ 45,00"),
        ("en", "US", "Tuesday, December 1", "2:30 PM", "€45.00"),
        ("en-US", "NL", "Tuesday, December 1", "2:30 PM", "€45.00"),
        ("en", "PL", "Tuesday, 1 December", "14:30", "45,00 €"),
        ("nl", "NL", "dinsdag 1 december", "14:30", "€ 45,00"),
        ("pl", "PL", "wtorek, 1 grudnia", "14:30", "45,00 €"),
        ("fr", "FR", "mardi 1er décembre", "14:30", "45,00 €"),
        ("fr", "CH", "mardi, 1er décembre", "14:30", "45,00 €"),
        ("de", "DE", "Dienstag, 1. Dezember", "14:30", "45,00 €"),
        ("pt-BR", "BR", "terça-feira, 1 de dezembro", "14:30", "€ 45,00"),
        ("hu", "HU", "december 1., kedd", "14:30", "45,00 EUR"),
    ],
)
def test_each_locale_writes_its_own_way(locale: str, country: str, day: str, time: str, price: str) -> None:
    names = formats(locale, country)
    assert names.full_day(date(2026, 12, 1)) == day
    assert names.time(datetime(2026, 12, 1, 14, 30, tzinfo=UTC)) == time
    assert names.money({"amount": 45, "currency": "EUR"}) == price


@pytest.mark.parametrize("locale", ["en", "en-US", "nl", "pl", "fr", "de", "sv", "ja"])
def test_no_narrow_or_hard_spaces_that_would_force_ucs2(locale: str) -> None:
    values = build_values(sample_facts(locale))
    assert not {"\u00a0", "\u202f"} & set(str(values))


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 wizyt"), (1, "1 wizyta"), (2, "2 wizyty"), (5, "5 wizyt"), (12, "12 wizyt"), (22, "22 wizyty")],
)
def test_polish_counts_in_three_forms(count: int, text: str) -> None:
    assert formats("pl", "PL").counted("appointments", count) == text


@pytest.mark.parametrize(
    ("locale", "minutes", "text"),
    [
        ("en", 45, "45 minutes"),
        ("en", 60, "1 hour"),
        ("en", 90, "1 hour 30 minutes"),
        ("en", 24 * 60, "24 hours"),
        ("en", 48 * 60, "2 days"),
        ("nl", 120, "2 uur"),
        ("pl", 61, "1 godzina 1 minuta"),
        ("pl", 300, "5 godzin"),
        ("fr", 90, "1 heure 30 minutes"),
        ("de", 90, "1 Stunde 30 Minuten"),
    ],
)
def test_durations(locale: str, minutes: int, text: str) -> None:
    assert formats(locale, "NL").duration(minutes) == text


def test_times_are_local_to_the_appointments_zone() -> None:
    facts = minimal_facts("en")
    visit = Appointment(client_id="1", start="2026-12-01T13:30:00Z", duration_minutes=30, status="booked")
    assert build_values(replace(facts, appointment=visit))["appointment"]["time"] == "14:30"
    there = replace(visit, time_zone="America/New_York")
    assert build_values(replace(facts, appointment=there))["appointment"]["time"] == "8:30 AM".removesuffix(
        " AM"
    ).zfill(5)


def test_a_date_far_away_shows_its_year() -> None:
    facts = minimal_facts("nl")
    assert facts.appointment is not None
    far = replace(facts, appointment=replace(facts.appointment, start="2027-12-01T14:30:00"))
    assert build_values(facts)["appointment"]["date"] == "1 december"
    assert build_values(far)["appointment"]["date"] == "1 december 2027"
    assert build_values(far)["appointment"]["day"] == "woensdag 1 december 2027"


@pytest.mark.parametrize(
    ("now", "word"),
    [
        (datetime(2026, 11, 29, 22, 0, tzinfo=UTC), ""),
        (datetime(2026, 11, 29, 23, 30, tzinfo=UTC), "morgen"),
        (datetime(2026, 11, 30, 17, 0, tzinfo=UTC), "morgen"),
        (datetime(2026, 12, 1, 7, 0, tzinfo=UTC), "vandaag"),
    ],
)
def test_today_and_tomorrow_are_days_where_the_appointment_is(now: datetime, word: str) -> None:
    assert build_values(replace(sample_facts("nl"), now=now))["reminder"]["day"] == word


def test_a_status_of_the_business_shows_its_label_in_the_readers_language() -> None:
    own = [Status(key="ready", label={"nl": "Klaar", "en": "Ready"}), Status(key="odd", label={"de": "Seltsam"})]
    assert formats("nl-BE", "BE").status("ready", own) == "Klaar"
    assert formats("fr", "FR").status("odd", own) == "Seltsam"
    assert formats("fr", "FR").status("unheard_of", own) == "unheard_of"
    assert formats("fr", "FR").status("cancelled") == "annulé"


def test_an_unknown_language_reads_as_english() -> None:
    facts: Facts = minimal_facts("xx")
    assert build_values(facts)["appointment"]["day"] == "Tuesday, 1 December"
