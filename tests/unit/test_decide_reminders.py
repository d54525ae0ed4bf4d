"""Reminders: which channel of a client's preferences, and if none, why."""

from dataclasses import replace
from typing import Any

import pytest

from carillon.domain.channels import Channel
from carillon.domain.clients import Client, ConsentState, default_consents, reminders_of
from carillon.domain.decide import decide_reminder, in_force, whatsapp_template
from carillon.domain.decisions import Verdict
from carillon.domain.settings import ConsentDefaults, default_reminders
from carillon.domain.standing import still_called_for
from tests.builders import ALL_SERVICE, appointment, approved, client, facts, organization, record, reminder, settings


def decided(key: str = "day_before", given_up: dict[str, str] | None = None, **changes: Any) -> Verdict:
    verdict = decide_reminder(key, facts(**changes), given_up=given_up)
    assert verdict is not None
    return verdict


def with_reminders(*reminders: Any, **changes: Any) -> Client:
    return client(reminders=list(reminders), **changes)


def outcome(verdict: Verdict) -> tuple[list[str], dict[str, str | None]]:
    return [item.channel for item in verdict.send], {item.channel: item.reason for item in verdict.refused}


def test_the_first_channel_that_can_reach_the_client_is_chosen() -> None:
    assert outcome(decided()) == (
        ["whatsapp"],
        {"sms": "covered_by_other_channel", "email": "covered_by_other_channel"},
    )


def test_earlier_channels_keep_their_own_reason_and_later_ones_are_covered() -> None:
    verdict = decided(client=client(consents=ConsentState(service={"sms": True, "email": True})))
    assert outcome(verdict) == (["sms"], {"whatsapp": "consent_missing", "email": "covered_by_other_channel"})


def test_a_later_channel_with_an_obstacle_of_its_own_keeps_that_reason() -> None:
    verdict = decided(client=client(email=None))
    assert outcome(verdict) == (["whatsapp"], {"sms": "covered_by_other_channel", "email": "no_address"})


def test_a_client_who_can_be_reached_nowhere_has_a_reason_per_channel_in_the_order_listed() -> None:
    verdict = decided(client=client(phone=None, consents=ConsentState(service={"whatsapp": True, "sms": True})))
    assert verdict.send == ()
    assert [(item.channel, item.reason) for item in verdict.refused] == [
        ("whatsapp", "no_address"),
        ("sms", "no_address"),
        ("email", "consent_missing"),
    ]


def test_the_strategy_all_sends_on_each() -> None:
    both = with_reminders(reminder("day_before", channels=["email", "sms"], strategy="all", before="PT24H"))
    verdict = decided(client=both)
    assert outcome(verdict) == (["email", "sms"], {})
    assert not verdict.strategy_continues


def test_the_order_of_the_clients_list_counts() -> None:
    mine = with_reminders(reminder("day_before", channels=["email", "whatsapp"], before="PT24H"))
    verdict = decided(client=mine)
    assert outcome(verdict) == (["email"], {"whatsapp": "covered_by_other_channel"})
    assert verdict.strategy_continues


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"client": client(enrolled=False)}, "not_enrolled"),
        ({"client": client(removed=True)}, "not_enrolled"),
        ({"client": client(reminders=None)}, "reminder_disabled"),
        ({"client": client(reminders=[])}, "reminder_disabled"),
        (
            {"client": client(reminders=[replace(default_reminders()[0], enabled=False)])},
            "reminder_disabled",
        ),
        ({"organization": organization(active=False)}, "notifications_inactive"),
    ],
)
def test_what_holds_for_all_channels(changes: dict[str, Any], reason: str) -> None:
    verdict = decided(**changes)
    assert verdict.send == ()
    assert {item.reason for item in verdict.refused} == {reason}


def test_without_a_client_there_is_nothing_to_decide() -> None:
    assert decide_reminder("day_before", facts(client=None)) is None


def test_channels_tried_in_vain_are_passed_over() -> None:
    verdict = decided(given_up={"whatsapp": "unreachable"})
    assert outcome(verdict) == (["sms"], {"whatsapp": "unreachable", "email": "covered_by_other_channel"})
    everything = {"whatsapp": "unreachable", "sms": "recipient_rejected", "email": "recipient_rejected"}
    assert outcome(decided(given_up=everything)) == ([], everything)


def test_whatsapp_without_an_approved_template_gives_its_turn_away() -> None:
    verdict = decided(whatsapp_templates=frozenset())
    assert outcome(verdict) == (["sms"], {"whatsapp": "whatsapp_template_missing", "email": "covered_by_other_channel"})


