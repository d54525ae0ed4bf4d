"""What documents refuse at the doors, through the validator that the doors use."""

import json
from functools import cache
from typing import Annotated, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from carillon.domain.clients import Client, Staff
from carillon.domain.codec import to_data
from carillon.domain.constraints import (
    BIDI_CONTROLS,
    Country,
    Currency,
    Duration,
    Email,
    Id,
    Instant,
    Items,
    Line,
    Locale,
    LocalTime,
    Name,
    PhoneInput,
    Prose,
    Slug,
    Start,
    Url,
    Whole,
    Zone,
)
from carillon.domain.record_documents import Price
from carillon.domain.rules import Rules, default_rules
from carillon.domain.settings import MAX_REMINDERS, Settings, default_reminders
from carillon.services.appointments import AppointmentInput
from tests.builders import reminder, settings


@cache
def validator(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


def accepts(kind: Any, value: object) -> bool:
    try:
        validator(kind).validate_json(json.dumps(value))
    except ValidationError:
        return False
    return True


def places(kind: Any, value: object) -> set[str]:
    with pytest.raises(ValidationError) as caught:
        validator(kind).validate_json(json.dumps(value))
    return {"/".join(str(part) for part in error["loc"]) for error in caught.value.errors()}


CONTROLS = ["\0", "\x07", "\x1b", "\x7f", "\x85", "\ud800"]


@pytest.mark.parametrize("kind", [Name, Line, Prose])
@pytest.mark.parametrize("char", [*CONTROLS, *sorted(BIDI_CONTROLS)])
def test_text_has_no_control_characters_and_none_that_turn_it_around(kind: Any, char: str) -> None:
    assert not accepts(kind, f"Anna{char}Smit")


def test_only_prose_has_lines() -> None:
    assert accepts(Prose, "one\ntwo\r\n\tthree")
    for kind in (Name, Line):
        assert not accepts(kind, "one\ntwo")
        assert not accepts(kind, "one\ttwo")


@pytest.mark.parametrize(
    "text", ["Zażółć gęślą jaźń", "Ænima", "李雷", "علي", "O'Brien & Søn <ltd>", "👩‍🦰", "{{ 7*7 }}"]
)
def test_any_language_is_text(text: str) -> None:
    assert accepts(Name, text)


@pytest.mark.parametrize(("kind", "most"), [(Name, 200), (Line, 500), (Prose, 2000), (Id, 64), (Slug, 32)])
def test_text_has_a_longest_length(kind: Any, most: int) -> None:
    assert accepts(kind, "a" * most)
    assert not accepts(kind, "a" * (most + 1))


@pytest.mark.parametrize("kind", [Name, Id, Slug, Email, Url, Zone, Locale])
def test_what_must_say_something_is_not_empty(kind: Any) -> None:
    assert not accepts(kind, "")


VALID: list[tuple[Any, list[str]]] = [
    (Id, ["42", "a.b-c_d:e", "A" * 64]),
    (Email, ["anna@example.com", "a.b+c@sub.example.co.uk", "o'brien@example.ie", "x@a-b.example"]),
    (PhoneInput, ["+31 6 12345678", "06-12345678", "(0)20/123.45.67"]),
    (Url, ["https://example.com", "https://example.com:8443/a/b?c=d#e", "http://localhost/x"]),
    (Locale, ["nl", "pt-BR", "zh-Hant-TW", "es-419", "fil"]),
    (Country, ["NL", "PL"]),
    (Currency, ["EUR", "PLN"]),
    (LocalTime, ["00:00", "23:59"]),
    (Duration, ["PT24H", "P1D", "PT0S"]),
    (Start, ["2026-12-01T14:30", "2026-12-01T14:30:00+01:00"]),
    (Instant, ["2026-12-01T13:30:00Z", "2026-12-01T14:30:00+01:00"]),
    (Zone, ["Europe/Amsterdam", "UTC"]),
    (Slug, ["day_before", "x2"]),
]
INVALID: list[tuple[Any, list[object]]] = [
    (Id, ["a b", "a/b", "a#b", "ü", "a\n", "٤٢", 42, None, "a" * 65]),
    (Email, ["anna", "anna@", "@example.com", "a@b", "a b@example.com", "a@exa mple.com", "a@-example.com",
             "a@example..com", "a..b@example.com", "a@example.com\n", "Anna <a@example.com>", "a@b@example.com",
             "ą@example.com", "a" * 65 + "@example.com", "a@" + "b" * 250 + ".com"]),
    (PhoneInput, ["phone", "+31612345678\n", "+", "06 12 34;56", "٠٦١٢٣٤٥٦٧٨"]),
    (Url, ["javascript:alert(1)", "ftp://example.com", "//example.com", "https://exa mple.com", "https://",
           'https://example.com/"onclick', "https://example.com/<b>", "https://user@example.com", "HTTPS"]),
    (Locale, ["NL", "nl_NL", "dutch", "nl-nl", "n"]),
    (Country, ["nl", "NLD", "N"]),
    (Currency, ["eur", "EU", "EURO"]),
    (LocalTime, ["24:00", "8:00", "08:00:00", "0٣:00"]),
    (Duration, ["24H", "P1M", "PT", "P400D"]),
    (Start, ["2026-12-01", "tomorrow", "2026-02-30T10:00"]),
    (Instant, ["2026-12-01T13:30:00", "2026-12-01"]),
    (Zone, ["Mars/X", "localtime", "../etc", "+01:00"]),
    (Slug, ["Day", "day-before", "day before"]),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "value"), [(kind, value) for kind, values in VALID for value in values])
