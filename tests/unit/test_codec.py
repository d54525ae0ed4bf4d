"""Documents as JSON and back, without a library."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carillon.domain import codec
from carillon.domain.channels import LISTABLE
from carillon.domain.clients import Client
from carillon.domain.constraints import document
from carillon.domain.record_documents import STATUSES, Appointment, Price
from carillon.domain.records import Event
from carillon.domain.rules import Rules, default_rules
from carillon.domain.settings import (
    ConsentDefaults,
    Contact,
    EmailSender,
    MessageMode,
    Notified,
    QuietHours,
    Recap,
    RecapOf,
    Reminder,
    RemindStaff,
    Review,
    Settings,
    Status,
    When,
)
from tests.builders import appointment, client, event, settings

words = st.text(st.characters(codec="utf-8"), max_size=20)
names = st.text(st.characters(codec="utf-8"), min_size=1, max_size=20)
maybe = st.one_of(st.none(), words)
times = st.builds("{:02d}:{:02d}".format, st.integers(0, 23), st.integers(0, 59))
channels = st.lists(st.sampled_from(LISTABLE), unique=True, max_size=5)
whens = st.one_of(
    st.builds(When, days_before=st.integers(0, 365), at=times),
    st.builds(When, before=st.just("PT24H")),
    st.builds(When, after_end=st.just("PT2H")),
    st.builds(When, after_completed=st.just("PT0S")),
)
reminders = st.builds(
    Reminder,
    key=names,
    enabled=st.booleans(),
    when=whens,
    channels=channels,
    strategy=st.sampled_from(["all", "first_reachable"]),
)
recaps = st.builds(
    RecapOf, enabled=st.booleans(), day=st.sampled_from(["same_day", "day_before"]), at=times, channels=channels
)
documents = st.builds(
    Settings,
    name=names,
    time_zone=st.just("Europe/Paris"),
    locale=st.just("fr"),
    country=st.just("FR"),
    contact=st.builds(Contact, email=maybe, phone=maybe, address=maybe, website=maybe),
    message_mode=st.builds(MessageMode, mode=st.sampled_from(["shared", "own"]), business_name=maybe),
    reminders=st.lists(reminders, max_size=4),
    enrol_new_clients=st.booleans(),
    remind_staff=st.builds(RemindStaff, enabled=st.booleans(), channels=channels),
    late_booking=st.sampled_from(["skip", "send_now"]),
    collapse_same_day=st.booleans(),
    fallback_after=st.one_of(st.none(), st.just("PT30M")),
    quiet_hours=st.builds(QuietHours, enabled=st.booleans(), start=times, end=times),
    consent_defaults=st.builds(ConsentDefaults, phone=st.booleans(), email=st.booleans()),
    prevent_duplicate_clients=st.booleans(),
    email_sender=st.builds(EmailSender, from_=st.sampled_from(["no_reply", "organization", "staff"])),
    manager=st.builds(Notified, email=maybe, mobile=maybe),
    owner=st.builds(Notified, email=maybe, mobile=maybe),
    recap=st.builds(Recap, staff=recaps, managers=recaps, send_empty=st.booleans()),
    review=st.builds(Review, url=maybe, at_most_every_days=st.one_of(st.none(), st.integers(1, 3650))),
    order_statuses=st.lists(
        st.builds(Status, key=names, label=st.dictionaries(st.sampled_from(["nl", "en"]), names), final=st.booleans()),
        max_size=3,
    ),
    link_domains=st.lists(names, max_size=3),
    retention_days=st.integers(30, 730),
)


@given(documents)
def test_settings_survive_being_stored(given_settings: Settings) -> None:
    assert codec.loads(Settings, codec.dumps(given_settings)) == given_settings


@given(documents)
def test_what_is_stored_is_json_and_the_same_every_time(given_settings: Settings) -> None:
    text = codec.dumps(given_settings)
    assert codec.dumps(codec.loads(Settings, text)) == text
    assert json.loads(text) == codec.to_data(given_settings)


@given(
    st.builds(
        Appointment,
        client_id=names,
        start=st.just("2026-12-01T14:30:00"),
        duration_minutes=st.integers(1, 10_000),
        status=st.sampled_from(STATUSES),
        staff_ids=st.lists(names, max_size=3),
        service=maybe,
        price=st.one_of(st.none(), st.builds(Price, amount=st.floats(0, 1e9), currency=st.just("EUR"))),
        fields=st.dictionaries(
            names, st.one_of(words, st.integers(), st.floats(allow_nan=False), st.booleans(), st.none()), max_size=5
        ),
    )
)
def test_appointments_survive_being_stored(given_appointment: Appointment) -> None:
    assert codec.loads(Appointment, codec.dumps(given_appointment)) == given_appointment


@pytest.mark.parametrize(
    ("cls", "value"),
    [
        (Rules, default_rules()),
        (Client, client(tags=["vip"], opted_out=["sms"], custom=True)),
        (Event, event(audiences=["client"], staff=[])),
        (Event, event()),
        (Appointment, appointment(fields={"a": None, "b": 1.5, "c": True})),
    ],
)
def test_every_stored_document_comes_back_as_it_was(cls: type[Any], value: object) -> None:
    assert codec.loads(cls, codec.dumps(value)) == value


def test_none_and_empty_are_different_things() -> None:
    assert codec.loads(Event, codec.dumps(event(staff=[]))).staff == []
    assert codec.loads(Event, codec.dumps(event(staff=None))).staff is None


def test_a_field_named_like_a_keyword_has_its_plain_name_in_json() -> None:
    data = codec.to_data(settings(email_sender=EmailSender(from_="staff")))
    assert data["email_sender"] == {"from": "staff"}


def test_a_when_shows_only_the_form_it_has() -> None:
    assert codec.to_data(When(before="PT1H")) == {"before": "PT1H"}
    assert codec.to_data(When(days_before=0, at="08:00")) == {"days_before": 0, "at": "08:00"}


def test_a_document_of_a_newer_version_is_read_without_what_is_unknown() -> None:
    data = codec.to_data(settings()) | {"invented_later": {"a": 1}}
    assert codec.from_data(Settings, data) == settings()


def test_a_document_of_an_older_version_gets_todays_defaults() -> None:
    data = codec.to_data(settings())
    del data["quiet_hours"], data["retention_days"]
    assert codec.from_data(Settings, data) == settings()


def test_text_is_kept_readable() -> None:
    assert "Zażółć" in codec.dumps(settings(name="Zażółć"))


def test_a_field_that_may_be_one_of_two_documents_is_refused_when_first_read() -> None:
    @document
    class Either:
        value: Price | When

    with pytest.raises(TypeError, match="choice of classes"):
        codec.from_data(Either, {"value": {}})


def test_replacing_a_field_does_not_change_the_original() -> None:
    before = settings()
    text = codec.dumps(before)
    replace(before, name="Other")
    assert codec.dumps(before) == text