@pytest.mark.parametrize(
    ("known", "locale", "found"),
    [
        ([("reminder.day_before", "nl"), ("reminder", "nl")], "nl", ("reminder.day_before", "nl")),
        ([("reminder", "nl")], "nl", ("reminder", "nl")),
        ([("reminder", "pt")], "pt-BR", ("reminder", "pt")),
        ([("reminder", "pt"), ("reminder", "pt-BR")], "pt-BR", ("reminder", "pt-BR")),
        # The text of the key, in the language, comes before the general one in the very locale.
        ([("reminder.day_before", "pt"), ("reminder", "pt-BR")], "pt-BR", ("reminder.day_before", "pt")),
        ([("reminder", "en")], "nl", None),
        ([("review", "nl")], "nl", None),
        ([], "nl", None),
    ],
)
def test_templates_fall_back_to_the_general_key_and_the_language(
    known: list[tuple[str, str]], locale: str, found: tuple[str, str] | None
) -> None:
    templates = {(key, "client", language) for key, language in known}
    expected = (found[0], "client", found[1]) if found else None
    assert whatsapp_template(templates, "reminder.day_before", "client", locale) == expected


def test_a_template_for_another_audience_is_none() -> None:
    assert whatsapp_template(approved("reminder", audience="collaborator"), "reminder", "client", "nl") is None


def test_an_own_reminder_key_falls_back_to_the_general_template() -> None:
    own = with_reminders(reminder("two_days", days_before=2, at="10:00"))
    assert outcome(decided("two_days", client=own))[0] == ["whatsapp"]


def test_a_review_is_marketing_and_asks_for_its_own_consent() -> None:
    asked = reminder("review", channels=["email"], after_end="PT2H")
    service_only = with_reminders(asked)
    assert outcome(decided("review", client=service_only)) == ([], {"email": "consent_missing"})
    marketing = with_reminders(asked, consents=ConsentState(marketing={"email": True}))
    assert outcome(decided("review", client=marketing)) == (["email"], {})


@pytest.mark.parametrize(
    ("phone", "email", "expected"),
    [
        (False, False, {}),
        (True, False, {"sms": True, "whatsapp": True, "viber": True}),
        (False, True, {"email": True}),
        (True, True, {"sms": True, "whatsapp": True, "viber": True, "email": True}),
    ],
)
def test_the_defaults_of_consent_cover_their_channels_for_service_only(
    phone: bool, email: bool, expected: dict[Channel, bool]
) -> None:
    state = default_consents(settings(consent_defaults=ConsentDefaults(phone=phone, email=email)))
    assert state.service == expected
    assert state.marketing == {}
    assert state.of("marketing") == {}


def test_only_the_enrolled_have_reminders_in_force() -> None:
    assert len(reminders_of(client())) == 7
    assert reminders_of(client(enrolled=False)) == []
    assert reminders_of(client(removed=True)) == []
    assert in_force(client(), "day_before") == default_reminders()[0]
    assert in_force(client(), "hour_before") is None
    assert in_force(client(), "unheard_of") is None
    assert in_force(client(enrolled=False), "day_before") is None
    assert in_force(None, "day_before") is None


STATUSES_CALLING = {
    "appointment.booked": {"booked", "accepted", "completed"},
    "appointment.changed": {"booked", "accepted", "requested", "awaiting_payment"},
    "appointment.cancelled": {"cancelled"},
    "appointment.requested": {"requested"},
    "appointment.accepted": {"booked", "accepted", "completed"},
    "appointment.refused": {"refused"},
    "appointment.completed": {"completed"},
    "appointment.no_show": {"no_show"},
    "appointment.payment_required": {"awaiting_payment"},
}
ALL_STATUSES = ("requested", "booked", "accepted", "refused", "cancelled", "completed", "no_show", "awaiting_payment")


@pytest.mark.parametrize("kind", STATUSES_CALLING)
@pytest.mark.parametrize("status", ALL_STATUSES)
def test_the_status_has_to_call_for_an_events_message(kind: str, status: str) -> None:
    now = record(appointment(status=status, staff_ids=["s1"]))
    for audience, ref in (("client", "c:anna"), ("collaborator", "s:s1"), ("manager", "s:m1")):
        called = still_called_for(kind, audience, ref, now)  # type: ignore[arg-type]
        assert called == (status in STATUSES_CALLING[kind])


def test_a_booking_for_someone_who_has_no_part_in_it_any_more_is_not_called_for() -> None:
    now = record(appointment(client_id="bob", staff_ids=["s2"]))
    assert not still_called_for("appointment.booked", "client", "c:anna", now)
    assert not still_called_for("appointment.booked", "collaborator", "s:s1", now)
    assert still_called_for("appointment.booked", "client", "c:bob", now)


def test_a_cancellation_for_someone_it_was_taken_from_is_called_for_while_it_goes_on_without_him() -> None:
    now = record(appointment(client_id="bob", staff_ids=["s2"]))
    assert still_called_for("appointment.cancelled", "client", "c:anna", now)
    assert still_called_for("appointment.cancelled", "collaborator", "s:s1", now)
    assert not still_called_for("appointment.cancelled", "collaborator", "s:s2", now)
    assert not still_called_for("appointment.cancelled", "manager", "s:m1", now)


def test_consent_for_a_channel_says_nothing_of_another() -> None:
    for channel in ALL_SERVICE:
        only = client(consents=ConsentState(service={channel: True}))
        assert outcome(decided(client=only))[0] == [channel]