def test_a_valid_value_is_kept_as_written(kind: Any, value: str) -> None:
    assert validator(kind).validate_json(json.dumps(value)) == value


@pytest.mark.parametrize(("kind", "value"), [(kind, value) for kind, values in INVALID for value in values])
def test_an_invalid_value_is_refused(kind: Any, value: object) -> None:
    assert not accepts(kind, value)


@given(st.text(max_size=80))
def test_an_id_has_only_its_letters_whatever_is_given(value: str) -> None:
    allowed = set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._:-")
    assert accepts(Id, value) == (1 <= len(value) <= 64 and set(value) <= allowed)


def test_whole_numbers_are_whole_and_within_their_bounds() -> None:
    kind = Annotated[int, Whole(1, 9)]
    assert accepts(kind, 1)
    assert accepts(kind, 9)
    assert not any(accepts(kind, value) for value in (0, 10, 1.5, "5", True, None, 2**70))


def test_lists_have_a_longest_length() -> None:
    kind = Annotated[list[str], Items(max=2, min=1)]
    assert [accepts(kind, ["x"] * length) for length in range(4)] == [False, True, True, False]


@pytest.mark.parametrize("amount", [float("nan"), float("inf"), -0.01, 1e9 + 1, "12"])
def test_a_price_is_an_amount(amount: object) -> None:
    assert not accepts(Price, {"amount": amount, "currency": "EUR"})


DOCUMENTS: list[tuple[Any, dict[str, Any]]] = [
    (Settings, to_data(settings())),
    (Client, {"id": "anna"}),
    (Staff, {"id": "s1", "name": "Sam"}),
    (Rules, to_data(default_rules())),
    (AppointmentInput, {"client_id": "anna", "start": "2026-12-01T14:30", "duration_minutes": 45, "status": "booked"}),
]


@pytest.mark.parametrize(("kind", "data"), DOCUMENTS)
def test_a_document_with_an_unknown_field_is_refused(kind: Any, data: dict[str, Any]) -> None:
    assert accepts(kind, data)
    assert places(kind, data | {"unheard_of": 1}) == {"unheard_of"}


def test_all_faults_are_found_at_once_and_at_their_places() -> None:
    wrong = {
        "client_id": "a b",
        "start": "soon",
        "duration_minutes": 0,
        "status": "maybe",
        "staff_ids": ["ok", ""],
        "price": {"amount": -1, "currency": "€"},
        "extra": True,
    }
    assert places(AppointmentInput, wrong) == {
        "client_id",
        "start",
        "duration_minutes",
        "status",
        "staff_ids/1",
        "price/amount",
        "price/currency",
        "extra",
    }


def test_values_are_not_bent_into_shape() -> None:
    basis = {"client_id": "anna", "start": "2026-12-01T14:30", "duration_minutes": 45, "status": "booked"}
    for wrong in ({"duration_minutes": "45"}, {"client_id": 42}, {"notify": "yes"}, {"notify": 1}, {"staff_ids": "s1"}):
        assert not accepts(AppointmentInput, basis | wrong)


def test_own_fields_are_few_short_and_plain() -> None:
    basis = {"client_id": "anna", "start": "2026-12-01T14:30", "duration_minutes": 45, "status": "booked"}

    def fits(fields: object) -> bool:
        return accepts(AppointmentInput, basis | {"fields": fields})

    assert fits({"note": "x" * 7000, "n": 1, "f": 1.5, "b": True, "none": None})
    assert not fits({"note": "x" * 8001})
    assert not fits({f"f{number}": 1 for number in range(51)})
    assert not fits({"a b": 1})
    assert not fits({"nested": {"a": 1}})
    assert not fits({"listed": [1]})


def with_reminders(*reminders: Any) -> dict[str, Any]:
    data: dict[str, Any] = to_data(settings())
    return data | {"reminders": [to_data(one) for one in reminders]}


def test_built_in_reminders_can_be_disabled_and_not_removed() -> None:
    assert accepts(Settings, with_reminders(*default_reminders()))
    assert not accepts(Settings, with_reminders(*default_reminders()[1:]))


def test_own_reminders_are_added_up_to_a_dozen_and_each_key_once() -> None:
    own = [reminder(f"own{number}") for number in range(6)]
    room = MAX_REMINDERS - len(default_reminders())
    assert accepts(Settings, with_reminders(*default_reminders(), *own[:room]))
    assert not accepts(Settings, with_reminders(*default_reminders(), *own[: room + 1]))
    assert not accepts(Settings, with_reminders(*default_reminders(), own[0], own[0]))


@pytest.mark.parametrize(
    "when",
    [
        {},
        {"days_before": 1},
        {"at": "18:00"},
        {"days_before": 1, "at": "18:00", "before": "PT1H"},
        {"before": "PT1H", "after_end": "PT1H"},
        {"before": "PT1H", "at": "18:00"},
        {"days_before": 366, "at": "18:00"},
        {"days_before": -1, "at": "18:00"},
        {"days_before": 1, "at": "25:00"},
        {"after_end": "-PT1H"},
        {"every": "P1D"},
    ],
)
def test_a_reminder_has_exactly_one_form(when: dict[str, Any]) -> None:
    data = with_reminders(*default_reminders())
    data["reminders"][0]["when"] = when
    assert not accepts(Settings, data)


def test_a_reminder_lists_each_channel_once_and_push_never() -> None:
    data = with_reminders(*default_reminders())
    for channels in (["email", "email"], ["push"], ["pigeon"], "email"):
        data["reminders"][0]["channels"] = channels
        assert not accepts(Settings, data)
