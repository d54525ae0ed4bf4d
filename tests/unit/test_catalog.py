"""The catalog and the channels hold together, whatever is added to them."""

import pytest

from carillon.domain.catalog import (
    AUDIENCES,
    EVENT_ROWS,
    REMINDER_ROWS,
    ROWS,
    Row,
    general_key,
    reminder_template_key,
    row_for,
)
from carillon.domain.channels import ALL, CHANNELS, LISTABLE
from carillon.domain.rules import Rule, RuleChannel, default_rules
from carillon.domain.settings import BUILT_IN_REMINDERS, Settings, default_reminders
from carillon.domain.transitions import MATRIX
from tests.builders import settings

# The contract's table of appointment events: client, collaborator, manager and owner.
MARKS = {
    "appointment.booked.widget": "+++",
    "appointment.booked.console": "+++",
    "appointment.requested": "+++",
    "appointment.accepted": "+oo",
    "appointment.refused": "+o+",
    "appointment.changed.client": "+++",
    "appointment.changed.console": "+++",
    "appointment.cancelled.client": "+++",
    "appointment.cancelled.console": "+++",
    "appointment.completed": "o--",
    "appointment.no_show": "o--",
    "appointment.payment_required": "+--",
    "appointment.earlier_slot": "+--",
    "slot.available": "+--",
}


@pytest.mark.parametrize(("key", "marks"), MARKS.items())
def test_a_row_is_offered_as_the_contract_marks_it(key: str, marks: str) -> None:
    shown = {"+": True, "o": False}
    pairs = zip(("client", "collaborator", "manager", "owner"), marks + marks[-1], strict=True)
    assert ROWS[key].offers == {audience: shown[mark] for audience, mark in pairs if mark in shown}


def test_orders_leads_and_tasks_are_off_for_everybody() -> None:
    others = [row for row in EVENT_ROWS if row.group != "appointments"]
    assert {row.event.partition(".")[0] for row in others} == {"order", "lead", "task"}
    assert not any(on for row in others for on in row.offers.values())


def test_no_two_rows_share_a_key() -> None:
    assert len(ROWS) == len(EVENT_ROWS) + len(REMINDER_ROWS)


def test_every_event_of_the_matrix_has_a_row() -> None:
    assert set(MATRIX.values()) <= {row.event for row in EVENT_ROWS}


@pytest.mark.parametrize("source", ["widget", "console", "api"])
@pytest.mark.parametrize("actor", ["client", "staff", "system"])
def test_an_event_belongs_to_exactly_one_row(source: str, actor: str) -> None:
    def fits(row: Row) -> bool:
        return (not row.sources or source in row.sources) and (not row.actors or actor in row.actors)

    for event in {row.event for row in EVENT_ROWS}:
        fitting = [row for row in EVENT_ROWS if row.event == event and fits(row)]
        assert len(fitting) == 1
        assert row_for(event, source=source, actor=actor) is fitting[0]


def test_what_is_not_in_the_catalog_has_no_row() -> None:
    assert row_for("appointment.exploded", source="api", actor="system") is None


def test_audiences_stand_in_the_order_from_the_client_to_the_owner() -> None:
    # Equal addresses are told as the first of these.
    for row in (row for row in EVENT_ROWS if row.group == "appointments"):
        order = [AUDIENCES.index(audience) for audience in row.offers]
        assert order == sorted(order)


def test_only_the_review_is_marketing() -> None:
    assert [key for key, row in ROWS.items() if row.purpose == "marketing"] == ["review"]


@pytest.mark.parametrize(
    ("key", "template", "general"),
    [
        ("day_before", "reminder.day_before", "reminder"),
        ("service_completed", "reminder.service_completed", "reminder"),
        ("own_key", "reminder.own_key", "reminder"),
        ("review", "review", None),
    ],
)
def test_a_reminders_text_falls_back_to_the_general_one(key: str, template: str, general: str | None) -> None:
    assert reminder_template_key(key) == template
    assert general_key(template) == general


@pytest.mark.parametrize("key", ["appointment.booked.widget", "recap", "own.welcome", "reminder"])
def test_other_keys_have_no_general_one(key: str) -> None:
    assert general_key(key) is None


def test_every_built_in_reminder_has_a_row() -> None:
    assert {reminder_template_key(key) for key in BUILT_IN_REMINDERS} <= set(ROWS)
    assert [reminder.key for reminder in default_reminders()] == list(BUILT_IN_REMINDERS)


def test_a_new_organization_has_the_contracts_reminders() -> None:
    states = {reminder.key: (reminder.enabled, reminder.strategy) for reminder in default_reminders()}
    assert states == {
        "day_before": (True, "first_reachable"),
        "morning_of": (True, "first_reachable"),
        "hour_before": (False, "first_reachable"),
        "service_completed": (True, "first_reachable"),
        "first": (False, "all"),
        "second": (False, "all"),
        "review": (False, "all"),
    }
    fresh: Settings = settings()
    assert (fresh.late_booking, fresh.enrol_new_clients, fresh.retention_days) == ("skip", True, 90)
    assert not fresh.quiet_hours.enabled
    assert not fresh.consent_defaults.phone
    assert not fresh.consent_defaults.email


def test_default_rules_have_every_row_and_audience_once_with_e_mail_as_marked() -> None:
    rules = default_rules().rules
    assert len({rule.id for rule in rules}) == len(rules) == sum(len(row.offers) for row in EVENT_ROWS)
    for rule in rules:
        expected = ("email",) if ROWS[rule.key].offers[rule.audience] else ()
        assert rule.enabled_channels == expected
        assert "push" not in rule.channels
        assert not rule.include_actor


def test_a_rule_names_its_channels_in_the_order_of_the_catalog() -> None:
    on = RuleChannel(enabled=True)
    rule = Rule(id="1", key="k", event="k", audience="client", channels={"viber": on, "email": on, "push": on})
    assert rule.enabled_channels == ("email", "viber")
    assert rule.template_for("email") == "k"


def test_all_channels_have_facts_and_only_push_cannot_be_listed() -> None:
    assert tuple(CHANNELS) == ALL
    assert set(ALL) - set(LISTABLE) == {"push"}


@pytest.mark.parametrize("channel", ALL)
def test_a_channels_facts_hold_together(channel: str) -> None:
    facts = CHANNELS[channel]  # type: ignore[index]
    assert facts.max_length > 0
    assert not facts.attachments or channel == "email"
    assert (facts.unit == "part") == (channel == "sms")
    assert (facts.unit is None) == (channel == "push")
    assert facts.quiet == (channel in ("sms", "whatsapp", "telegram", "viber"))
    assert facts.needs_consent == (channel != "push")
    assert facts.manual_templates == (channel != "viber")
    if channel == "sms":
        assert not facts.receipts
    covered = {"sms": "phone", "whatsapp": "phone", "viber": "phone", "email": "email"}
    assert facts.consent_default == covered.get(channel)
